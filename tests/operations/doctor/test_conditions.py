"""Sick namespaces, each a small change to a healthy one: the workload, the condition, and what heals it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from secretsync.cluster.rbac import Review
from secretsync.config.check import Check
from secretsync.core.model import Bundle, Manifest, Ref, Revision
from secretsync.operations.doctor import diagnose
from secretsync.reconcile.destination import Delivery, Destination
from secretsync.rucio.conditions.judge import Condition, python_of
from tests.build import REVISION, bundle
from tests.operations.doctor.namespace import (
    FILES,
    MODULE,
    Namespace,
    mount,
    names,
    variable,
    volume,
    with_mount,
    with_variable,
    without_mount,
    without_variable,
)

ROOT = f"/opt/policy/{MODULE}"
Change = Callable[[Namespace], object]


def pods(*changes: Callable[[Manifest], object]) -> Change:
    """Changes of one daemon's pods."""
    return lambda site: [site.change(how) for how in changes]


def configured(**policy: str) -> Change:
    """The charts' common configuration, with a section [policy]."""
    return lambda site: site.add_secret("prod.config.common", **{"common.json": json.dumps({"policy": policy})})


def both(*changes: Change) -> Change:
    return lambda site: [change(site) for change in changes]


@dataclass(frozen=True)
class Sick:
    """*heal* does what the remedy says, in which *remedy* occurs; *everywhere* where all workloads have it."""

    change: Change
    condition: Condition
    says: str
    remedy: str
    heal: Change
    vo: str = ""
    everywhere: bool = False
    made: Change = field(default=lambda site: None)


TOLD = with_variable("RUCIO_POLICY_PACKAGE", MODULE)
SITE_PACKAGES = "/usr/local/lib/python{}/site-packages/" + MODULE


def with_rucio_cfg(**where: str) -> Sick:
    """Pods that mount a Secret with a rucio.cfg, whose [policy] has no package."""
    return Sick(
        pods(
            without_variable("RUCIO_POLICY_PACKAGE"),
            lambda it: it["volumes"].append({"name": "cfg", "secret": {"secretName": "rucio-cfg"}}),
            lambda it: it["containers"][0]["volumeMounts"].append({"name": "cfg", **where}),
        ),
        Condition.CONFIGURED,
        "a rucio.cfg is mounted, so nothing is merged into it, and its [policy] has no package",
        "[policy] package = atlas_rucio_policy in that file",
        lambda site: site.add_secret("rucio-cfg", **{"rucio.cfg": f"[policy]\npackage = {MODULE}\n"}),
        made=both(
            lambda site: site.add_secret("rucio-cfg", **{"rucio.cfg": "[common]\na = b\n"}), configured(package=MODULE)
        ),
    )


