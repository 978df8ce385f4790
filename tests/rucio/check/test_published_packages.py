"""Real policy packages: no alarm over good ones, and a true sentence about those that are broken."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import Severity, Situation, check
from secretsync.rucio.check.against_generic import against_generic
from secretsync.rucio.check.algorithms import algorithms
from secretsync.rucio.check.dispatch import dispatch
from secretsync.rucio.check.package import Package
from tests.published import GOOD, Fetch

pytestmark = pytest.mark.network
RUCIO = ("38.5.5", "40.4.2", "41.5.1")


@pytest.mark.parametrize("requirement", GOOD)
def test_a_good_package_raises_no_alarm(requirement: str, published: Fetch) -> None:
    assert check(published(requirement), Situation(rucio=RUCIO)) == ()


def test_escape_is_said_to_end_the_process(published: Fetch) -> None:
    (found,) = check(published("escape-rucio-policy-package==0.2.2"), Situation(rucio=RUCIO))
    assert (found.rule, found.severity, found.path) == ("supported-version", Severity.ERROR, "__init__.py")
    assert found.effect == "Invalid specifier: '1.28': Rucio cannot read SUPPORTED_VERSION and the process dies"


@pytest.mark.parametrize("experiment", ["eic-rucio-policy-package==0.1.2", "jlab-rucio-policy-package==0.0.1a5"])
def test_eic_and_jlab_are_said_to_lose_their_algorithms(experiment: str, published: Fetch) -> None:
    found = {one.rule: one for one in check(published(experiment), Situation(rucio=RUCIO))}
    lost = found["algorithms-import"]
    assert lost.severity is Severity.ERROR
    assert "extract_scope raises ModuleNotFoundError" in lost.effect
    assert "Rucio swallows it, and none of the algorithms it names is registered" in lost.effect


def test_a_copy_of_generic_is_read_whole(published: Fetch) -> None:
    atlas = Package(published("atlas-rucio-policy-package==0.8.6"))
    table, registered = dispatch(atlas), algorithms(atlas)
    assert table
    assert len(table.actions) > 70
    assert registered
    assert registered.complete
    assert {"pfn2lfn", "scope"} <= set(registered.types)


def test_stale_copies_are_told_what_they_lack(published: Fetch) -> None:
    assert "add_opendata_did" in against_generic(published("eic-rucio-policy-package==0.1.2"), "41.5.1").lacks
    assert against_generic(published("pic-rucio-policy-package==0.1.1"), "41.5.1").lacks == ()
