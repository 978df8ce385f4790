"""Kinds of workload whose API may be absent: asked for once, found where they are, and in nobody's way where not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from secretsync.cluster.directory import DirectoryCluster
from secretsync.core.kinds import KINDS
from secretsync.core.kinds.kind import Kind
from secretsync.core.model import Manifest, Ref, Workload
from secretsync.plan.rewiring import NotWirable, refuse_unwirable
from tests.cluster.places import Stub, at, spoilt, stub
from tests.cluster.test_contract import MANAGER
from tests.servers import api_proxy
from tests.servers.api_proxy import Proxy

OPTIONAL = [kind for kind in KINDS.values() if kind.optional]
STAMP = {"secretsync.rucio/atlas": "abc.1"}


@pytest.fixture
def server() -> Iterator[Stub]:
    with stub() as started:
        yield started


@pytest.fixture
def proxy(server: Stub) -> Iterator[Proxy]:
    with spoilt(server) as proxy:
        yield proxy


@pytest.fixture(params=OPTIONAL, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def workload(kind: Kind) -> Manifest:
    pod = {"metadata": {"labels": {"app": "server"}}, "spec": {"containers": [{"name": "main", "image": "rucio:41"}]}}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"name": "server", "namespace": "rucio", "labels": {"app": "server"}},
        "spec": {"selector": {"matchLabels": {"app": "server"}}, "template": pod},
    }


def resources(proxy: Proxy) -> list[str]:
    return [call.path.partition("?")[0].rpartition("/")[2] for call in proxy.calls]


def test_where_the_api_is_absent_discovery_is_asked_once_in_the_life_of_the_process(
    server: Stub, proxy: Proxy, kind: Kind
) -> None:
    assert kind not in server.cluster.workload_kinds()
    server.cluster.workloads("rucio")
    assert [call.path for call in proxy.calls].count(f"/apis/{kind.api_version}") == 1
    proxy.calls.clear()
    at(proxy.url).workloads("rucio")  # the next pass opens a connection of its own
    assert resources(proxy) == [kind.resource for kind in KINDS.values() if not kind.optional]


def test_where_discovery_is_forbidden_the_kind_counts_as_absent(server: Stub, proxy: Proxy, kind: Kind) -> None:
    proxy.faults = dict.fromkeys(range(1, len({one.api_version for one in OPTIONAL}) + 1), api_proxy.answers(403))
    assert server.cluster.workloads("rucio") == []
    assert kind not in server.cluster.workload_kinds()


def test_one_is_found_and_stamped_by_its_pod_template(server: Stub, kind: Kind) -> None:
    server.api.optional_kinds = {kind.name}
    server.put(workload(kind))
    (found,) = server.cluster.workloads("rucio", "app=server")
    assert found.ref == Ref(kind.name, "rucio", "server")
    stamped = server.cluster.annotate(found, STAMP, manager=MANAGER)
    assert stamped.template_annotations == STAMP
    assert stamped.manifest["apiVersion"] == kind.api_version


def test_an_account_that_may_not_list_it_sees_the_other_workloads(server: Stub, proxy: Proxy, kind: Kind) -> None:
    server.api.optional_kinds = {kind.name}
    server.put(workload(KINDS["Deployment"]))
    server.put(workload(kind))
    proxy.spoils = lambda request: api_proxy.answers(403) if f"/{kind.resource}" in request.path else None
    assert [found.ref.kind for found in server.cluster.workloads("rucio")] == ["Deployment"]


def test_one_is_found_in_a_directory(tmp_path: Path, kind: Kind) -> None:
    (tmp_path / "server.yaml").write_text(yaml.safe_dump(workload(kind)))
    cluster = DirectoryCluster(tmp_path)
    (found,) = cluster.workloads("rucio")
    assert cluster.annotate(found, STAMP, manager=MANAGER).template_annotations == STAMP


def test_one_whose_lists_cannot_be_merged_is_not_wired(kind: Kind) -> None:
    found = Workload(Ref(kind.name, "rucio", "server"), workload(kind))
    if kind.wirable:
        refuse_unwirable([found])
    else:
        with pytest.raises(NotWirable, match="let the target's selector leave it out"):
            refuse_unwirable([found])
