"""What the kinds of workloads have in common: numbers of pods, and what a controller does by itself."""

from __future__ import annotations

import pytest

from secretsync.core.kinds import KINDS
from secretsync.core.kinds.kind import State, Status, share


@pytest.mark.parametrize(
    ("value", "of", "down", "up"),
    [(2, 10, 2, 2), ("25%", 10, 2, 3), ("50%", 10, 5, 5), ("100%", 3, 3, 3), ("1%", 1, 0, 1), ("0%", 5, 0, 0)],
)
def test_a_percentage_of_pods_is_rounded_as_kubernetes_does(value: int | str, of: int, down: int, up: int) -> None:
    assert (share(value, of), share(value, of, up=True)) == (down, up)


def test_the_controller_of_a_stateful_set_alone_waits_for_pods_that_fail() -> None:
    assert [kind.name for kind in KINDS.values() if kind.waits_for_failed_pods] == ["StatefulSet"]


def test_two_verdicts_are_the_same_whenever_they_were_reached() -> None:
    assert Status(State.CURRENT, "", at=1.0) == Status(State.CURRENT, "", at=2.0)
