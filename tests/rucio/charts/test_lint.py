from __future__ import annotations

import pytest
import yaml

from secretsync.rucio.charts.case import Case
from secretsync.rucio.charts.lint import lint
from secretsync.rucio.charts.values import render
from secretsync.rucio.wiring import SITE_PACKAGES
from tests.rucio.charts.build import FLAT, packed, wiring

MADE = wiring(packed(files=FLAT))
GOOD = render(MADE, "daemons", "env", "rucio")
GOOD_CONFIG = render(MADE, "daemons", "config", "rucio")


def problems(
    text: str, *, chart: str = "daemons", via: str = "env", good: str = "", made: object = MADE
) -> dict[str, str]:
    """Each problem's sentence by its place, in the good values with those of *text*."""
    values = {**yaml.safe_load(good or (GOOD_CONFIG if via == "config" else GOOD)), **(yaml.safe_load(text) or {})}
    found = lint(Case(values, made, chart, via))  # type: ignore[arg-type]
    return {problem.place: f"{problem.what}; {problem.remedy}" for problem in found}


@pytest.mark.parametrize("via", ["env", "config"])
@pytest.mark.parametrize("chart", ["server", "daemons", "ui"])
def test_the_values_that_are_printed_hold(chart: str, via: str) -> None:
    assert problems("", chart=chart, via=via, good=render(MADE, chart, via, "rucio")) == {}


