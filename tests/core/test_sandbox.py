"""Programs of strangers: nothing of ours is given to them, and nothing of theirs stays."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from secretsync.core import landlock, sandbox

pytestmark = pytest.mark.slow  # each case starts sandboxes

TRIAL = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x10000000 | 0x20000000 | 0x20000))"
NAMESPACES = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", TRIAL], check=False).returncode != 0,
    reason="this kernel refuses user namespaces to this user",
)


LANDLOCK = pytest.mark.skipif(landlock.version() < 1, reason="this kernel has no Landlock, or a profile refuses it")

WITHOUT_NAMESPACES = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("sandbox_init", {init!r})
init = importlib.util.module_from_spec(spec)
spec.loader.exec_module(init)
init.enter_namespaces = lambda **_: False
init.main(sys.argv[1:])
"""


def refuse_namespaces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As container runtimes and some distributions do."""
    (folder / "init.py").write_text(WITHOUT_NAMESPACES.format(init=str(sandbox._INIT)))
    monkeypatch.setattr(sandbox, "_INIT", folder / "init.py")


@pytest.fixture(params=["in namespaces", "without namespaces"])
def confined(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without namespaces":
        refuse_namespaces(tmp_path, monkeypatch)


def run(code: str, folder: Path, *, seconds: float = 60, network: bool = False) -> sandbox.Completed:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return sandbox.run([sys.executable, "-c", code], environment, folder, seconds=seconds, network=network)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 11)", -11), ("import os; os.abort()", -6)],
)
def test_a_program_ends_as_it_did(code: str, expected: int, tmp_path: Path) -> None:
    assert run(code, tmp_path).code == expected


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    assert run("import time; time.sleep(100)", tmp_path, seconds=1).code is None


def test_a_program_that_fills_the_disk_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST_WRITTEN", 5_000_000)
    monkeypatch.setattr(sandbox, "_LOOK", 0.1)
    code = "import time\nfor name in 'abc': open(name, 'wb').write(bytes(range(256)) * 10_000)\ntime.sleep(100)"
    assert run(code, tmp_path).code == -signal.SIGXFSZ


def test_only_the_beginning_of_what_it_says_is_kept(tmp_path: Path) -> None:
    ended = run("import sys\nfor _ in range(300): sys.stderr.write('x' * 1000000)", tmp_path)
    assert (ended.code, len(ended.complaint)) == (0, sandbox.MOST_OUTPUT)


def test_it_has_the_environment_that_was_made_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    ended = run("import os, sys; sys.stderr.write(repr(sorted(os.environ)))", tmp_path)
    assert b"TOKEN" not in ended.complaint


ESCAPE = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1.5)
            open({mark!r}, 'w').close()
        os._exit(0)
"""


