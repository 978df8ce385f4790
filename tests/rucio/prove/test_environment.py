"""Where a Python with Rucio comes from; pip is a script that plays its part."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from secretsync.rucio.prove import CannotInstallRucio, RucioEnvironment, prove, rucio_environment
from secretsync.rucio.prove.proof import RucioUnusable
from tests.rucio.check.build import policy

FAKE = """#!/bin/sh
case "$*" in
  "-c import ensurepip, venv") exit 0 ;;
  "-m venv "*) echo venv >> "{log}"; sleep 0.1; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  *install*) echo "$*" >> "{log}"; {pip} ;;
esac
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def fake_python(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, pip: str = ":") -> None:
    """A python3.9, first on PATH, that makes environments in which *pip* is run."""
    python = tmp_path / "bin" / "python3.9"
    python.parent.mkdir()
    python.write_text(FAKE.format(log=log, pip=pip))
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{python.parent}{os.pathsep}{os.environ['PATH']}")


def test_an_environment_is_made_once_and_then_kept(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_python(tmp_path, log, monkeypatch)
    first = rucio_environment("41.5.1", tmp_path / "cache")
    assert rucio_environment("41.5.1", tmp_path / "cache") == first
    assert first.python.exists()
    assert log.read_text().count("venv") == 1
    assert "rucio[oracle,mysql,postgresql]==41.5.1" in log.read_text()


def test_two_that_ask_at_once_get_one_environment_and_leave_no_rest(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(tmp_path, log, monkeypatch)
    made: list[RucioEnvironment] = []
    both = [
        threading.Thread(target=lambda: made.append(rucio_environment("41.5.1", tmp_path / "cache"))) for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert made[0] == made[1]
    assert [path.name for path in (tmp_path / "cache" / "rucio").iterdir()] == ["41.5.1-python3.9"]


def test_what_pip_says_is_told_and_nothing_half_made_is_kept(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(
        tmp_path, log, monkeypatch, pip='echo "ERROR: No matching distribution found for rucio==99.9" >&2; exit 1'
    )
    with pytest.raises(CannotInstallRucio, match=r"Rucio 99\.9 .*No matching distribution found.*--rucio-python"):
        rucio_environment("99.9", tmp_path / "cache")
    assert list((tmp_path / "cache" / "rucio").iterdir()) == []


def test_a_name_on_the_path_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.9"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    from secretsync.rucio.prove.environment import _interpreter

    assert _interpreter("41.5.1") != str(shim)


def test_a_python_that_is_given_is_taken_as_it_is(tmp_path: Path) -> None:
    given = rucio_environment("41.5.1", tmp_path, "/opt/rucio/bin/python")
    assert given == RucioEnvironment("41.5.1", Path("/opt/rucio/bin/python"))


def test_a_python_that_cannot_be_started_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(RucioUnusable, match="no-such-python"):
        prove(policy(), rucio=RucioEnvironment("", tmp_path / "no-such-python"))