MOUNT = "{volumeName: policy-cms-policy, secretFullName: cms-policy, mountPath: /opt/policy/cms_policy"
SICK = {
    "a Secret that is not mounted": ("secretMounts: []", "secretMounts", "not mounted at /opt/policy/cms_policy"),
    "a daemon's own list": (
        "reaper: {secretMounts: [{secretName: proxy, mountPath: /opt/proxy}]}",
        "reaper.secretMounts",
        "call this list extraSecretMounts",
    ),
    "an init container beside": ("policyPackages: {enabled: true}", "policyPackages.enabled", "set it to false"),
    "another PYTHONPATH": (
        "optional_config: {pythonpath: /opt/policy/cms_policy, rucio_policy_package: cms_policy}",
        "optional_config.pythonpath",
        "does not name /opt/policy",
    ),
    "a second PYTHONPATH": (
        "additionalEnvs: [{name: PYTHONPATH, value: /x}]",
        "additionalEnvs[0]",
        "set a second time, and this one counts",
    ),
    "a second name of the package, though it is the same": (
        "additionalEnvs: [{name: RUCIO_POLICY_PACKAGE, value: cms_policy}]",
        "additionalEnvs[0]",
        "set a second time, and this one counts",
    ),
    "a second PYTHONPATH of one daemon": (
        "reaper: {additionalEnvs: [{name: A, value: b}, {name: PYTHONPATH, value: /x}]}",
        "reaper.additionalEnvs[1]",
        "set a second time, and this one counts",
    ),
    "a hyphen for an underscore": (
        "optional_config: {pythonpath: /opt/policy, rucio_policy_package: cms-policy}",
        "optional_config.rucio_policy_package",
        "names 'cms-policy' instead of cms_policy",
    ),
    "an empty variable": (
        "optional_config: {pythonpath: /opt/policy, RUCIO_POLICY_PACKAGE: ''}",
        "optional_config.RUCIO_POLICY_PACKAGE",
        "does not name cms_policy",
    ),
    "another package in the last variable": (
        "additionalEnvs: [{name: RUCIO_POLICY_PACKAGE, value: atlas}]",
        "additionalEnvs[0]",
        "this one counts",
    ),
    "environment and configuration that differ": (
        "config: {policy: {package: atlas}}",
        "config.policy.package",
        "names 'atlas' instead of cms_policy",
    ),
    "a variable that Rucio ignores": (
        "additionalEnvs: [{name: RUCIO_CFG_POLICY_PACKAGE_VO1, value: cms_policy}]",
        "additionalEnvs[0]",
        "which Rucio ignores",
    ),
    "a name that the release is put before": (
        "secretMounts: [{secretName: cms-policy, mountPath: /opt/policy/cms_policy}]",
        "secretMounts[0]",
        "call the key secretFullName",
    ),
    "a copy made by hand in the same place": (
        f"secretMounts: [{MOUNT}}}, {{secretFullName: by-hand, mountPath: /opt/policy/cms_policy/}}]",
        "secretMounts[1]",
        "Secret by-hand is mounted at /opt/policy/cms_policy already",
    ),
    "a Secret of ours in an old place": (
        f"secretMounts: [{MOUNT}}}, {{volumeName: old, secretFullName: cms-policy, mountPath: /old}}]",
        "secretMounts[1]",
        "mounted at /old, which is not where",
    ),
    "a copy made by hand in another place": (
        f"secretMounts: [{MOUNT}}}, {{secretName: h, mountPath: /a/cms_policy/schema.py, subPath: schema.py}}]",
        "secretMounts[1]",
        "another copy of cms_policy",
    ),
    "a mount that comes twice": (
        f"secretMounts: [{MOUNT}}}, {MOUNT}}}]",
        "secretMounts",
        "mounted at /opt/policy/cms_policy twice",
    ),
    "a mount that comes twice to one daemon": (
        f"reaper: {{extraSecretMounts: [{MOUNT}}}]}}",
        "reaper.extraSecretMounts",
        "mounted at /opt/policy/cms_policy twice",
    ),
    "a folder of the node at the path, for one daemon": (
        "reaper: {extraHostPathMounts: [{hostPath: /a, mountPath: /opt/policy/cms_policy}]}",
        "reaper.extraHostPathMounts[0]",
        "where a package is to be",
    ),
    "a volume of the same name": (
        f"secretMounts: [{MOUNT}}}, {{volumeName: policy-cms-policy, secretFullName: x, mountPath: /x}}]",
        "secretMounts[1]",
        "give it another volumeName",
    ),
    "a variable by which an image's entrypoint finds another copy": (
        "optional_config: {pythonpath: /opt/policy, rucio_policy_package: cms_policy, policy_pkg_path: /opt/baked}",
        "optional_config.policy_pkg_path",
        "POLICY_PKG_PATH names /opt/baked, which an image's entrypoint may put before PYTHONPATH",
    ),
    "a volume at the package's path": (
        "persistentVolumes: {policies: {name: claim, mountPath: /opt/policy/cms_policy/}}",
        "persistentVolumes.policies",
        "a volume is mounted at /opt/policy/cms_policy, where a package is to be",
    ),
    "a volume that holds another copy": (
        "persistentVolumes: {policies: {name: claim, mountPath: /opt/other/cms_policy}}",
        "persistentVolumes.policies",
        "is another copy of cms_policy",
    ),
    "a path that comes twice to one daemon": (
        f"secretMounts: [{MOUNT}}}, {{secretName: gcs, mountPath: /gcs}}]\n"
        "reaper: {extraSecretMounts: [{secretName: other, mountPath: /gcs}]}",
        "reaper.extraSecretMounts",
        "Secrets gcs and other are mounted at /gcs twice, which Kubernetes refuses",
    ),
    "a volume that comes twice to one daemon": (
        f"secretMounts: [{MOUNT}}}, {{secretName: gcs, mountPath: /gcs}}]\n"
        "reaper: {extraSecretMounts: [{secretName: gcs, mountPath: /other}]}",
        "reaper.extraSecretMounts",
        "two entries make a volume gcs, which Kubernetes refuses",
    ),
    "a daemon's own list that shares an entry with the global one": (
        f"secretMounts: [{MOUNT}}}, {{secretName: gcs, mountPath: /gcs}}]\n"
        "reaper: {secretMounts: [{secretName: gcs, mountPath: /gcs}, {secretName: x, mountPath: /x}]}",
        "reaper.secretMounts",
        "extraSecretMounts, which adds to them, without /gcs, which the global list has already",
    ),
    "a variable that the chart sets already": (
        "hermes: {additionalEnvs: [{name: RUCIO_DAEMON, value: hermesk}]}",
        "hermes.additionalEnvs[0]",
        "RUCIO_DAEMON is set twice (the chart's own and hermes.additionalEnvs[0]): Helm 4 and server-side apply refuse",
    ),
    "a list that secretMounts hides": (
        "additionalSecrets: [{secretName: x, mountPath: /x}]",
        "additionalSecrets",
        "move its entries to secretMounts",
    ),
}


@pytest.mark.parametrize("case", SICK)
def test_what_is_wrong_is_told_with_its_place_and_its_remedy(case: str) -> None:
    text, place, sentence = SICK[case]
    found = problems(text)
    assert sentence in found.pop(place)
    assert set(found) <= {"secretMounts"}  # what is mounted wrongly is missing as well


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("optional_config: {pythonpath: /opt/policy, RUCIO_POLICY_PACKAGE: x}", "optional_config.RUCIO_POLICY_PACKAGE"),
        ("additionalEnvs: [{name: RUCIO_POLICY_PACKAGE, value: atlas}]", "additionalEnvs[0]"),
        ("reaper: {config: {policy: {package: atlas}}}", "reaper.config.policy.package"),
        ("config: {policy: {package: atlas}}", "config.policy.package"),
    ],
)  # fmt: skip
def test_via_config_whatever_wins_over_the_configuration_is_told(text: str, place: str) -> None:
    assert list(problems(text, via="config")) == [place]


