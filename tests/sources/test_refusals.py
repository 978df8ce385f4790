"""Each refusal as the operator meets it: its sentence, its exit code, and no credential anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.cli import main
from secretsync.core.errors import SecretSyncError
from tests.servers import simple_index, ssh
from tests.servers.certificates import Authority
from tests.sources.refusals import OPEN, PASSWORD, ROWS, SHAPES, TOKEN, Row, World

pytestmark = pytest.mark.slow  # each starts the servers that it is refused by


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssh.SshServer]:
    with ssh.serve(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def world(
    authority: Authority, sshd: ssh.SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        made = World(tmp_path, authority, sshd, stack)
        for name, value in {**made.record_children(), "SITE_TOKEN": TOKEN, "NETRC": "/dev/null"}.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[SecretSyncError]:
    """The errors that reach the command line."""
    seen: list[SecretSyncError] = []
    explain = main.explain

    def remember(error: SecretSyncError, where: str = "") -> None:
        seen.append(error)
        explain(error, where)

    monkeypatch.setattr(main, "explain", remember)
    return seen


def run(world: World, package: dict[str, Any]) -> int:
    """``secretsync export``, with all that it can be made to say."""
    world.argv.write_text("")
    whole = {
        "packages": [{"moduleName": "my_policy", **package}],
        "targets": [{"cluster": {"directory": "./cluster"}, "namespace": "rucio"}],
        "cache": "./cache",
    }
    Path("secretsync.yaml").write_text(yaml.safe_dump(whole))
    return main.main(["--verbose", "fetch", "--to", "out"])


def assert_no_canary(world: World, said: str, errors: list[SecretSyncError]) -> None:
    kept = [path for folder in ("cache", "out") for path in Path(folder).rglob("*") if path.is_file()]
    places = {
        "what it said": said,
        "the arguments of its children": world.argv.read_text(),
        "its errors": "".join(map(facts, errors)),
        **{str(path): path.read_bytes().decode("latin-1") for path in kept},
    }
    assert [(place, shape) for place, text in places.items() for shape in SHAPES if shape in text] == []


def facts(error: BaseException | None) -> str:
    """All that an error carries, and what it was raised from."""
    if error is None:
        return ""
    return f"{error} {error!r} {error.args} {vars(error)}" + facts(error.__cause__) + facts(error.__context__)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_refusal_is_one_sentence_with_its_exit_code(
    row: Row, world: World, errors: list[SecretSyncError], capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(world, row.package(world))
    out, said = capfd.readouterr()
    assert code == row.code, said
    assert out == ""
    (line,) = [line for line in said.splitlines() if "error:" in line]
    assert row.sentence in line
    assert "Traceback" not in said
    assert not Path("out").exists()
    assert_no_canary(world, said, errors)


@pytest.mark.parametrize("row", OPEN, ids=lambda row: row.name)
def test_a_way_in_shows_its_credential_to_nobody(
    row: Row, world: World, errors: list[SecretSyncError], capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(world, row.package(world))
    said = "".join(capfd.readouterr())
    assert code == 0, said
    assert world.argv.read_text() or "index" in row.name
    assert_no_canary(world, said, errors)


def test_credentials_of_pips_variable_and_of_netrc_show_nowhere(
    world: World, errors: list[SecretSyncError], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    world.behaving(user="me", password=PASSWORD)
    certificate = world.authority.certificate("index")
    url = world.stack.enter_context(simple_index.serve(world.index, certificate=certificate))
    access = {"ca": str(world.authority.ca)}
    monkeypatch.setenv("PIP_INDEX_URL", url.replace("//", f"//me:{PASSWORD}@"))
    codes = [run(world, {"requirement": name, "access": access}) for name in ("my-policy", "elsewhere")]
    (world.folder / "netrc").write_text(f"machine localhost login me password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(world.folder / "netrc"))
    monkeypatch.setenv("PIP_INDEX_URL", url)
    codes += [run(world, {"requirement": name, "access": access}) for name in ("my-policy", "elsewhere")]
    assert codes == [0, 1, 0, 1]
    assert_no_canary(world, "".join(capfd.readouterr()), errors)
