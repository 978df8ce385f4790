"""A full disk, a closed descriptor, a reader that went away: the work is done, and what was lost is said."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.cli.streams import LastingStream, lasting_streams, output_is_lost
from tests import ROOT


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_stream_that_cannot_be_written_drops_what_follows_and_keeps_why() -> None:
    stream = LastingStream(FullDisk())
    assert stream.write("lost") == len("lost")
    stream.flush()
    assert stream.failure is not None
    assert stream.failure.strerror == "No space left on device"


def test_a_stream_that_was_closed_drops_everything() -> None:
    stream = LastingStream(None)
    stream.write("nobody reads it")
    stream.flush()
    assert stream.failure is None
    assert not stream.isatty()


def test_the_streams_of_the_process_are_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with lasting_streams():
        print("read")
        assert not output_is_lost()
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "read\n"


def test_a_loop_can_ask_whether_anybody_still_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    with lasting_streams():
        print("lost")
        assert output_is_lost()


SECRETSYNC = f"{sys.executable} -m secretsync"
FULL = "Error: standard output could not be written: No space left on device"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source" / "pol").mkdir(parents=True)
    (tmp_path / "source" / "pol" / "__init__.py").touch()
    (tmp_path / "secretsync.yaml").write_text(
        "packages: [{moduleName: pol, requirement: ./source, check: {fail: never}}]\n"
        "targets: [{cluster: {directory: ./cluster}, namespace: rucio}]\ncache: ./cache\n"
    )
    (tmp_path / "cluster").mkdir()
    return tmp_path


def shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.slow
@pytest.mark.parametrize("streams", ["2>/dev/full", ">&- 2>&-", ">&-"])
def test_an_apply_whose_log_or_report_cannot_be_written_is_carried_out(streams: str, folder: Path) -> None:
    assert shell(folder, f"{SECRETSYNC} apply {streams}").returncode == 0
    assert "up to date" in shell(folder, f"{SECRETSYNC} plan").stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", ["apply", "plan -o json", "--help", "config schema"])
def test_a_report_that_cannot_be_written_is_a_failure_in_a_sentence(command: str, folder: Path) -> None:
    done = shell(folder, f"{SECRETSYNC} {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == FULL
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", ["apply", "status --watch"])
def test_a_reader_that_went_away_has_what_it_wanted(command: str, folder: Path) -> None:
    done = shell(folder, f"{SECRETSYNC} {command} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