SICK = {
    "a forgotten daemon": Sick(
        pods(without_mount("atlas"), without_mount("atlas-algorithms")),
        Condition.CODE,
        "it mounts nothing of Secret atlas",
        "extraSecretMounts",
        pods(with_mount("atlas", ROOT), with_mount("atlas-algorithms", f"{ROOT}/algorithms")),
    ),
    "a component's own secretMounts, with a Secret made by hand": Sick(
        pods(without_mount("atlas"), without_mount("atlas-algorithms"), with_mount("by-hand", ROOT)),
        Condition.CODE,
        f"its {MODULE} at {ROOT} comes from Secret by-hand, and secretsync keeps the package in Secret atlas",
        "secretFullName: atlas",
        pods(without_mount("by-hand"), with_mount("atlas", ROOT), with_mount("atlas-algorithms", f"{ROOT}/algorithms")),
        made=lambda site: site.add_secret("by-hand", **{"__init__.py": ""}),
    ),
    "a Secret in another namespace": Sick(
        pods(lambda it: volume(it, "atlas")["secret"].update(secretName="elsewhere")),
        Condition.CODE,
        "comes from Secret elsewhere, and secretsync keeps the package in Secret atlas",
        "secretFullName: atlas",
        pods(lambda it: volume(it, "elsewhere")["secret"].update(secretName="atlas")),
    ),
    "a folder of another name": Sick(
        pods(lambda it: mount(it, "atlas").update(mountPath="/opt/policy/atlas")),
        Condition.CODE,
        "Python would import it as 'atlas'",
        f"mountPath: {ROOT}",
        pods(lambda it: mount(it, "atlas").update(mountPath=ROOT)),
    ),
    "a sub-directory that is not mounted": Sick(
        pods(without_mount("atlas-algorithms")),
        Condition.CODE,
        "its folder algorithms/ is not there",
        f"mount Secret atlas-algorithms at {ROOT}/algorithms",
        pods(with_mount("atlas-algorithms", f"{ROOT}/algorithms")),
    ),
    "one file of several mounted by subPath": Sick(
        pods(lambda it: mount(it, "atlas").update(mountPath=f"{ROOT}/schema.py", subPath="schema.py")),
        Condition.CODE,
        "[unmounted-file] the package imports __init__.py, permission.py",
        f"{{secretFullName: atlas, mountPath: {ROOT}/__init__.py, subPath: __init__.py}}",
        pods(lambda it: (mount(it, "atlas").update(mountPath=ROOT), mount(it, "atlas").pop("subPath"))),
    ),
    "a file of another Secret over one of the package": Sick(
        pods(
            with_mount("database", f"{ROOT}/permission.py"),
            lambda it: mount(it, "database").update(subPath="password"),
        ),
        Condition.CODE,
        f"permission.py is covered by the mount of Secret database at {ROOT}/permission.py",
        "take that mount away",
        pods(without_mount("database")),
        made=lambda site: site.add_secret("database", password=""),
    ),
    "a folder over one of the package, listed before it": Sick(
        pods(
            lambda it: it["volumes"].append({"name": "scratch", "emptyDir": {}}),
            lambda it: it["containers"][0]["volumeMounts"].insert(
                0, {"name": "scratch", "mountPath": f"{ROOT}/algorithms/__init__.py"}
            ),
        ),
        Condition.CODE,
        f"algorithms/__init__.py is covered by the mount of volume scratch at {ROOT}/algorithms/__init__.py",
        "take that mount away",
        pods(
            lambda it: it["containers"][0]["volumeMounts"].pop(0),
            lambda it: it["volumes"].remove({"name": "scratch", "emptyDir": {}}),
        ),
    ),
    "mode 0400 and a user of its own": Sick(
        pods(
            lambda it: volume(it, "atlas")["secret"].update(defaultMode=0o400),
            lambda it: it.update(securityContext={"runAsUser": 1000}),
        ),
        Condition.CODE,
        "mode 0400: the container runs as user 1000, which cannot read them",
        "leave defaultMode out",
        pods(lambda it: volume(it, "atlas")["secret"].pop("defaultMode")),
    ),
    "pods that started before the last write": Sick(
        lambda site: site.written_again(),
        Condition.CODE,
        "started before the Secrets were last written",
        "'secretsync apply' restarts it",
        lambda site: [
            one["metadata"].update(creationTimestamp="2026-01-03T00:00:00Z") for one in site.cluster.live_pods
        ],
        everywhere=True,
    ),
    "the package's folder in place of its parent": Sick(
        pods(with_variable("PYTHONPATH", ROOT)),
        Condition.PATH,
        f"PYTHONPATH names {ROOT}, the package's own folder: Python needs the one above",
        "PYTHONPATH: /opt/policy",
        pods(with_variable("PYTHONPATH", "/opt/policy")),
    ),
    "another folder": Sick(
        pods(with_variable("PYTHONPATH", "/opt/other:/opt/policies")),
        Condition.PATH,
        "has no /opt/policy",
        "PYTHONPATH: /opt/policy",
        pods(with_variable("PYTHONPATH", "/opt/other:/opt/policy/")),
    ),
    "no PYTHONPATH": Sick(
        pods(without_variable("PYTHONPATH")),
        Condition.PATH,
        "PYTHONPATH is not set",
        "optional_config: {pythonpath: /opt/policy}",
        pods(with_variable("PYTHONPATH", "/opt/policy")),
    ),
    "a ConfigMap's key misspelt": Sick(
        pods(with_variable("PYTHONPATH", valueFrom={"configMapKeyRef": {"name": "paths", "key": "python-path"}})),
        Condition.PATH,
        "comes from key 'python-path' of ConfigMap paths, which has no such key; its keys: pythonpath",
        "PYTHONPATH: /opt/policy",
        pods(with_variable("PYTHONPATH", valueFrom={"configMapKeyRef": {"name": "paths", "key": "pythonpath"}})),
        made=lambda site: site.add_config_map("paths", pythonpath="/opt/policy"),
    ),
    "a path of Python 3.9 in an image that has another": Sick(
        pods(
            lambda it: it["containers"][0].update(image="rucio/rucio-daemons:release-41.5.1-py3.11"),
            lambda it: mount(it, "atlas").update(mountPath=SITE_PACKAGES.format("3.9")),
            lambda it: mount(it, "atlas-algorithms").update(mountPath=SITE_PACKAGES.format("3.9") + "/algorithms"),
        ),
        Condition.PATH,
        "is for Python 3.9, and the image has 3.11",
        "mountPath: " + SITE_PACKAGES.format("3.11"),
        pods(
            lambda it: mount(it, "atlas").update(mountPath=SITE_PACKAGES.format("3.11")),
            lambda it: mount(it, "atlas-algorithms").update(mountPath=SITE_PACKAGES.format("3.11") + "/algorithms"),
        ),
    ),
    "hyphens": Sick(
        pods(with_variable("RUCIO_POLICY_PACKAGE", "atlas-rucio-policy")),
        Condition.CONFIGURED,
        "Python imports atlas_rucio_policy, with underscores",
        "RUCIO_POLICY_PACKAGE: atlas_rucio_policy",
        pods(TOLD),
    ),
    "quotes": Sick(
        pods(with_variable("RUCIO_POLICY_PACKAGE", f'"{MODULE}"')),
        Condition.CONFIGURED,
        "quotes and blanks included",
        "RUCIO_POLICY_PACKAGE: atlas_rucio_policy",
        pods(TOLD),
    ),
    "another package": Sick(
        pods(with_variable("RUCIO_POLICY_PACKAGE", "cms_policy")),
        Condition.CONFIGURED,
        "RUCIO_POLICY_PACKAGE is 'cms_policy', not atlas_rucio_policy",
        "RUCIO_POLICY_PACKAGE: atlas_rucio_policy",
        pods(TOLD),
    ),
    "an empty variable": Sick(
        pods(with_variable("RUCIO_POLICY_PACKAGE", "")),
        Condition.CONFIGURED,
        "is set and empty",
        "RUCIO_POLICY_PACKAGE: atlas_rucio_policy",
        pods(TOLD),
    ),
    "told nowhere": Sick(
        pods(without_variable("RUCIO_POLICY_PACKAGE")),
        Condition.CONFIGURED,
        "neither RUCIO_POLICY_PACKAGE nor [policy] package is set: Rucio uses its generic policy",
        "config: {policy: {package: atlas_rucio_policy}}",
        configured(package=MODULE),
    ),
    "the old way": Sick(
        both(pods(without_variable("RUCIO_POLICY_PACKAGE")), configured(permission="atlas")),
        Condition.CONFIGURED,
        "[policy] permission: atlas (Secret prod.config.common, key common.json) chooses a policy of Rucio's own",
        "RUCIO_POLICY_PACKAGE: atlas_rucio_policy",
        pods(TOLD),
    ),
    "variable and configuration that differ": Sick(
        pods(with_variable("RUCIO_CFG_POLICY_PACKAGE", "cms_policy")),
        Condition.CONFIGURED,
        "[policy] package (variable RUCIO_CFG_POLICY_PACKAGE) says 'cms_policy': Rucio takes the variable",
        "package: atlas_rucio_policy there too",
        pods(with_variable("RUCIO_CFG_POLICY_PACKAGE", MODULE)),
    ),
    "a variable by which the image's entrypoint finds another copy": Sick(
        pods(with_variable("POLICY_PKG_PATH", "/opt/rucio/policy")),
        Condition.PATH,
        "POLICY_PKG_PATH names /opt/rucio/policy, which the image's entrypoint may put before PYTHONPATH",
        "POLICY_PKG_PATH: /opt/policy, or leave it out",
        pods(with_variable("POLICY_PKG_PATH", "/opt/policy")),
    ),
    "the right Secret by a key that it has not": Sick(
        pods(lambda it: mount(it, "atlas").update(mountPath=f"{ROOT}/init.py", subPath="init.py")),
        Condition.CODE,
        "shows none of the package's files",
        "leave subPath and items out",
        pods(lambda it: (mount(it, "atlas").update(mountPath=ROOT), mount(it, "atlas").pop("subPath"))),
    ),
    "a variable that only some believe in": Sick(
        pods(without_variable("RUCIO_POLICY_PACKAGE_ATL"), with_variable("RUCIO_CFG_POLICY_PACKAGE_ATL", MODULE)),
        Condition.CONFIGURED,
        "RUCIO_CFG_POLICY_PACKAGE_ATL becomes an option that Rucio does not read",
        "RUCIO_POLICY_PACKAGE_ATL in its place",
        pods(with_variable("RUCIO_POLICY_PACKAGE_ATL", MODULE)),
        vo="atl",
    ),
    "a mounted rucio.cfg": with_rucio_cfg(mountPath="/opt/rucio/etc/rucio.cfg", subPath="rucio.cfg"),
    "a rucio.cfg in a mounted folder": with_rucio_cfg(mountPath="/opt/rucio/etc"),
}


