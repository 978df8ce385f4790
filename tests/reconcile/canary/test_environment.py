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


def changed(one: Workload, **container: Any) -> Workload:
    manifest = deepcopy(one.manifest)
    manifest["spec"]["template"]["spec"]["containers"][0] |= container
    return Workload(one.ref, manifest)


def as_the_chart_of_a_site_makes_them(number: int) -> Workload:
    """28 daemons that differ in all that cannot change how a package loads."""
    one = daemon(f"daemon{number}", PYTHONPATH="/opt/policy", RUCIO_HOME="/opt/rucio")
    manifest = deepcopy(one.manifest)
    spec = manifest["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    for volume in (*spec["volumes"], *container["volumeMounts"]):
        volume["name"] += f"-of-{number}"
    turn = number % len(container["env"])
    container["env"] = [*container["env"][turn:], *container["env"][:turn], {"name": "THREADS", "value": str(number)}]
    if number % 2:
        spec["volumes"].reverse()
        container["volumeMounts"].reverse()
    container |= {
        "name": f"daemon{number}",
        "args": ["--threads", str(number)],
        "resources": {"requests": {"memory": f"{number + 1}Gi"}},
        "livenessProbe": {"periodSeconds": number + 1, "exec": {"command": ["true"]}},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(number)]}}},
        "ports": [{"containerPort": 8000 + number}],
    }
    spec |= {
        "nodeSelector": {"pool": str(number)},
        "priorityClassName": f"class-{number}",
        "initContainers": [{"name": f"wait-{number}", "image": "busybox"}],
        "terminationGracePeriodSeconds": number,
        "serviceAccountName": f"daemon{number}",
    }
    manifest["spec"]["template"]["metadata"]["labels"] |= {"number": str(number)}
    return Workload(one.ref, manifest)


def test_28_daemons_of_a_chart_that_differ_in_what_changes_no_load_are_one_environment() -> None:
    assert distinct(*map(as_the_chart_of_a_site_makes_them, range(28))) == 1


@pytest.mark.parametrize(
    "command",
    [
        lambda number: {"command": [f"rucio-daemon{number}", "--threads", str(number)]},
        lambda number: {"command": ["python3", "-u", "-m", f"rucio.daemons.daemon{number}"]},
        lambda number: {"command": ["tini", "--"], "args": [f"rucio-daemon{number}"]},
        lambda number: {"command": ["bash", "-c", f". /env.sh; exec rucio-daemon{number} --threads {number}"]},
        lambda number: {"command": ["/start-daemon.sh"], "args": [f"daemon{number}"]},
    ],
    ids=["daemon", "module", "init", "script", "entrypoint"],
)
def test_commands_that_differ_in_the_daemon_and_its_arguments_are_one_environment(command: Any) -> None:
    assert distinct(*(changed(daemon(f"daemon{number}"), **command(number)) for number in range(28))) == 1


@pytest.mark.parametrize(
    ("some", "other"),
    [
        (["/venv-a/bin/python", "-m", "rucio.x"], ["/venv-b/bin/python", "-m", "rucio.x"]),
        (["bash", "-c", "PYTHONPATH=/a /start-daemon.sh"], ["bash", "-c", "PYTHONPATH=/b /start-daemon.sh"]),
        (["bash", "-c", "PYTHONPATH=/a rucio-x"], ["bash", "-c", "PYTHONPATH=/b rucio-x"]),
        (["/start-daemon.sh"], ["/site/entrypoint.sh"]),
    ],
)
def test_commands_that_may_find_another_package_are_two(some: list[str], other: list[str]) -> None:
    assert distinct(changed(daemon("a"), command=some), changed(daemon("b"), command=other)) == 2
    one, two = ({"command": words[:-1], "args": words[-1:]} for words in (some, other))
    assert distinct(changed(daemon("a"), **one), changed(daemon("b"), **two)) == (2 if len(some) > 1 else 1)


def variables(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"env": [{"name": name, "value": value} for name, value in pairs]}


def test_a_variable_counts_with_what_it_refers_to() -> None:
    site = [variables(("BASE", base), ("PYTHONPATH", "$(BASE)/policy")) for base in ("/a", "/b")]
    assert distinct(*(changed(daemon("a"), **one) for one in site)) == 2
    other_order = variables(("PYTHONPATH", "$(BASE)/policy"), ("BASE", "/a"))
    assert distinct(changed(daemon("a"), **site[0]), changed(daemon("a"), **other_order)) == 2
    written_out = variables(("PYTHONPATH", "/no"), ("PYTHONPATH", "/a/policy"))
    assert distinct(changed(daemon("a"), **site[0]), changed(daemon("a"), **written_out)) == 1
    escaped = [variables(("BASE", base), ("PYTHONPATH", "$$(BASE)/policy")) for base in ("/a", "/b")]
    assert distinct(*(changed(daemon("a"), **one) for one in escaped)) == 1


def test_the_same_volume_at_another_path_is_another_environment() -> None:
    here = changed(daemon("a"), volumeMounts=[{"name": "config", "mountPath": "/opt/policy"}])
    there = changed(daemon("b"), volumeMounts=[{"name": "config", "mountPath": "/opt/elsewhere"}])
    assert distinct(here, there) == 2