@pytest.mark.parametrize("in_namespaces", [True, False])
@pytest.mark.parametrize("seconds", [60, 0.5])
def test_what_it_left_behind_is_killed(
    seconds: float, in_namespaces: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_namespaces:
        refuse_namespaces(tmp_path, monkeypatch)
    waits = "" if seconds > 1 else "time.sleep(100)\n"
    ended = run(ESCAPE.format(mark=str(tmp_path / "mark")) + waits, tmp_path, seconds=seconds)
    assert ended.code == (0 if seconds > 1 else None)
    time.sleep(2)
    assert not (tmp_path / "mark").exists()


@NAMESPACES
def test_it_sees_no_process_of_ours(tmp_path: Path) -> None:
    ended = run(f"import os, sys; sys.stderr.write(str(os.path.exists('/proc/{os.getpid()}/environ')))", tmp_path)
    assert ended.complaint == b"False"


@NAMESPACES
@pytest.mark.parametrize(("place", "errors"), [("here", b""), ("elsewhere", b"OSError")])
def test_it_writes_to_its_folder_alone(place: str, errors: bytes, tmp_path: Path) -> None:
    for name in ("here", "elsewhere"):
        (tmp_path / name).mkdir()
    code = f"import sys\ntry: open({str(tmp_path / place / 'x')!r}, 'w')\nexcept OSError: sys.stderr.write('OSError')"
    assert run(code, tmp_path / "here").complaint == errors
    assert (tmp_path / place / "x").exists() is not bool(errors)


@NAMESPACES
@pytest.mark.parametrize(("network", "devices"), [(False, b"1"), (True, None)])
def test_it_has_no_network_unless_it_needs_one(network: bool, devices: bytes | None, tmp_path: Path) -> None:
    ended = run("import socket, sys; sys.stderr.write(str(len(socket.if_nameindex())))", tmp_path, network=network)
    assert ended.complaint == (devices or str(len(socket.if_nameindex())).encode())


@NAMESPACES
@pytest.mark.skipif(landlock.version() < 2, reason="an older kernel counts all processes of the user")
def test_it_has_so_many_processes_and_no_more(tmp_path: Path) -> None:
    code = "import resource, sys; sys.stderr.write(str(resource.getrlimit(resource.RLIMIT_NPROC)))"
    assert run(code, tmp_path).complaint == b"(1024, 1024)"


@NAMESPACES
@pytest.mark.skipif(os.getuid() != 0, reason="only root can put a socket into /run")
@pytest.mark.parametrize("network", [True, False])
def test_it_connects_to_no_socket_in_run(network: bool, tmp_path: Path) -> None:
    place = Path(f"/run/secretsync-test-{os.getpid()}.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen()
        try:
            code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(place)!r})"
            assert b"Error" in run(code, tmp_path, network=network).complaint
        finally:
            place.unlink()


@NAMESPACES
def test_it_cannot_undo_what_keeps_it_apart(tmp_path: Path) -> None:
    code = (
        "import ctypes, sys\nlibc = ctypes.CDLL(None)\n"
        "sys.stderr.write(str(libc.mount(None, b'/', None, 0x1020, None)))"
    )
    assert run(code, tmp_path).complaint == b"-1"


SECRETS = """
import os, socket, sys

def tried(what, act):
    try:
        act()
        sys.stderr.write(what + " succeeded; ")
    except OSError as error:
        sys.stderr.write(what + " " + type(error).__name__ + "; ")

tried("write outside", lambda: open({outside!r} + "/planted", "w"))
tried("append to a file of ours", lambda: open({outside!r} + "/key", "a"))
tried("remove", lambda: os.unlink({outside!r} + "/key"))
tried("rename", lambda: os.rename({outside!r} + "/key", "key"))
tried("read a key", lambda: open({outside!r} + "/key").read())
tried("list", lambda: os.listdir({outside!r}))
tried("read our environment", lambda: open("/proc/{pid}/environ", "rb").read())
tried("kill us", lambda: os.kill({pid}, 0))
tried("connect", lambda: socket.create_connection(("127.0.0.1", {port}), 5))
open("inside", "w").write("x")
"""


@pytest.mark.skipif(landlock.version() < 6, reason="Landlock of this kernel does not know of TCP and signals")
@pytest.mark.usefixtures("confined")
def test_it_reads_no_key_of_ours_writes_nowhere_else_and_reaches_no_server(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "home"
    for made in (folder, outside):
        made.mkdir()
    (outside / "key").write_text("canary")
    # a child of ours, as a run of secretsync would be: root may read everybody's environment
    other = subprocess.Popen(["sleep", "60"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = SECRETS.format(outside=str(outside), pid=other.pid, port=server.getsockname()[1])
        said = run(code, folder).complaint.decode()
    other.kill()
    other.wait()
    assert "succeeded" not in said
    assert said.count("; ") == 9
    assert (outside / "key").read_text() == "canary"
    assert (folder / "inside").exists()


@LANDLOCK
@pytest.mark.usefixtures("confined")
def test_it_reads_what_its_environment_names(tmp_path: Path) -> None:
    folder, authorities = tmp_path / "folder", tmp_path / "authorities.pem"
    folder.mkdir()
    authorities.write_text("these")
    environment = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(authorities)}
    code = "import os, sys; sys.stderr.write(open(os.environ['SSL_CERT_FILE']).read())"
    assert (
        sandbox.run([sys.executable, "-c", code], environment, folder, seconds=60, network=False).complaint == b"these"
    )
