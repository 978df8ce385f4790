from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from secretsync import config
from secretsync.config.access import Access, Limits, Verification
from tests import ROOT

SMALLEST = """
packages:
  - moduleName: atlas_rucio_policy_package
    requirement: atlas-rucio-policy-package==0.8.6
    version: 0.8.6
targets:
  - cluster: {directory: ./cluster}
    namespace: rucio
    secretName: atlas-rucio-policy
"""


def parse(text: str) -> config.Config:
    return config.parse(yaml.safe_load(text), Path("secretsync.yaml"))


def problems(text: str) -> list[str]:
    with pytest.raises(config.UnusableConfig) as refusal:
        parse(text)
    return refusal.value.problems


def test_the_smallest_configuration_of_the_readme_is_whole() -> None:
    parsed = parse(SMALLEST)
    assert parsed.secret_name(parsed.packages[0], parsed.targets[0]) == "atlas-rucio-policy"


def test_a_secret_is_named_after_its_module_by_default() -> None:
    parsed = parse(SMALLEST.replace("    secretName: atlas-rucio-policy\n", ""))
    assert parsed.secret_name(parsed.packages[0], parsed.targets[0]) == "atlas-rucio-policy-package"
    upper = parse(SMALLEST.replace("moduleName: atlas_rucio_policy_package", "moduleName: CMSRucioPolicy"))
    assert upper.packages[0].module_name == "CMSRucioPolicy"


def test_a_list_copied_from_a_charts_values_works_unchanged() -> None:
    copied = """
packages:
  - moduleName: atlas_rucio_policy_package
    requirement: git+https://github.com/rucio/atlas@v1#subdirectory=src
    version: 1.4
targets: [{cluster: {context: production}, namespace: rucio}]
"""
    assert parse(copied).packages[0].version == "1.4"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("packages:", "pakages:"), "pakages: there is no such key; did you mean 'packages'?"),
        (("    namespace:", "    namspace:"), "targets[0].namspace: there is no such key; did you mean 'namespace'?"),
        (("    version: 0.8.6", "    verson: 1"), "packages[0].verson: there is no such key; did you mean 'version'?"),
        (("    namespace: rucio\n", ""), "targets[0].namespace: is required"),
        (
            ("{directory: ./cluster}", "{folder: ./cluster}"),
            "targets[0].cluster: is one of {directory: PATH}, {context: NAME}, {inCluster: true} "
            "or {repository: git+URL@BRANCH}",
        ),
        (
            ("moduleName: atlas_rucio_policy_package", "moduleName: atlas-rucio-policy-package"),
            "packages[0].moduleName: 'atlas-rucio-policy-package' cannot be imported: it looks like the distribution's "
            "name, which may have hyphens; moduleName is what Rucio imports, probably 'atlas_rucio_policy_package'",
        ),
        (
            ("secretName: atlas-rucio-policy", "secretName: CMSRucioPolicy"),
            "targets[0].secretName: 'CMSRucioPolicy' is not a name Kubernetes takes here (lower-case letters, digits "
            "and hyphens, at most 63): for instance 'cmsruciopolicy'",
        ),
        (("namespace: rucio", "namespace: rucio\n    rollout: {settle: 3x}"), "'3x' is not a duration"),
        (
            ("{directory: ./cluster}", "{inCluster: true}\n    wire: true"),
            "targets[0]: wire: needs a selector that says which workloads run Rucio, as in 'app=rucio-server'",
        ),
        (
            ("namespace: rucio", "namespace: rucio\n    wire: true\n    selector: app=rucio-server"),
            "targets[0]: wire: a directory of manifests has no field managers: write the mounts into its files",
        ),
    ],
)
def test_an_error_names_the_place_and_the_remedy(change: tuple[str, str], problem: str) -> None:
    assert any(problem in told for told in problems(SMALLEST.replace(*change)))


def test_one_secret_cannot_hold_two_packages() -> None:
    two = SMALLEST.replace("targets:", "  - {moduleName: cms_policy, requirement: cms}\ntargets:")
    assert problems(two) == [
        "targets: secretName 'atlas-rucio-policy' would hold 2 packages; put secretName on each package instead"
    ]


def test_packages_that_are_wired_have_a_vo_each() -> None:
    wired = SMALLEST.replace("{directory: ./cluster}", "{inCluster: true}\n    wire: true\n    selector: app=server")
    two = wired.replace("    secretName: atlas-rucio-policy\n", "").replace(
        "targets:", "  - {moduleName: cms_policy, requirement: cms}\ntargets:"
    )
    assert parse(wired).targets[0].wire
    assert problems(two) == ["targets: wire: Rucio takes one package for each VO: give each package its own 'vo'"]


