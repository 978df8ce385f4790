"""The proof at the end of entrypoints as images have them: scripts of our own that end in the same way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.core.model import Bundle, Manifest
from secretsync.reconcile.canary import in_pod
from secretsync.reconcile.canary.entrypoint import command, executables
from secretsync.reconcile.canary.environment import environment
from secretsync.reconcile.canary.manifests import PROOF, candidates, job
from secretsync.reconcile.canary.verdict import Judgement, judge
from tests.build import bundle
from tests.reconcile.canary.test_manifests import env, package, rucio

pytestmark = pytest.mark.slow


SCRIPTS = Path(__file__).with_name("entrypoints")
FILES = {"__init__.py": "", "permission.py": "", "schema.py": ""}
DAEMON = {"RUCIO_DAEMON": "judge-cleaner", "RUCIO_DAEMON_ARGS": "--threads 4 --activities 'a b'"}
SERVER_IMAGE, DAEMON_IMAGE = "rucio/rucio-server:41.5.1", "rucio/rucio-daemons:41.5.1"


class Image:
    """A folder that stands for an image's root, and for what the kubelet mounts into it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.copy("opt/policy/pol")

    def copy(self, folder: str) -> Path:
        """Another copy of the package, byte by byte the same."""
        place = self.root / folder
        place.mkdir(parents=True)
        for name, text in FILES.items():
            (place / name).write_text(text)
        return place

    def runs(self, pod: Manifest, *entrypoint: str) -> str:
        """What the pod's container leaves as its termination message."""
        (container,) = pod["containers"]
        program = Path(in_pod.__file__).read_text()
        program = program.replace("/dev/termination-log", f"{self.root}/message").replace("python3", sys.executable, 1)
        program = program.replace("/secretsync-run", f"{self.root}/run").replace("#!/usr/bin/env ", "#!")
        (self.root / "run").mkdir(exist_ok=True)
        for mount in container["volumeMounts"]:
            if mount.get("subPath") == "in_pod.py":
                place = self.root / mount["mountPath"].lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(program)
                place.chmod(0o755)
        variables = {one["name"]: one["value"] for one in container["env"]}
        variables[PROOF] = variables[PROOF].replace("/secretsync-probe/probe.zip", str(SCRIPTS / "probe.py"))
        variables = {name: value.replace("ROOT", str(self.root)) for name, value in variables.items()}
        command = [str(SCRIPTS / script) for script in entrypoint]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(command, env={"PATH": path, "ROOT": str(self.root), **variables}, check=True, timeout=60)
        return (self.root / "message").read_text()


def proof(image_name: str, root: Path, **variables: str) -> Manifest:
    one = rucio(image=image_name, **env(PYTHONPATH=f"{root}/opt/policy", **variables))
    found = environment(one, one.template["spec"]["containers"][0])
    (candidate,) = candidates([package()], [("", found)])
    return dict(job(candidate, "atlas-candidate-1", vo="", seconds=30)["spec"]["template"]["spec"])


def judged(message: str, root: Path) -> Judgement:
    made: Bundle = bundle(FILES, "pol")
    return judge(made, message, f"{root}/opt/policy/pol")


CASES = [
    ("daemon.sh", DAEMON_IMAGE),
    ("older-daemon.sh", DAEMON_IMAGE),
    ("daemon-by-path.sh", DAEMON_IMAGE),
    ("server.sh", SERVER_IMAGE),
    ("older-server.sh", SERVER_IMAGE),
]


@pytest.mark.parametrize(("script", "image_name"), CASES)
def test_at_the_end_of_the_entrypoint_the_mounted_package_is_proven(
    tmp_path: Path, script: str, image_name: str
) -> None:
    more = DAEMON if image_name == DAEMON_IMAGE else {}
    message = Image(tmp_path).runs(proof(image_name, tmp_path, **more), script)
    judgement = judged(message, tmp_path)
    assert (judgement.reasons, judgement.notes) == ((), ())
    assert "schema from pol.schema" in judgement.seen
    assert (tmp_path / "run" / "started").exists()


