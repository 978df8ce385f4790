"""What secretsync asks of the API is there in every minor that it supports; the rest it asks of discovery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secretsync.core.kinds import KINDS, SPAWNERS, api_version
from tests.cluster.places import Stub, stub
from tests.servers.kubernetes_minors import MINORS, serves

USED = {name: api_version(name) for name in (*KINDS, *SPAWNERS, "Secret", "ConfigMap", "Lease", "Event")}
OPTIONAL = {name for name, kind in KINDS.items() if kind.optional}


@pytest.fixture(params=MINORS, ids=lambda minor: f"1.{minor}")
def server(request: pytest.FixtureRequest) -> Iterator[Stub]:
    with stub(request.param) as started:
        yield started


@pytest.mark.parametrize("minor", MINORS)
def test_only_kinds_that_are_asked_of_discovery_may_be_absent(minor: int) -> None:
    assert {name for name, version in USED.items() if not serves(minor, version)} == OPTIONAL


def test_a_minor_without_an_api_is_no_table_that_says_yes_to_all() -> None:
    assert serves(24, "batch/v1beta1")
    assert not serves(25, "batch/v1beta1")
    assert not serves(20, "batch/v1")


def test_everything_is_listed_on_each_minor_without_the_optional_kinds(server: Stub) -> None:
    assert {kind.name for kind in server.cluster.workload_kinds()} == KINDS.keys() - OPTIONAL
    assert server.cluster.workloads("rucio") == server.cluster.spawners("rucio") == []
