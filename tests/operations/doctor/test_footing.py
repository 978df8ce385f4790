"""What secretsync itself stands on, and others' hands in the same workloads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from secretsync.cluster.rbac import Access
from secretsync.core.model import Secret, Workload
from secretsync.operations.doctor import footing
from tests.build import workload

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_account_that_may_do_just_what_is_needed_is_no_news() -> None:
    assert list(footing.permissions([], [])) == []


def test_what_an_account_lacks_is_a_failure_with_its_remedy() -> None:
    (remark,) = footing.permissions([Access("create", "", "secrets")], [])
    assert remark.failure
    assert "secretsync rbac" in remark.text
    assert remark.lacking == (Access("create", "", "secrets"),)


def test_all_that_is_missing_is_named_at_once() -> None:
    (remark,) = footing.permissions([Access("get", "", "secrets", str(number)) for number in range(9)], [])
    assert [access.name for access in remark.lacking] == [str(number) for number in range(9)]


def test_what_an_account_may_beyond_need_is_a_note() -> None:
    (remark,) = footing.permissions([], [Access("list", "", "secrets")])
    assert not remark.failure
    assert "list secrets" in remark.text


@pytest.mark.parametrize(("off", "told"), [(2, False), (-4, False), (61, True), (-61, True)])
def test_a_clock_that_is_off_is_told(off: int, told: bool) -> None:
    assert bool(list(footing.clock(NOW, NOW + timedelta(seconds=off)))) == told


def test_a_secret_that_is_nearly_full_is_told() -> None:
    (remark,) = footing.nearly_full([secret_of(900_000), secret_of(1000)])
    assert "900,000 of 1,048,576 bytes" in remark.text


def secret_of(size: int) -> Secret:
    return Secret(namespace="rucio", name="atlas", data={"a.py": b"x" * size})


def annotated(key: str, value: str) -> Workload:
    made = workload("atlas")
    metadata = {**made.manifest["metadata"], "annotations": {key: value}}
    return replace(made, manifest={**made.manifest, "metadata": metadata})


@pytest.mark.parametrize(
    ("key", "value", "wired", "says"),
    [
        ("reloader.stakater.com/auto", "true", False, "Reloader restarts it too"),
        ("secret.reloader.stakater.com/reload", "other, atlas", False, "Reloader restarts it too"),
        ("argocd.argoproj.io/tracking-id", "a:b", True, "may revert what 'wire: true' puts in"),
    ],
)
def test_other_hands_are_told(key: str, value: str, wired: bool, says: str) -> None:
    remark = list(footing.other_controllers([annotated(key, value)], ["atlas"], wired=wired))[-1]
    assert says in remark.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("reloader.stakater.com/auto", "false"),
        ("secret.reloader.stakater.com/reload", "other"),
        ("argocd.argoproj.io/tracking-id", "a:b"),
    ],
)
def test_hands_that_are_in_nobodys_way_are_not(key: str, value: str) -> None:
    assert list(footing.other_controllers([annotated(key, value)], ["atlas"], wired=False)) == []


def test_whoever_wires_learns_what_to_do_before_a_container_is_renamed() -> None:
    (remark,) = footing.other_controllers([workload("atlas")], ["atlas"], wired=True)
    assert "write 'wire: false'" in remark.text