@pytest.mark.parametrize(("script", "image_name"), CASES)
def test_a_copy_that_a_sites_entrypoint_puts_first_is_refused_by_its_path_though_it_is_the_same(
    tmp_path: Path, script: str, image_name: str
) -> None:
    image = Image(tmp_path)
    baked = image.copy("opt/rucio/policy/pol")
    more = {"POLICY_PKG_PATH": "ROOT/opt/rucio/policy", **(DAEMON if image_name == DAEMON_IMAGE else {})}
    message = image.runs(proof(image_name, tmp_path, **more), "site.sh", script)
    judgement = judged(message, tmp_path)
    (reason,) = judgement.reasons
    assert judgement.fault_of == "image"
    assert f"from {baked}, a second copy in the image" in reason
    assert f"{tmp_path}/opt/policy/pol, where its Secret is mounted" in reason


def test_a_copy_that_comes_second_is_named(tmp_path: Path) -> None:
    image = Image(tmp_path)
    baked = image.copy("opt/baked/pol")
    pod = proof(DAEMON_IMAGE, tmp_path, **DAEMON)
    pod["containers"][0]["env"][0]["value"] += f":{tmp_path}/opt/baked"
    judgement = judged(image.runs(pod, "daemon.sh"), tmp_path)
    assert judgement.reasons == ()
    assert str(baked) in judgement.notes[0]


def test_httpd_that_is_only_asked_for_something_starts_no_proof(tmp_path: Path) -> None:
    shutil.copy(in_pod.__file__, tmp_path / "httpd")
    command = [sys.executable, str(tmp_path / "httpd"), "-t"]
    told = subprocess.run(command, env={PROOF: "nothing 1"}, capture_output=True, check=False)
    assert (told.returncode, told.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("command", "found"),
    [(None, True), (["/start-daemon.sh"], True), (["python3", "-m", "site"], False), (["sleep", "1000"], False)],
)
def test_only_a_command_that_goes_through_an_entrypoint_is_run(command: list[str] | None, found: bool) -> None:
    container = {"image": DAEMON_IMAGE, **({"command": command} if command else {})}
    assert bool(executables(container)) is found


PROBE = ["/p/in_pod.py", "30"]


@pytest.mark.parametrize(
    ("own", "proof_command"),
    [
        ({}, ["python3", *PROBE]),
        ({"args": ["--threads", "4"]}, ["python3", *PROBE]),
        ({"command": ["/site/run.sh"]}, ["python3", *PROBE]),
        ({"command": ["sleep", "1000"]}, ["python3", *PROBE]),
        ({"command": ["python3", "-m", "rucio.daemons.judge"]}, ["python3", *PROBE, "--from-directory"]),
        ({"command": ["/c/bin/python3.11", "-u", "-m", "rucio.x"]}, ["/c/bin/python3.11", *PROBE, "--from-directory"]),
        ({"command": ["/run.sh"], "args": ["rucio-judge", "-t", "4"]}, ["/run.sh", "python3", *PROBE]),
        ({"command": ["env", "-i", "PATH=/usr/bin", "rucio-judge"]}, ["env", "-i", "PATH=/usr/bin", "python3", *PROBE]),
        ({"command": ["gosu", "apache", "/usr/bin/rucio-judge"]}, ["gosu", "apache", "python3", *PROBE]),
        ({"command": ["dumb-init", "--", "su-exec", "48", "rucio-judge"]},
         ["dumb-init", "--", "su-exec", "48", "python3", *PROBE]),
        ({"command": ["su", "-s", "/bin/sh", "-c", "rucio-judge", "apache"]},
         ["su", "-s", "/bin/sh", "-c", "python3 /p/in_pod.py 30", "apache"]),
        ({"command": ["tini", "--", "/v/bin/python", "/v/bin/rucio-judge"]}, ["tini", "--", "/v/bin/python", *PROBE]),
        ({"command": ["tini", "--"], "args": ["/usr/bin/rucio-judge", "-t", "4"]}, ["tini", "--", "python3", *PROBE]),
        ({"command": ["nice", "rucio-judge-cleaner"]}, ["nice", "python3", *PROBE]),
        (
            {"command": ["bash", "-lc", "rucio-reaper --threads 4 >> /var/log/x 2>&1"]},
            ["bash", "-lc", "python3 /p/in_pod.py 30"],
        ),
        (
            {"command": ["/bin/sh", "-c"], "args": ["export PYTHONPATH=/opt/a; exec /usr/bin/rucio-reaper"]},
            ["/bin/sh", "-c", "export PYTHONPATH=/opt/a; exec python3 /p/in_pod.py 30"],
        ),
        (
            {"command": ["bash", "-ec", ". /conda.sh\nconda activate rucio\nrucio-judge --activities 'a b'\n"]},
            ["bash", "-ec", ". /conda.sh\nconda activate rucio\npython3 /p/in_pod.py 30"],
        ),
        (
            {"command": ["tini", "--", "sh", "-c", "cd /x && exec /v/bin/python3 -u -m rucio.daemons.judge -t 2"]},
            ["tini", "--", "sh", "-c", "cd /x && exec /v/bin/python3 /p/in_pod.py 30 --from-directory"],
        ),
        ({"command": ["sh", "-c", '. /p && exec "$@"', "--", "rucio-judge"]},
         ["sh", "-c", '. /p && exec "$@"', "--", "python3", *PROBE]),
        ({"command": ["sh", "-c", "sleep 1; rucio-judge; sleep 1", "rucio-judge"]}, ["python3", *PROBE]),
        ({"command": ["sh", "-c", "rucio-judge & wait"]}, ["python3", *PROBE]),
        ({"command": ["sh", "-c", "while true; do rucio-judge --run-once; done"]}, ["python3", *PROBE]),
        ({"command": ["sh", "/site/run.sh"]}, ["python3", *PROBE]),
    ],
)  # fmt: skip
def test_a_command_that_runs_rucio_itself_is_kept_up_to_there(own: Manifest, proof_command: list[str]) -> None:
    assert command({"image": DAEMON_IMAGE, **own}, PROBE) == proof_command