def test_the_servers_chart_mounts_each_of_the_sub_paths_by_itself() -> None:
    files = "subPaths: [__init__.py, permission.py, schema.py]}"
    listed = f"secretMounts: [{{secretFullName: cms-policy, mountPath: /opt/policy/cms_policy/, {files}]"
    found = problems(listed, chart="server")
    assert "is not mounted at /opt/policy/cms_policy" in found["secretMounts"]
    assert "which is not where this wiring has it" in found["secretMounts[0]"]
    mounted = listed.replace("/opt/policy", SITE_PACKAGES)
    assert problems(mounted, made=wiring(packed(files=FLAT), style="files"), chart="server") == {}


def test_files_that_only_root_reads_are_no_problem_for_daemons_which_run_as_root() -> None:
    text = f"secretMounts: [{MOUNT}, defaultMode: 0400}}]"
    assert problems(text) == {}
    (sentence,) = problems(text, chart="server").values()
    assert "0400 keeps the server's user out" in sentence


SOUND = {
    "the folder of the wiring in a variable of an image's entrypoint": """
        optional_config: {pythonpath: /opt/policy, rucio_policy_package: cms_policy, policy_pkg_path: /opt/policy}""",
    "a volume above the packages": "persistentVolumes: {all: {name: claim, mountPath: /opt/policy}}",
    "other mounts, variables and folders": """
        secretMounts:
          - {secretName: gcs, mountPath: /opt/gcs.json, subPath: gcs.json}
          - {volumeName: mine, secretFullName: cms-policy, mountPath: /opt/policy/cms_policy/}
        optional_config: {PYTHONPATH: "/opt/policy/:/opt/other", rucio_policy_package: cms_policy}
        additionalEnvs: [{name: NODE_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}]
        config: {policy: {package: cms_policy, lfn2pfn_algorithm_default: hash}}""",
    "the Secret's name after the release's": "secretMounts: [{secretName: policy, mountPath: /opt/policy/cms_policy}]",
    "a daemon that adds to the list": "reaper: {extraSecretMounts: [{secretName: proxy, mountPath: /opt/proxy}]}",
    "a daemon whose own list is empty": "reaper: {secretMounts: []}",
    "a daemon whose own list has the packages too": f"reaper: {{secretMounts: [{MOUNT}}}]}}",
    "a daemon whose two lists have the packages": (
        f"reaper: {{secretMounts: [{{secretName: a, mountPath: /a}}], extraSecretMounts: [{MOUNT}}}]}}"
    ),
    "a job with mounts of its own": "ftsRenewal: {secretMounts: [{secretName: cert, mountPath: /opt/cert}]}",
    "options that choose nothing beside a package, and have other readers": """
        config: {policy: {permission: cms, schema: cms}}
        conveyorReceiver: {config: {policy: {permission: cms}}}""",
    "an init container that is off": "policyPackages: {enabled: false}",
    "files that all may read": f"secretMounts: [{MOUNT}, defaultMode: 0444}}]",
}


@pytest.mark.parametrize("case", SOUND)
def test_what_is_not_wrong_is_not_told(case: str) -> None:
    assert problems(SOUND[case]) == {}


def test_a_section_of_the_servers_chart_is_no_daemon() -> None:
    assert problems("reaper: {secretMounts: [{secretName: proxy, mountPath: /opt/proxy}]}", chart="server") == {}


@pytest.mark.parametrize(
    ("path", "expected"), [("/opt/rucio/permissions/rubin", []), ("/opt/rucio/permissions", ["additionalEnvs[0]"])]
)
def test_an_existing_root_must_be_on_the_python_path_that_the_values_set(path: str, expected: list[str]) -> None:
    made = wiring(packed(files=FLAT), style="existing", root="/opt/rucio/permissions/rubin")
    good = render(made, "server", "env", "rucio")
    text = f"additionalEnvs: [{{name: PYTHONPATH, value: '/a:{path}'}}]"
    assert list(problems(text, chart="server", good=good, made=made)) == expected


def test_an_existing_root_must_be_on_the_python_path_of_every_daemon_that_runs() -> None:
    made = wiring(packed(files=FLAT), style="existing", root="/opt/rucio/permissions")
    good = render(made, "daemons", "env", "rucio")
    counts = "reaperCount: 4\nminosCount: 1\nhermesCount: 0\n"
    own = "reaper: {additionalEnvs: [{name: PYTHONPATH, value: /opt/rucio/permissions}]}\n"
    (sentence,) = problems(counts + own, good=good, made=made).values()
    assert "set for other daemons and not for minos;" in sentence
    (sentence,) = problems(counts, good=good, made=made).values()
    assert "it holds only where the image does" in sentence