def test_a_package_listed_twice_is_refused() -> None:
    twice = SMALLEST.replace("targets:", "  - {moduleName: atlas_rucio_policy_package, requirement: x}\ntargets:")
    assert problems(twice) == ["packages: 'atlas_rucio_policy_package' is listed twice"]


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), (7, 7)])
def test_durations_are_written_as_people_write_them(text: Any, seconds: float) -> None:
    raw = yaml.safe_load(SMALLEST)
    raw["interval"] = text
    assert config.parse(raw, Path("x")).interval == seconds


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"packages: [", "is not YAML: line 1, column 12"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"", "holds no configuration: it starts with 'packages:' and 'targets:'"),
        (b"packages: []\ntargets: []", "packages: lists nothing"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_with_its_name(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with pytest.raises(config.UnusableConfig) as refusal:
        config.load(path)
    assert str(refusal.value).startswith(f"{path}: {problem}")


def test_a_missing_file_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(config.UnusableConfig, match=r"none\.yaml: does not exist: name the configuration"):
        config.load(tmp_path / "none.yaml")


def test_the_example_is_a_valid_configuration() -> None:
    config.load(ROOT / "config.example.yaml")


def test_the_schema_knows_every_key_by_its_written_name() -> None:
    text = json.dumps(config.schema())
    assert all(f'"{key}"' in text for key in ("moduleName", "secretName", "inCluster", "settle"))
    assert "module_name" not in text


def test_health_and_webhook_have_a_port_each() -> None:
    both = "health: {port: 8080}\nwebhook: {port: 8080, secret: {file: secret}}\n"
    assert problems(SMALLEST + both) == [
        "health and webhook: both ask for port 8080: give each its own",
    ]


@pytest.mark.parametrize("model", [config.Package, Access, Verification, Limits])
def test_the_example_explains_each_key_of_a_source(model: type[BaseModel]) -> None:
    text = Path("config.example.yaml").read_text()
    elsewhere = {"secretName", "vo", "check"}  # with several packages or VOs; the check's rules explain themselves
    keys = model.model_json_schema(by_alias=True)["properties"].keys() - elsewhere
    assert [key for key in sorted(keys) if f"{key}:" not in text] == []


TESTBED = {"cluster": {"context": "testbed"}, "namespace": "rucio", "name": "testbed"}
PRODUCTION = {"cluster": {"context": "production"}, "namespace": "rucio", "name": "production"}


def targets(*told: dict[str, Any]) -> config.Config:
    packages = [{"moduleName": "atlas", "requirement": "atlas==1"}]
    return config.parse({"packages": packages, "targets": list(told)}, Path("secretsync.yaml"))


@pytest.mark.parametrize(
    ("after", "seconds"), [("testbed", 0), ({"target": "testbed"}, 0), ({"target": "testbed", "for": "24h"}, 86400)]
)
def test_a_target_may_go_after_another_by_its_name_and_for_how_long(after: object, seconds: float) -> None:
    told = targets(TESTBED, {**PRODUCTION, "after": after}).targets[1].after
    assert told
    assert (told.target, told.for_) == ("testbed", seconds)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([TESTBED, {**PRODUCTION, "name": "testbed"}], "two have the name 'testbed'"),
        (
            [TESTBED, {**PRODUCTION, "after": "tesbed"}],
            "no target in a cluster has the name 'tesbed'; there are: testbed",
        ),
        ([{**TESTBED, "after": "testbed"}], "testbed after testbed has no beginning"),
        ([{**TESTBED, "after": "production"}, {**PRODUCTION, "after": "testbed"}], "has no beginning"),
        ([{**TESTBED, "cluster": {"directory": "x"}}, {**PRODUCTION, "after": "testbed"}], "no target in a cluster"),
        ([TESTBED, {**PRODUCTION, "after": {"target": "testbed", "for": "soon"}}], "'soon' is not a duration"),
        ([TESTBED, {**PRODUCTION, "after": {"target": "testbed", "four": "1h"}}], "did you mean 'for'?"),
        ([TESTBED, {**PRODUCTION, "after": 5}], "after"),
    ],
)
def test_a_target_that_goes_after_nobody_is_an_error_that_says_who_is_there(
    told: list[dict[str, Any]], sentence: str
) -> None:
    with pytest.raises(config.UnusableConfig, match=re.escape(sentence)):
        targets(*told)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ("{a b: c}", "'a b' is not a key that Kubernetes takes here"),
        ("{Example.org/x: c}", "is not a key that Kubernetes takes here"),
        ("{owner: a b}", "'a b' is not a label's value"),
        ("{secretsync.rucio/module: x}", "is secretsync's own"),
        ("{app.kubernetes.io/managed-by: x}", "is secretsync's own"),
    ],
)
def test_labels_are_judged_before_the_api_refuses_them(labels: str, problem: str) -> None:
    text = SMALLEST.replace("    namespace: rucio", f"    namespace: rucio\n    labels: {labels}")
    assert any(problem in told for told in problems(text))


def test_a_target_may_have_labels_and_annotations_for_all_that_is_made_there() -> None:
    text = SMALLEST.replace(
        "    namespace: rucio",
        "    namespace: rucio\n    labels: {example.org/owner: ddm, empty: ''}\n    annotations: {ticket: a b c}",
    )
    target = parse(text).targets[0]
    assert target.labels == {"example.org/owner": "ddm", "empty": ""}
    assert target.annotations == {"ticket": "a b c"}