def test_a_healthy_namespace_has_nothing_to_say() -> None:
    examination = Namespace().examination()
    assert len(examination.diagnoses) == 29
    assert all(one.well for one in examination.diagnoses)


@pytest.mark.parametrize("layout", ["directories", "zip"])
@pytest.mark.parametrize("vo", ["", "atl"])
def test_each_layout_and_a_vo_of_its_own_can_be_healthy(layout: str, vo: str) -> None:
    assert Namespace(vo, layout).sick() == []


@pytest.mark.parametrize("name", SICK)
def test_the_workload_the_condition_and_a_remedy_that_heals_are_named(name: str) -> None:
    case = SICK[name]
    site = Namespace(case.vo)
    case.made(site)
    case.change(site)
    sick = site.sick()
    assert len(sick) == 29 if case.everywhere else [one.workload.name for one in sick] == ["rucio-reaper"]
    verdict = next(one for one in sick[0].verdicts if not one.holds)
    assert verdict.condition is case.condition
    assert case.says in verdict.wrong
    assert case.remedy in verdict.remedy

    case.heal(site)
    assert site.sick() == []


def test_mode_0400_keeps_apache_out_and_not_root_as_whom_daemons_run() -> None:
    site = Namespace()
    for name in ("rucio-server", "rucio-reaper"):
        site.change(lambda it: volume(it, "atlas")["secret"].update(defaultMode=0o400), name)
    assert [one.workload.name for one in site.sick()] == ["rucio-server"]


