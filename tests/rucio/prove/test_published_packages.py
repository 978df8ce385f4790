"""Published packages in the real Rucio: their own modules come into force, or what the static rules said comes true."""

from __future__ import annotations

import pytest

from secretsync.rucio.prove import Proof, RucioEnvironment, Verdict, prove
from tests.published import GOOD, Fetch

pytestmark = pytest.mark.network


def proof(requirement: str, published: Fetch, rucio: RucioEnvironment) -> Proof:
    return prove(published(requirement), rucio=rucio)


@pytest.mark.parametrize("requirement", GOOD)
def test_a_good_package_loads_with_its_own_modules_in_force(
    requirement: str, published: Fetch, rucio: RucioEnvironment
) -> None:
    found = proof(requirement, published, rucio)
    assert found.verdict is Verdict.LOADS
    module = published(requirement).module
    assert {part: one["module"] for part, one in found.report["in_force"].items()} == {
        "permission": f"{module}.permission",
        "schema": f"{module}.schema",
    }


@pytest.mark.parametrize(
    ("requirement", "verdict"),
    [
        ("escape-rucio-policy-package==0.2.2", Verdict.DIES),
        ("eic-rucio-policy-package==0.1.2", Verdict.ALGORITHMS_LOST),
        ("jlab-rucio-policy-package==0.0.1a5", Verdict.ALGORITHMS_LOST),
    ],
)
def test_what_the_static_rules_say_of_a_broken_one_comes_true(
    requirement: str, verdict: Verdict, published: Fetch, rucio: RucioEnvironment
) -> None:
    assert proof(requirement, published, rucio).verdict is verdict
