"""The comparison over published packages: what it reads, what it leaves out, and what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from git import Actor, Repo

from scripts.public_corpus import _report, _states
from secretsync.rucio.prove import RucioEnvironment, Verdict
from tests.rucio.prove.matrix.rows import Row
from tests.rucio.prove.matrix.run import Outcome

RUCIO = RucioEnvironment("41.5.1", Path("python"))


def outcome(name: str, direct: Verdict, *, static: tuple[str, ...] = (), proof: Verdict | None = None) -> Outcome:
    return Outcome(Row(name, "loads"), Verdict.LOADS, static, (), proof or direct, direct, "seen")


def test_each_commit_of_a_repository_is_a_state_oldest_first(tmp_path: Path) -> None:
    repository = Repo.init(tmp_path / "pol")
    author = Actor("a", "a@example.org")
    for text in ("1", "2"):
        for name in ("pol/__init__.py", "pol/permission.py", "pol/schema.py"):
            path = tmp_path / "pol" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"X = {text}\n")
        repository.git.add(all=True)
        repository.index.commit(text, author=author, committer=author)
    states = list(_states(f"git+file://{tmp_path}/pol", 50, tmp_path))
    assert [{file.data for file in state.bundle.files} for state in states] == [{b"X = 1\n"}, {b"X = 2\n"}]
    assert len(list(_states(f"git+file://{tmp_path}/pol", 1, tmp_path))) == 1


def test_a_source_that_cannot_be_reached_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(_states(f"git+file://{tmp_path}/none", 50, tmp_path)) == []
    assert f"left out git+file://{tmp_path}/none: " in capsys.readouterr().err


def test_a_false_alarm_a_silent_state_and_a_proof_that_differs_are_named_and_counted() -> None:
    outcomes = [
        outcome("sound", Verdict.LOADS),
        outcome("accused", Verdict.LOADS, static=("syntax",)),
        outcome("found", Verdict.DIES, static=("syntax",)),
        outcome("not called", Verdict.LOADS, static=("algorithm-call",), proof=Verdict.ALGORITHMS_LOST),
        outcome("missed", Verdict.GENERIC, proof=Verdict.LOADS),
    ]
    assert list(_report(RUCIO, outcomes)) == [
        "FALSE ALARM accused: Rucio loads: seen; check syntax; proof loads",
        "SILENT missed: Rucio silently generic: seen; check nothing; proof loads",
        "PROOF DIFFERS missed: Rucio silently generic: seen; check nothing; proof loads",
        "Rucio 41.5.1: 5 states",
        "  2 work, of these 1 false alarms",
        "  3 do not, of these 1 silent",
        "  proof right: 4 of 5",
    ]
