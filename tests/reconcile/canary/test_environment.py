"""How many proofs the pods of a chart need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from secretsync.core.model import Workload
from secretsync.reconcile.canary.environment import assumed, environment, identity, to_read
from tests.reconcile.canary.test_manifests import env, rucio

DAEMON = "rucio/rucio-daemons:release-40.0.0"
Sources = Mapping[tuple[str, str], Mapping[str, bytes]]


def daemon(name: str, checksum: str = "", **variables: str) -> Workload:
    """As the charts make it, with a configuration Secret of its own."""
    variables = {"RUCIO_OVERRIDE_CONFIGS": "/opt/rucio/etc/conf.d/", "RUCIO_DAEMON": name, **variables}
    one = rucio(name, DAEMON, **env(**variables))
    manifest = deepcopy(one.manifest)
    template = manifest["spec"]["template"]
    template["metadata"]["annotations"] = {"checksum/config": checksum} if checksum else {}
    template["spec"]["volumes"].append({"name": "config", "secret": {"secretName": f"config.{name}"}})
    template["spec"]["containers"][0]["volumeMounts"].append(
        {"name": "config", "mountPath": "/opt/rucio/etc/conf.d/20_component.json", "subPath": "component.json"}
    )
    return Workload(one.ref, manifest)


def distinct(*workloads: Workload, sources: Sources | None = None) -> int:
    return len({identity(one, sources or {}) for one in environments(*workloads)})


def environments(*workloads: Workload) -> list[Any]:
    return [environment(one, one.template["spec"]["containers"][0]) for one in workloads]


def told(**configurations: Any) -> Sources:
    return {
        ("Secret", f"config.{name}"): {"component.json": json.dumps(what).encode()}
        for name, what in configurations.items()
    }


NAMES = [f"daemon{number}" for number in range(28)]


def test_28_daemons_with_a_configuration_of_their_own_that_says_nothing_of_the_policy_are_one_environment() -> None:
    sources = told(**{name: {"reaper": {"threads": number}} for number, name in enumerate(NAMES)})
    assert distinct(*map(daemon, NAMES), sources=sources) == 1


def test_a_daemon_whose_configuration_names_another_policy_is_one_by_itself() -> None:
    assert distinct(*map(daemon, ("a", "b")), sources=told(a={}, b={"policy": {"package": "other"}})) == 2


def test_where_the_configuration_may_not_be_read_the_charts_checksum_stands_for_it() -> None:
    assert distinct(daemon("a", "1"), daemon("b", "1"), daemon("c", "2")) == 2
    assert assumed(environments(daemon("a", "1"), daemon("b", "1")), {}) == ()


def test_where_there_is_no_checksum_either_it_is_said_what_is_assumed() -> None:
    assert distinct(daemon("a"), daemon("b")) == 1
    assert assumed(environments(daemon("a"), daemon("b")), {}) == ("config.a", "config.b")


def test_configuration_that_decides_nothing_is_not_asked_for() -> None:
    assert to_read(environments(daemon("a"), daemon("b", PYTHONPATH="/x"))) == frozenset()


@pytest.mark.parametrize(
    ("variable", "alike"),
    [
        ("RUCIO_CFG_DATABASE_POOLCLASS", True),
        ("RUCIO_DAEMON_ARGS", True),
        ("X509_USER_PROXY", True),
        ("RUCIO_CFG_POLICY_PACKAGE", False),
        ("RUCIO_CFG_COMMON_MULTI_VO", False),
        ("RUCIO_HOME", False),
        ("POLICY_PKG_PATH", False),
        ("PYTHONPATH", False),
        ("MY_PYTHON_DIR", False),
    ],
)
def test_a_variable_distinguishes_only_where_it_may_change_what_is_loaded(variable: str, alike: bool) -> None:
    assert distinct(daemon("a"), daemon("b", **{variable: "x"})) == (1 if alike else 2)
