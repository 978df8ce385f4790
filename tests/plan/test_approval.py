"""The document that a person approves: it is the same wherever it is made, and says in which field two differ."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from secretsync.plan.approval import (
    ApprovedPackage,
    ApprovedRestart,
    ApprovedTarget,
    PlanDocument,
    differences,
    plan_document,
)


def package(module: str = "atlas", commit: str = "a") -> ApprovedPackage:
    return ApprovedPackage(
        module=module, secret=module, source="git", ref="main", commit=commit, digest="d", revision=1, secrets=()
    )


def target(name: str = "production", *packages: ApprovedPackage, workloads: tuple[str, ...] = ()) -> ApprovedTarget:
    return ApprovedTarget(
        target=name,
        namespace="rucio",
        packages=packages,
        restarts=(tuple(ApprovedRestart(workload=name, live="l", change="c") for name in workloads),),
        workloads=workloads,
        findings=(),
        policy=(),
    )


@dataclass(frozen=True)
class Case:
    approved: tuple[ApprovedTarget, ...]
    current: tuple[ApprovedTarget, ...]
    differ: list[str]


CASES = {
    "nothing": Case((target(),), (target(),), []),
    "a commit": Case(
        (target("production", package(), package("cms")),),
        (target("production", package(), package("cms", "b")),),
        ["targets[production].packages[cms].commit: a -> b"],
    ),
    "a workload more": Case(
        (target(workloads=("server",)),),
        (target(workloads=("judge", "server")),),
        [
            "targets[production].restarts[0][judge]: absent -> present",
            "targets[production].workloads[judge]: absent -> judge",
        ],
    ),
    "the order of targets": Case((target("a"), target("b")), (target("b"), target("a")), []),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_difference_is_named_by_its_target_and_field(case: Case) -> None:
    assert differences(plan_document(case.approved), plan_document(case.current)) == case.differ


def test_two_targets_of_one_name_are_told_apart_by_their_place() -> None:
    twice = plan_document((target("a"), target("a", package())))
    assert len(differences(plan_document((target("a"), target("a"))), twice)) == 1


def test_the_id_is_that_of_the_content_in_the_order_of_names() -> None:
    documents = {plan_document(targets).id for targets in [(target("a"), target("b")), (target("b"), target("a"))]}
    assert len(documents) == 1
    assert documents != {plan_document((target("a"),)).id}


def test_the_document_says_that_it_is_of_version_1() -> None:
    assert PlanDocument(targets=()).model_dump(mode="json") == {"version": 1, "targets": []}