def test_where_only_an_entrypoint_may_put_the_folder_on_the_path_it_is_unknown() -> None:
    site = Namespace()
    site.change(without_variable("PYTHONPATH"))
    site.change(with_variable("POLICY_PKG_PATH", "/opt/policy"))
    (one,) = site.sick()
    assert [verdict.unknown for verdict in one.verdicts if not verdict.holds] == [True]


@pytest.mark.parametrize(
    "image",
    ["rucio/rucio-webui:release-40.0.0", "rucio/probes:40", "mirror/rucio-probes:1", "rucio/apache_exporter",
     "site/rucio-exporter:2", "rucio/rucio-clients:41", "rucio/fts-cron:40"],
)  # fmt: skip
def test_what_has_no_rucio_that_asks_a_policy_is_not_asked(image: str) -> None:
    site = Namespace()
    site.change(lambda it: it["containers"].append({"name": "other", "image": image}))
    assert site.sick() == []


def test_workloads_with_labels_that_are_to_be_ignored_are_left_out() -> None:
    site = Namespace()
    site.change(without_mount("atlas"))
    reaper = Ref("Deployment", "rucio", "rucio-reaper")
    site.cluster.live_workloads[reaper].manifest["metadata"]["labels"] = {"tier": "test"}
    assert [one.workload.name for one in site.sick()] == ["rucio-reaper"]
    assert [one for one in site.examination(ignore="tier=test").diagnoses if not one.well] == []


def test_what_the_account_may_not_read_is_not_asked_for() -> None:
    site = Namespace()
    site.change(without_variable("RUCIO_POLICY_PACKAGE"))
    site.cluster.review = lambda namespace: Review((), True, None)  # type: ignore[method-assign]
    (one,) = site.sick()
    assert [verdict.unknown for verdict in one.verdicts if not verdict.holds] == [True]
    assert ("get", "prod.config.common") not in site.cluster.calls


def test_the_configuration_is_not_read_where_variables_decide_for_all() -> None:
    site = Namespace()
    site.examination()
    assert ("get", "prod.config.common") not in site.cluster.calls


