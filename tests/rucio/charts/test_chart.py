"""What charts make of the values, by rules as those of Rucio's charts, with every Helm there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from secretsync.rucio.charts.merge import InTheWay, merge
from secretsync.rucio.charts.site_values import overlaid, read
from secretsync.rucio.charts.values import render as printed
from secretsync.rucio.wiring import Packed, Wiring
from tests import ROOT
from tests.rucio.charts.build import FLAT, packed, wiring
from tests.rucio.charts.rendering import PUBLISHED, as_published, container, environment, mounts, pods, render

pytestmark = pytest.mark.slow  # each case starts Helm

TWO_VOS = (packed("cms_policy", FLAT, "cms"), packed("dune_policy", FLAT, "dun", layout="zip"))
CASES: dict[str, tuple[str, tuple[Packed, ...]]] = {
    "a flat package": ("directory", (packed(files=FLAT),)),
    "a nested package": ("directory", (packed(),)),
    "a zip": ("directory", (packed(layout="zip"),)),
    "two VOs": ("directory", TWO_VOS),
    "an existing root": ("existing", (packed(),)),
    "file by file": ("files", (packed(),)),
}


@pytest.mark.parametrize("case", CASES)
def test_every_pod_gets_each_mount_by_a_volume_of_its_own_and_each_variable_once(
    helm: str, case: str, tmp_path: Path
) -> None:
    style, packages = CASES[case]
    made = wiring(*packages, style=style, root="/opt/site")
    rendered = {
        chart: pods(render(helm, printed(made, chart, "env", "rucio"), chart=chart, folder=tmp_path))
        for chart in ("server", "daemons", "ui")
    }
    found = [pod for of_chart in rendered.values() for pod in of_chart.values()]
    assert len(found) == 4
    for pod in found:
        wanted = {mount.path: (mount.secret, mount.key) for mount in made.mounts}
        assert wanted.items() <= mounts(pod).items()
        assert len({volume["name"] for volume in pod["volumes"]}) == len(pod["volumes"])
        names = [name for name, _ in environment(pod)]
        assert len(set(names)) == len(names)
        assert _told(made) <= dict(environment(pod)).items()


def _told(made: Wiring) -> set[tuple[str, str]]:
    """What the environment has to say, in Rucio's own terms."""
    modules = {("RUCIO_POLICY_PACKAGE" + (f"_{vo.upper()}" if vo else ""), one) for vo, one in made.modules.items()}
    return modules | ({("PYTHONPATH", ":".join(made.python_path))} if made.python_path else set())


@pytest.mark.parametrize("minor", PUBLISHED)
def test_every_workload_of_every_published_minor_gets_the_package_once(helm: str, minor: str, tmp_path: Path) -> None:
    """With the Secrets that the charts mount by default beside it, and each daemon's own configuration."""
    made = wiring()
    for chart, workloads in (("server", 1), ("daemons", len(PUBLISHED[minor]["components"])), ("ui", 1)):
        values = printed(made, chart, "env", "rucio")
        found = pods(render(helm, values, chart=chart, folder=tmp_path, **as_published(minor)))
        assert len(found) == workloads
        for pod in found.values():
            assert {mount.path: (mount.secret, mount.key) for mount in made.mounts}.items() <= mounts(pod).items()
            assert _told(made) <= set(environment(pod))
            assert [name for name, _ in environment(pod)].count("PYTHONPATH") == 1
            assert len({mount["mountPath"] for mount in container(pod)["volumeMounts"]}) == len(
                container(pod)["volumeMounts"]
            )
        configurations = {
            volume["secret"]["secretName"] for pod in found.values() for volume in pod["volumes"] if "secret" in volume
        }
        own = workloads if chart == "daemons" else 0
        assert len([name for name in configurations if ".config." in name]) == own + 1


@pytest.mark.parametrize("minor", PUBLISHED)
def test_the_charts_own_installation_which_some_minors_set_pythonpath_by_stands_in_the_way(
    helm: str, minor: str, tmp_path: Path
) -> None:
    """In a minor that has no policyPackages the key does nothing, and says what nobody means."""
    site = "policyPackages: {enabled: true, packages: [{moduleName: a, requirement: a, version: '1'}]}\n"
    with pytest.raises(InTheWay, match=r"policyPackages\.enabled"):
        merge(site, wiring(), "daemons", "env")
    values = printed(wiring(), "daemons", "env", "rucio")
    found = pods(render(helm, values, site, chart="daemons", folder=tmp_path, **as_published(minor)))
    twice = [name for name, _ in environment(found["prod-rucio-daemons-reaper"])].count("PYTHONPATH") == 2
    assert twice == ("daemons" in PUBLISHED[minor]["policy_packages"])


