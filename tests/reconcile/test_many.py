"""Many targets of one cluster, and many packages of one namespace: what they have in common is asked for once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import yaml

from secretsync import config
from secretsync.core.model import Manifest
from secretsync.reconcile import factory, watch
from secretsync.reconcile.all_targets import reconcile_targets
from secretsync.reconcile.destination import Clock
from secretsync.reconcile.reconciler import preview, sync
from secretsync.sources.directory import DirectorySource
from tests.cluster.places import Stub, spoilt, stub
from tests.reconcile.test_reconciler import Site
from tests.servers.api_proxy import Proxy

pytestmark = pytest.mark.slow


WRITING = ("POST", "PUT", "PATCH", "DELETE")
NAMESPACES = [f"site-{number:02}" for number in range(12)]
PACKAGES = [f"policy_{number:02}" for number in range(20)]


@pytest.fixture
def server() -> Iterator[Stub]:
    with stub() as started:
        started.api.namespaces |= set(NAMESPACES)
        yield started


@pytest.fixture
def proxy(server: Stub) -> Iterator[Proxy]:
    with spoilt(server) as proxy:
        yield proxy


def configuration(folder: Path, proxy: Proxy, namespaces: list[str], packages: list[str]) -> config.Config:
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "stub", "cluster": {"server": proxy.url}}],
                "users": [{"name": "somebody", "user": {}}],
                "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "somebody"}}],
            }
        )
    )
    for package in packages:
        (folder / package).mkdir(exist_ok=True)
        (folder / package / "__init__.py").write_text("SUPPORTED_VERSION = ['41']\n")
    return config.parse(
        {
            "packages": [
                {
                    "moduleName": name,
                    "requirement": f"./{name}",
                    "secretName": secret_of(name),
                    "check": {"fail": "never"},
                }
                for name in packages
            ],
            "targets": [
                {
                    "name": name,
                    "cluster": {"context": "stub", "kubeconfig": "kubeconfig"},
                    "namespace": name,
                    "rollout": {"settle": 0},
                }
                for name in namespaces
            ],
            "cache": "cache",
        },
        folder / "secretsync.yaml",
    )


def secret_of(package: str) -> str:
    return package.replace("_", "-")


def workload(namespace: str, package: str, name: str = "") -> Manifest:
    volume = {"name": "policy", "secret": {"secretName": secret_of(package)}}
    container = {"name": "main", "image": "other", "volumeMounts": [{"name": "policy", "mountPath": f"/opt/{package}"}]}
    labels = {"app": secret_of(package)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name or secret_of(package), "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": [volume]}},
        },
    }


def one_pass(folder: Path, given: config.Config, act=sync) -> None:  # type: ignore[no-untyped-def]
    for outcome in reconcile_targets(factory.destinations(given, folder), act):
        assert outcome.error is None, outcome.error


def calls_of_idle_pass(folder: Path, proxy: Proxy, given: config.Config) -> Counter[str]:
    one_pass(folder, given)
    proxy.calls.clear()
    one_pass(folder, given)
    assert not [call for call in proxy.calls if call.method in WRITING]
    return Counter(call.path.partition("?")[0] for call in proxy.calls)


def test_an_idle_pass_over_many_namespaces_reads_in_each_what_one_reads(
    server: Stub, proxy: Proxy, tmp_path: Path
) -> None:
    for namespace in NAMESPACES:
        server.put(workload(namespace, PACKAGES[0]))
    one = calls_of_idle_pass(tmp_path, proxy, configuration(tmp_path, proxy, NAMESPACES[:1], PACKAGES[:1]))
    many = calls_of_idle_pass(tmp_path, proxy, configuration(tmp_path, proxy, NAMESPACES, PACKAGES[:1]))
    assert many.total() <= len(NAMESPACES) * one.total()


def test_one_more_package_costs_an_idle_pass_no_more_than_its_own_secret(
    server: Stub, proxy: Proxy, tmp_path: Path
) -> None:
    for package in PACKAGES:
        server.put(workload(NAMESPACES[0], package))
    one = calls_of_idle_pass(tmp_path, proxy, configuration(tmp_path, proxy, NAMESPACES[:1], PACKAGES[:1]))
    twenty = calls_of_idle_pass(tmp_path, proxy, configuration(tmp_path, proxy, NAMESPACES[:1], PACKAGES))
    assert twenty.total() == one.total() + len(PACKAGES) - 1


@pytest.mark.parametrize("workloads", [10, 60])
def test_a_change_costs_a_write_a_workload_and_reads_as_much_whatever_their_number(
    server: Stub, proxy: Proxy, tmp_path: Path, workloads: int
) -> None:
    for number in range(workloads):
        server.put(workload(NAMESPACES[0], PACKAGES[0], f"daemon-{number:02}"))
    given = configuration(tmp_path, proxy, NAMESPACES[:1], PACKAGES[:1])
    one_pass(tmp_path, given)
    (tmp_path / PACKAGES[0] / "__init__.py").write_text("SUPPORTED_VERSION = ['41', '42']\n")
    proxy.calls.clear()
    one_pass(tmp_path, given)
    calls = [(call.method, call.path.partition("?")[0]) for call in proxy.calls]
    writes = [path for method, path in calls if method in WRITING and "selfsubject" not in path]
    assert workloads < len(writes) <= workloads + 12
    plural = (
        "deployments",
        "statefulsets",
        "daemonsets",
        "replicasets",
        "controllerrevisions",
        "jobs",
        "cronjobs",
        "pods",
    )
    lists = Counter(path for method, path in calls if method == "GET" and path.endswith(plural))
    polls = 3
    assert max(lists.values()) <= 2 + polls
    assert len([path for method, path in calls if method == "GET" and path not in lists]) <= 40


def test_the_secrets_of_a_rollout_that_hangs_are_looked_at_once_a_minute_in_the_end() -> None:
    site = Site("server")
    site.sync()
    looks: list[float] = []
    time = [0.0]
    site.cluster.before = lambda verb, name: looks.append(time[0]) if (verb, name) == ("get", "atlas") else None
    observe = watch._observing(site.destination, ["atlas"], Clock(now=lambda: time[0]))
    for second in range(0, 600, 2):
        time[0] = float(second)
        observe()
    assert looks[:4] == [10, 30, 70, 130]
    assert len(looks) < 15


def test_many_targets_share_what_the_source_says_and_what_it_holds(server: Stub, proxy: Proxy, tmp_path: Path) -> None:
    given = configuration(tmp_path, proxy, NAMESPACES, PACKAGES[:1])
    with (
        mock.patch.object(DirectorySource, "resolve", autospec=True, side_effect=DirectorySource.resolve) as resolve,
        mock.patch.object(DirectorySource, "fetch", autospec=True, side_effect=DirectorySource.fetch) as fetch,
    ):
        one_pass(tmp_path, given, preview)
    assert (resolve.call_count, fetch.call_count) == (1, 1)
