"""``secretsync export`` as an operator meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from secretsync.cli.main import main
from tests.servers import simple_index
from tests.servers.simple_index import SimpleIndex
from tests.sources.layouts import POLICY, below, commit, git, write
from tests.sources.wheels import release


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETRC", "/dev/null")


def configure(*packages: dict[str, str]) -> None:
    whole = {
        "packages": list(packages),
        "targets": [{"cluster": {"context": "nowhere"}, "namespace": "rucio"}],
        "cache": "./cache",
    }
    Path("secretsync.yaml").write_text(yaml.safe_dump(whole))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write(tmp_path / "policy", below("src/my_policy", POLICY))
    commit(tmp_path / "policy")
    return tmp_path / "policy"


def test_the_files_are_where_rucio_imports_them_from(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure({"moduleName": "my_policy", "requirement": f"git+file://{repository}"})
    assert main(["fetch", "--to", "volume"]) == 0
    assert {path.name: path.read_text() for path in Path("volume/my_policy").iterdir()} == POLICY
    head = git(repository, "rev-parse", "HEAD")
    assert capsys.readouterr().out == f"volume/my_policy: my_policy (commit {head[:12]}), 3 files\n"


def test_the_build_argument_is_pinned_to_what_was_resolved(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with simple_index.serve(SimpleIndex([release("1.0", name="other"), release("1.4.0", name="other")])) as url:
        configure(
            {"moduleName": "other", "requirement": "other>=1.0", "index": url},
            {"moduleName": "my_policy", "requirement": f"git+file://{repository}@main#subdirectory=src"},
        )
        assert main(["fetch", "--requirements"]) == 0
    head = git(repository, "rev-parse", "HEAD")
    assert capsys.readouterr().out == (
        f"POLICY_PACKAGE_REQUIREMENTS=other==1.4.0,git+file://{repository}@{head}#subdirectory=src\n"
    )
    assert sorted(path.name for path in Path().iterdir()) == ["cache", "policy", "secretsync.yaml"]


def test_nothing_is_written_before_all_are_fetched(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(
        {"moduleName": "my_policy", "requirement": f"git+file://{repository}"},
        {"moduleName": "lost", "requirement": "./nowhere"},
    )
    assert main(["fetch", "--to", "volume"]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert not Path("volume").exists()
    assert main(["fetch", "--to", "volume", "--package", "my_policy"]) == 0
    assert Path("volume/my_policy/permission.py").is_file()


def test_a_package_that_is_not_configured_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure({"moduleName": "my_policy", "requirement": f"git+file://{repository}"})
    assert main(["fetch", "--package", "other"]) == 2
    assert "no package 'other'" in capsys.readouterr().err