def row(minor: str) -> str:
    """A minor's line in docs/values.md."""
    recorded = PUBLISHED[minor]
    sources = [f"{source['chart']} {source['version']}" for source in recorded["read"] if source["chart"] != "all"]
    read = ", ".join(sources) or ("all of it" if recorded["read"] else "nothing")
    charts = ", ".join(recorded["policy_packages"]) or "none"
    return f"| {minor} | {len(recorded['components'])} | {charts} | {read} | {recorded['gaps']} |"


def test_the_page_says_of_each_minor_what_is_recorded_and_what_is_not() -> None:
    lines = (ROOT / "docs" / "values.md").read_text().splitlines()
    assert [line for line in map(row, PUBLISHED) if line not in lines] == []


def test_each_recorded_fact_says_where_it_was_read_or_that_it_was_not() -> None:
    minors = [tuple(map(int, minor.split("."))) for minor in PUBLISHED]
    assert minors == sorted(minors)
    for recorded in PUBLISHED.values():
        assert recorded["read"] or recorded["gaps"]
        for source in recorded["read"]:
            assert source.keys() == {"chart", "version", "commit", "files"}
            assert source["commit"] == "" or len(source["commit"]) == 40


SICK = """\
reaper:
  secretMounts:
    - {secretName: proxy, mountPath: /opt/proxy}
policyPackages: {enabled: true}
additionalEnvs:
  - {name: RUCIO_POLICY_PACKAGE, value: other}
"""


def test_what_the_lint_calls_wrong_is_wrong_in_the_pods(helm: str, tmp_path: Path) -> None:
    """The rules that the lint and the merge go by are those by which the chart renders."""
    values = printed(wiring(), "daemons", "env", "rucio")
    found = pods(render(helm, values, SICK, chart="daemons", folder=tmp_path))
    reaper, cleaner = found["prod-rucio-daemons-reaper"], found["prod-rucio-daemons-judge-cleaner"]
    assert "/opt/policy/cms_policy" in mounts(cleaner)
    assert "/opt/policy/cms_policy" not in mounts(reaper)
    assert mounts(reaper)["/opt/proxy"] == ("prod-proxy", "")
    assert [name for name, _ in environment(cleaner)].count("PYTHONPATH") == 2
    assert [value for name, value in environment(cleaner) if name == "RUCIO_POLICY_PACKAGE"] == ["cms_policy", "other"]


def test_a_sites_file_with_the_packages_merged_in_renders_all_that_it_had(helm: str, tmp_path: Path) -> None:
    site = (
        "secretMounts:\n- {secretName: gcs, mountPath: /opt/gcs.json, subPath: gcs.json}\n"
        "optional_config:\n  pythonpath: /opt/other\n"
        "reaper:\n  extraSecretMounts:\n    - {secretName: proxy, mountPath: /opt/proxy}\n"
    )
    merged = merge(site, wiring(), "daemons", "env")
    found = pods(render(helm, merged.text, chart="daemons", folder=tmp_path))["prod-rucio-daemons-reaper"]
    assert {"/opt/gcs.json", "/opt/proxy", "/opt/policy/cms_policy/algorithms"} <= mounts(found).keys()
    assert dict(environment(found))["PYTHONPATH"] == "/opt/policy:/opt/other"


def test_files_that_overlay_each_other_are_read_as_helm_reads_them(helm: str, tmp_path: Path) -> None:
    common = (
        "optional_config: {a: x, pythonpath: /opt/policy}\nsecretMounts: [{secretName: a, mountPath: /a}]\n"
        "additionalEnvs: [{name: B, value: y}]\n"
    )
    later = "optional_config: {a: z, c: w}\nsecretMounts: [{secretName: b, mountPath: /b}]\n"
    together = yaml.safe_dump(overlaid(read(common), read(later)))
    assert render(helm, common, later, folder=tmp_path) == render(helm, together, folder=tmp_path)