def test_a_copy_in_the_directory_in_which_python_runs_a_module_is_refused_by_its_path(tmp_path: Path) -> None:
    image = Image(tmp_path)
    (tmp_path / "run").mkdir()
    here = image.copy("srv/pol")
    own = {"command": [sys.executable, "-m", "rucio.daemons.judge"]}
    program = tmp_path / "in_pod.py"
    program.write_text(
        Path(in_pod.__file__)
        .read_text()
        .replace("/dev/termination-log", f"{tmp_path}/message")
        .replace("/secretsync-run", f"{tmp_path}/run")
    )
    words = command({"image": DAEMON_IMAGE, **own}, [str(program), str(SCRIPTS / "probe.py"), "30"])
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}/opt/policy"}
    subprocess.run(words, env=variables, cwd=here.parent, check=True, timeout=60)
    (reason, *_) = judged((tmp_path / "message").read_text(), tmp_path).reasons
    assert f"from {here}, a second copy in the image" in reason


def test_pods_whose_scripts_differ_are_proven_each() -> None:
    scripts = ("PYTHONPATH=/a rucio-judge", "PYTHONPATH=/b rucio-judge", "PYTHONPATH=/b rucio-judge")
    found = [rucio(command=["sh", "-c"], args=[script]) for script in scripts]
    facts = [environment(one, one.template["spec"]["containers"][0]).facts for one in found]
    assert facts[0] != facts[1] == facts[2]


@pytest.mark.parametrize(
    "script",
    [
        "export PYTHONPATH=ROOT/opt/rucio/policy:$PYTHONPATH; exec rucio-judge",
        ". ROOT/profile.sh && rucio-judge --threads 4",
        "cd ROOT/opt/rucio/policy && PYTHONPATH=. python3 -m rucio.daemons.judge",
    ],
)
def test_what_a_script_puts_first_is_seen_by_the_proof(tmp_path: Path, script: str) -> None:
    (tmp_path / "profile.sh").write_text(f"export PYTHONPATH={tmp_path}/opt/rucio/policy:$PYTHONPATH\n")
    (tmp_path / "opt" / "rucio" / "policy").mkdir(parents=True)
    show = tmp_path / "show.py"
    show.write_text("import os, sys; print(os.path.abspath(os.environ['PYTHONPATH'].split(':')[0]))")
    container = {"image": DAEMON_IMAGE, "command": ["sh", "-c", script.replace("ROOT", str(tmp_path))]}
    environment_of_pod = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}/opt/policy"}
    done = subprocess.run(command(container, [str(show)]), env=environment_of_pod, stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().strip() == f"{tmp_path}/opt/rucio/policy"
