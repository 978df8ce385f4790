"""What an operator reads after Ctrl-C: what was written by then, and what the next apply does."""

from __future__ import annotations

from typing import Never

import pytest

from secretsync.cli.interrupted import Writes, said_when_interrupted
from secretsync.core import shutdown
from secretsync.core.instrumentation import ApplyBegan, ObjectWritten
from secretsync.reconcile import watch
from tests.reconcile.test_reconciler import Site


def writes(*signals: ApplyBegan | ObjectWritten) -> Writes:
    written = Writes()
    for signal in signals:
        written.record(signal)
    return written


def secret(name: str) -> ObjectWritten:
    return ObjectWritten("production", "Secret", name)


def deployment(name: str) -> ObjectWritten:
    return ObjectWritten("production", "Deployment", name)


BEGAN = ApplyBegan("production", 2, 3, restores=False)


def test_nothing_was_written() -> None:
    assert writes().sentence() == "no Secret and no workload was changed"
    assert writes(BEGAN).sentence() == "production: no Secret and no workload was changed; the next apply does it all"


def test_a_part_was_written() -> None:
    assert writes(BEGAN, secret("atlas")).sentence() == (
        "production: wrote 1 of 2 Secrets (atlas) and restarted 0 of 3 workloads; the next apply writes the other "
        "1 Secret, restarts the other 3 workloads, waits until every pod is ready"
    )


def test_all_was_written_and_not_waited_for() -> None:
    written = writes(BEGAN, secret("atlas"), secret("atlas-sub"), *map(deployment, "abc"))
    assert written.sentence() == (
        "production: wrote 2 of 2 Secrets (atlas, atlas-sub) and restarted 3 of 3 workloads; the next apply waits "
        "until every pod is ready"
    )


def test_a_rollback_is_named_and_a_target_that_ended_is_not() -> None:
    written = writes(ApplyBegan("production", 1, 1, restores=True), ApplyBegan("testbed", 1, 1, restores=False))
    written.ended("testbed")
    assert written.sentence().startswith("production: the rollback: no Secret")
    assert "testbed" not in written.sentence()


def test_a_run_that_is_stopped_while_it_waits_says_what_it_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site("server", "judge")

    def stop(_: object) -> Never:
        raise shutdown.Stopped("SIGINT")

    monkeypatch.setattr(watch, "observe_rollouts", stop)
    with pytest.raises(shutdown.Stopped) as stopped, said_when_interrupted():
        site.sync()
    assert str(stopped.value) == (
        f"stopped by SIGINT: {site.destination.name}: wrote 1 of 1 Secret (atlas) and restarted 2 of 2 workloads; "
        "the next apply waits until every pod is ready"
    )


def test_a_rollout_that_was_continued_has_nothing_left_but_the_wait() -> None:
    continued = writes(ApplyBegan("production", 0, 0, restores=False))
    assert continued.sentence() == (
        "production: no Secret and no workload was changed; the next apply waits until every pod is ready"
    )