def test_a_folder_that_rucio_does_not_ask_for_need_not_be_mounted() -> None:
    assert "atlas-tests" in Namespace().cluster.secrets
    assert Namespace().sick() == []


def test_a_handful_of_calls_is_enough() -> None:
    site = Namespace()
    site.examination()
    assert site.cluster.calls.count(("list", "workloads")) == 1
    assert len(site.cluster.calls) < 10


def test_configurations_of_one_daemon_are_read_only_where_no_variable_decides() -> None:
    site = Namespace()

    def own(it: Manifest) -> None:
        it["volumes"].append({"name": "own", "secret": {"secretName": "reaper.config.component"}})
        place = "/opt/rucio/etc/conf.d/20_component.json"
        it["containers"][0]["volumeMounts"].append({"name": "own", "mountPath": place, "subPath": "component.json"})

    site.change(own)
    site.add_secret("reaper.config.component", **{"component.json": json.dumps({"policy": {"package": MODULE}})})
    site.examination()
    assert ("get", "reaper.config.component") not in site.cluster.calls
    site.change(without_variable("RUCIO_POLICY_PACKAGE"))
    assert site.sick() == []
    assert ("get", "reaper.config.component") in site.cluster.calls


def test_a_later_variable_wins_and_whole_sources_come_first() -> None:
    site = Namespace()
    site.add_config_map("all", PYTHONPATH="/elsewhere", RUCIO_POLICY_PACKAGE="other")
    site.change(lambda it: it["containers"][0].update(envFrom=[{"configMapRef": {"name": "all"}}]))
    assert site.sick() == []
    site.change(without_variable("PYTHONPATH"))
    assert [one.workload.name for one in site.sick()] == ["rucio-reaper"]


def test_a_variable_may_name_another() -> None:
    site = Namespace()
    site.change(lambda it: variable(it, "PYTHONPATH").update(value="$(RUCIO_CONFIG)/policy"))
    site.change(lambda it: it["containers"][0]["env"].insert(0, {"name": "RUCIO_CONFIG", "value": "/opt"}))
    assert site.sick() == []


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("rucio/rucio-server:release-41.5.1", "3.9"),
        ("rucio/rucio-server:release-41.5.1-alma10", "3.12"),
        ("mirror:5000/rucio-daemons:41-python3.11@sha256:aa", "3.11"),
        ("rucio/rucio-server", "3.9"),
    ],
)
def test_the_python_of_an_image_is_told_by_its_tag(image: str, version: str) -> None:
    assert python_of(image) == version


def test_before_the_first_run_the_workloads_are_judged_against_the_configured_package() -> None:
    namespace = Namespace()
    namespace.cluster.secrets = {}
    namespace.change(without_variable("RUCIO_POLICY_PACKAGE"))
    delivery = Delivery(namespace.placement, Configured(), "recipe", Check(fail="never"))
    examination = diagnose(Destination("memory", namespace.cluster, "secretsync", "rucio", [delivery]))
    assert examination.absent == (MODULE,)
    assert examination.secrets == ()
    sick = [one for one in examination.diagnoses if not one.well]
    assert [one.workload.name for one in sick] == ["rucio-reaper"]
    assert len(examination.diagnoses) == len(names())
    assert not any("Secret" in verdict.remedy for verdict in sick[0].verdicts)


class Configured:
    """The source of the package that a first run would deploy."""

    def resolve(self) -> Revision:
        return REVISION

    def fetch(self, revision: Revision) -> Bundle:
        return bundle(FILES, revision=revision)


@pytest.mark.parametrize("path", [f"{ROOT}/__pycache__", "/opt/policy", f"{ROOT}.d", "/opt"])
def test_a_mount_that_covers_none_of_the_packages_files_is_no_fault(path: str) -> None:
    namespace = Namespace()
    namespace.add_secret("other", **{"permission.py": ""})
    namespace.change(with_mount("other", path))
    assert list(namespace.sick()) == []


def test_a_mount_with_a_wrong_name_moves_below_the_folder_that_pythonpath_names_already() -> None:
    namespace = Namespace()
    namespace.change(lambda spec: mount(spec, "atlas").update(mountPath="/elsewhere/policy"))
    (sick,) = namespace.sick()
    code, path, _ = sick.verdicts
    assert code.remedy == path.remedy == f"mountPath: {ROOT}"
