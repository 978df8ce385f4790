from __future__ import annotations

import difflib
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync.core.yaml_edit import CannotEdit
from secretsync.rucio.charts.case import Case
from secretsync.rucio.charts.lint import lint
from secretsync.rucio.charts.merge import InTheWay, merge, merge_layers
from secretsync.rucio.charts.site_values import NotValues, read
from secretsync.rucio.wiring import Wiring
from tests.rucio.charts.build import FLAT, packed, wiring

FLAT_PACKAGE = wiring(packed(files=FLAT))
SITE = """\
# Daemons of the example experiment       (ask ddm-ops before you touch them)
image:   {repository:  rucio/rucio-daemons,   tag: 'release-41.5.1'}

reaperCount:   2
judgeCleanerCount: 1

defaults: &resources   # for all of them
    limits:   {memory: "4Gi"}
    requests: {memory: "1Gi" }

secretMounts:
# certificates
- volumeName: gcs
  secretFullName:   gcs-credentials      # made by hand
  mountPath: /opt/rucio/etc/gcs_rucio.json
  subPath: gcs_rucio.json
#- volumeName: not-any-more

optional_config:
      rucio_na_proxy:   "x"

reaper:
    resources: *resources
    config: {reaper: {rounds: 0x10}}
    extraSecretMounts:
    - {secretName: proxy, mountPath: /opt/proxy}
judgeCleaner:
    <<: {threads: 3}
    resources: *resources

config:
  database: {default: "sqlite:///"}
  policy:

    # who helps
    support: >-
      a long line that
      goes on


# the end
"""


def changes(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    lines = list(difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True)))
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


@pytest.mark.parametrize("via", ["env", "config"])
def test_a_sites_file_keeps_every_byte_and_gets_what_it_lacks(via: str) -> None:
    merged = merge(SITE, FLAT_PACKAGE, "daemons", via)
    gone, come = changes(SITE, merged.text)
    named = (
        "      # becomes RUCIO_POLICY_PACKAGE: what Rucio imports; it wins over rucio.cfg\n"
        "      rucio_policy_package: cms_policy\n"
    )
    configured = "    # becomes [policy] package of rucio.cfg: what Rucio imports\n    package: cms_policy\n"
    assert gone == []
    assert "".join(come) == (
        "# cms_policy/\n"
        "- volumeName: policy-cms-policy\n"
        "  secretFullName: cms-policy\n"
        "  mountPath: /opt/policy/cms_policy\n"
        "      # becomes PYTHONPATH: the folder that holds the package's folder, or the zip\n"
        "      # itself\n"
        "      pythonpath: /opt/policy\n"
    ) + (configured if via == "config" else named)


@pytest.mark.parametrize("style", ["directory", "existing", "files"])
@pytest.mark.parametrize("chart", ["server", "daemons", "ui"])
def test_what_was_merged_holds_and_merging_again_changes_nothing(chart: str, style: str) -> None:
    made = wiring(style=style, root="/opt/site")
    site = SITE.replace('rucio_na_proxy:   "x"', "pythonpath: /opt/site") if style == "existing" else SITE
    merged = merge(site, made, chart, "env")
    assert lint(Case(yaml.safe_load(merged.text), made, chart, "env")) == ()
    again = merge(merged.text, made, chart, "env")
    assert (again.text, again.done) == (merged.text, ())


ENTRIES = st.lists(st.fixed_dictionaries({"secretName": st.just("a"), "mountPath": st.sampled_from(["/a", "/b"])}))
SITES = st.fixed_dictionaries(
    {},
    optional={
        "image": st.fixed_dictionaries({"tag": st.text("ab: #-'", max_size=5)}),
        "secretMounts": st.none() | ENTRIES,
        "optional_config": st.none() | st.dictionaries(st.sampled_from(["a", "b"]), st.text("xy #", max_size=3)),
        "config": st.none() | st.fixed_dictionaries({"policy": st.none() | st.just({"support": "x"})}),
        "reaper": st.fixed_dictionaries({"extraSecretMounts": ENTRIES}),
    },
)


@settings(max_examples=40)
@given(SITES, st.permutations(["image", "secretMounts", "optional_config", "config", "reaper"]), st.integers(2, 5))
def test_whatever_a_file_says_it_goes_on_saying_and_its_lines_stay(
    values: dict[str, object], order: list[str], indent: int
) -> None:
    site = {key: values[key] for key in order if key in values}
    before = yaml.safe_dump(site, sort_keys=False, indent=indent) + "# the end\n"
    merged = merge(before, FLAT_PACKAGE, "daemons", "config").text
    after = yaml.safe_load(merged)
    assert {key: after[key] for key in ("image", "reaper") if key in site} == {
        key: site[key] for key in ("image", "reaper") if key in site
    }
    assert after["secretMounts"][:-1] == (site.get("secretMounts") or [])
    gone = [line for line in changes(before, merged)[0] if not line.rstrip().endswith(("{}", "[]", "null"))]
    assert gone == []


def test_what_was_done_is_told_line_by_line() -> None:
    assert merge("", FLAT_PACKAGE, "server", "env").done == (
        "secretMounts: Secret cms-policy at /opt/policy/cms_policy",
        "optional_config.pythonpath: /opt/policy",
        "optional_config.rucio_policy_package: cms_policy",
    )


def test_the_folders_that_a_site_has_on_its_python_path_stay_behind_ours() -> None:
    merged = merge("optional_config:\n  PYTHONPATH: '/opt/a:/opt/b'  # ours\n", FLAT_PACKAGE, "server", "env")
    assert merged.text.startswith("optional_config:\n  PYTHONPATH: /opt/policy:/opt/a:/opt/b  # ours\n")


def test_a_package_that_was_named_otherwise_is_named_anew() -> None:
    merged = merge("optional_config: {rucio_policy_package: old}\n", FLAT_PACKAGE, "server", "env")
    assert merged.text.startswith('optional_config: {rucio_policy_package: "cms_policy", "pythonpath": "/opt/policy"}')


JSON_VALUES: list[dict[str, object]] = [
    {"replicaCount": 1},
    {"secretMounts": []},
    {"secretMounts": None, "optional_config": {}},
    {"secretMounts": [{"secretName": "ca", "mountPath": "/ca"}], "optional_config": {"pythonpath": None}},
    {"optional_config": {"PYTHONPATH": "/opt/a", "rucio_policy_package": "old"}, "config": {"policy": {"a": "b"}}},
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("values", JSON_VALUES)
def test_json_stays_json(values: dict[str, object], indent: int | None) -> None:
    merged = merge(json.dumps(values, indent=indent) + "\n", FLAT_PACKAGE, "server", "env")
    assert not lint(Case(json.loads(merged.text), FLAT_PACKAGE, "server", "env"))
    assert merge(merged.text, FLAT_PACKAGE, "server", "env").text == merged.text
    if indent:
        assert all(len(line) < 150 for line in merged.text.splitlines())


def test_several_vos_come_into_one_list() -> None:
    made = wiring(packed("cms_policy", FLAT, "cms"), packed("dune_policy", FLAT, "dun"))
    values = yaml.safe_load(merge(SITE, made, "server", "config").text)
    assert [entry["secretFullName"] for entry in values["secretMounts"]] == [
        "gcs-credentials",
        "cms-policy",
        "dune-policy",
    ]
    assert values["config"]["policy"]["package-dun"] == "dune_policy"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("reaper:\n  secretMounts: [{secretName: proxy, mountPath: /opt/proxy}]\n", "reaper.secretMounts"),
        ("policyPackages:\n  enabled: true\n", "policyPackages.enabled"),
        ("config:\n  policy:\n    package: escape\n", "config.policy.package"),
    ],
)
def test_where_pods_would_not_get_the_package_the_merge_is_refused_with_the_place(text: str, place: str) -> None:
    with pytest.raises(InTheWay) as refused:
        merge(text, FLAT_PACKAGE, "daemons", "env")
    assert [problem.place for problem in refused.value.problems] == [place]
    assert place in str(refused.value)


def test_what_chose_a_policy_stays_and_is_noted_once_as_other_parts_of_rucio_read_it() -> None:
    text = """
config: {policy: {schema: cms}}
conveyorReceiver: {config: {policy: {permission: cms}}}
optional_config: {rucio_cfg_policy_permission: cms}
"""
    merged = merge(text, FLAT_PACKAGE, "daemons", "env")
    assert [problem.place for problem in merged.noted] == [
        "config.policy.schema",
        "conveyorReceiver.config.policy.permission",
        "optional_config.rucio_cfg_policy_permission",
    ]
    assert "read it as the name of the VO" in str(merged.noted[1])
    assert merge(merged.text, FLAT_PACKAGE, "daemons", "env").noted == ()


def test_a_daemon_whose_list_is_an_alias_of_the_global_one_gets_the_entries_with_it() -> None:
    text = "secretMounts: &m\n  - {secretName: a, mountPath: /a}\nreaper:\n  secretMounts: *m\n"
    values = yaml.safe_load(merge(text, FLAT_PACKAGE, "daemons", "env").text)
    assert len(values["reaper"]["secretMounts"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "base: &b {secretMounts: [{secretName: a, mountPath: /a}]}\n<<: *b\n",  # a new list would hide this one
        "a: 1\n...\n",
        "base: &b [{secretName: a, mountPath: /a}]\nsecretMounts: *b\n",
    ],
)
def test_what_cannot_be_added_without_changing_something_else_is_left_to_the_operator(text: str) -> None:
    with pytest.raises(CannotEdit, match="by hand"):
        merge(text, FLAT_PACKAGE, "server", "env")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: {{ .Values.b }}\n", "line 1"),
        ("a: b: c\n", "line 1"),
        ("a: 1\n---\nb: 1\n", "several documents"),
        ("- a\n", "no mapping"),
        ("apiVersion: v1\nkind: HelmRelease\nspec: {}\n", "of kind HelmRelease"),
    ],
)
def test_what_is_no_values_file_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(NotValues, match=reason):
        merge(text, FLAT_PACKAGE, "server", "env")


def test_a_zip_comes_before_the_root_of_other_packages() -> None:
    made: Wiring = wiring(packed("cms_policy", FLAT, "cms"), packed("dune_policy", FLAT, "dun", layout="zip"))
    values = yaml.safe_load(merge("", made, "server", "env").text)
    assert values["optional_config"]["pythonpath"] == "/opt/policy/dune_policy/dune_policy.zip:/opt/policy"


COMMON = "config: {database: {default: x}}\nsecretMounts: [{secretName: ca, mountPath: /ca}]\n"
DAEMONS = "secretMounts:\n- {secretName: proxy, mountPath: /opt/proxy}\noptional_config:\n  a: b\n"
INSTANCE = "reaperCount: 8\n"


def test_of_layers_the_one_whose_list_decides_gets_the_mounts_and_all_are_judged_together() -> None:
    common, daemons, instance = merge_layers([COMMON, DAEMONS, INSTANCE], FLAT_PACKAGE, "daemons", "env")
    assert instance.text == INSTANCE
    assert [entry["mountPath"] for entry in yaml.safe_load(daemons.text)["secretMounts"]] == [
        "/opt/proxy",
        "/opt/policy/cms_policy",
    ]
    assert "secretMounts" not in str(common.done)


def test_a_setting_goes_into_the_layer_that_has_it_else_into_the_first() -> None:
    layers = [COMMON, "optional_config: {PYTHONPATH: /opt/other}\n"]
    first, second = merge_layers(layers, FLAT_PACKAGE, "daemons", "env")
    assert yaml.safe_load(second.text)["optional_config"] == {"PYTHONPATH": "/opt/policy:/opt/other"}
    assert yaml.safe_load(first.text)["optional_config"] == {"rucio_policy_package": "cms_policy"}


def test_merging_layers_again_changes_nothing() -> None:
    once = [layer.text for layer in merge_layers([COMMON, DAEMONS], FLAT_PACKAGE, "daemons", "env")]
    again = merge_layers(once, FLAT_PACKAGE, "daemons", "env")
    assert [(layer.text, layer.done) for layer in again] == [(text, ()) for text in once]


def test_what_a_later_file_deletes_by_null_is_not_added_before_it() -> None:
    """Helm drops what earlier files have where a later one says null; a list that it says anew is its own."""
    with pytest.raises(CannotEdit, match="optional_config: is null in a later file, which deletes what the files befo"):
        merge_layers([DAEMONS, "optional_config: null\n"], FLAT_PACKAGE, "daemons", "env")
    first, second = merge_layers([DAEMONS, "secretMounts: null\n"], FLAT_PACKAGE, "daemons", "env")
    assert [mount["mountPath"] for mount in yaml.safe_load(second.text)["secretMounts"]] == ["/opt/policy/cms_policy"]
    assert yaml.safe_load(first.text)["secretMounts"] == yaml.safe_load(DAEMONS)["secretMounts"]


SOURCES = "spec:\n  sources:\n    - {chart: other}\n    - chart: rucio-daemons\n      helm:\n        valuesObject:%s\n"


@pytest.mark.parametrize("there", [" {}", "", "\n          a: b  # kept", " {a: b}"])
def test_the_values_of_one_of_several_sources_are_found_by_its_number(there: str) -> None:
    at = ("spec", "sources", "1", "helm", "valuesObject")
    once = merge(SOURCES % there, FLAT_PACKAGE, "daemons", "env", at)
    other, source = yaml.safe_load(once.text)["spec"]["sources"]
    assert other == {"chart": "other"}
    assert source["helm"]["valuesObject"]["optional_config"]["pythonpath"] == "/opt/policy"
    assert ("kept" in once.text) == ("kept" in there)
    assert merge(once.text, FLAT_PACKAGE, "daemons", "env", at).done == ()


APPLICATION = "spec:\n  source:\n    helm:\n      valuesObject:\n        a: b\n"
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  chart: {spec: {version: 35.0.1}}
  values:
    secretMounts:
      - secretName: ca      # kept
        mountPath: /ca
"""


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (RELEASE, ("spec", "values")),
        (
            "spec:\n  source:\n    helm:\n      valuesObject:\n        a: b\n",
            ("spec", "source", "helm", "valuesObject"),
        ),
        ("global: {x: y}\nrucio-daemons:\n  reaperCount: 1\n", ("rucio-daemons",)),
    ],
)
def test_values_inside_another_document_are_merged_where_they_are(text: str, at: tuple[str, ...]) -> None:
    merged = merge(text, FLAT_PACKAGE, "daemons", "env", at)
    found = yaml.safe_load(merged.text)
    for key in at:
        found = found[key]
    assert found["optional_config"]["rucio_policy_package"] == "cms_policy"
    assert found["secretMounts"][-1]["secretFullName"] == "cms-policy"
    assert changes(text, merged.text)[0] == []
    assert merge(merged.text, FLAT_PACKAGE, "daemons", "env", at).done == ()


def test_a_manifest_is_refused_with_the_place_of_its_values_and_a_wrong_place_too() -> None:
    with pytest.raises(NotValues, match=r"--at spec\.values"):
        merge(RELEASE, FLAT_PACKAGE, "server", "env")
    with pytest.raises(NotValues, match=r"nothing at spec\.valeus"):
        merge(RELEASE, FLAT_PACKAGE, "server", "env", ("spec", "valeus"))


def test_a_file_that_sops_encrypted_is_refused() -> None:
    text = "config: {a: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: 'ENC[x]', lastmodified: '2024-01-01T00:00:00Z'}\n"
    with pytest.raises(NotValues, match="SOPS"):
        merge(text, FLAT_PACKAGE, "server", "env")


@pytest.mark.parametrize("date", ["2024-13-45", "2024-01-01", "2001-12-14 99:59:43"])
def test_what_looks_like_a_date_stays_the_text_that_it_is(date: str) -> None:
    merged = merge(f"image: {{tag: {date}}}\n", FLAT_PACKAGE, "server", "env")
    assert merged.text.startswith(f"image: {{tag: {date}}}\n")
    assert read(merged.text)["image"] == {"tag": date}


@pytest.mark.parametrize(
    ("chart", "text"),
    [
        ("server", "additionalEnvs:\n  - {name: RUCIO_POLICY_PACKAGE, value: cms_policy}\n"),
        ("daemons", "reaperCount: 1\nreaper: {additionalEnvs: [{name: RUCIO_POLICY_PACKAGE, value: cms_policy}]}\n"),
    ],
)
def test_a_package_that_additional_envs_name_to_every_pod_is_not_named_twice(chart: str, text: str) -> None:
    merged = merge(text, FLAT_PACKAGE, chart, "env")
    assert "rucio_policy_package" not in merged.text
    assert "pythonpath: /opt/policy" in merged.text
    assert merge(merged.text, FLAT_PACKAGE, chart, "env").text == merged.text


def test_a_search_path_that_additional_envs_give_to_every_pod_is_not_set_twice() -> None:
    text = "additionalEnvs: [{name: PYTHONPATH, value: '/opt/policy:/x'}]\n"
    assert "pythonpath" not in merge(text, FLAT_PACKAGE, "server", "env").text


@pytest.mark.parametrize(
    ("chart", "text"),
    [
        ("server", "additionalEnvs: [{name: RUCIO_POLICY_PACKAGE, value: atlas}]\n"),
        ("server", "additionalEnvs: [{name: PYTHONPATH, value: /x}]\n"),
        (
            "daemons",
            "reaperCount: 1\nminosCount: 1\n"
            "reaper: {additionalEnvs: [{name: RUCIO_POLICY_PACKAGE, value: cms_policy}]}\n",
        ),
        ("daemons", "additionalEnvs: [{name: RUCIO_POLICY_PACKAGE, value: cms_policy}]\n"),
    ],
    ids=["another package", "another search path", "one daemon of two", "a list that the chart may not read"],
)
def test_additional_envs_that_differ_or_reach_only_some_pods_stand_in_the_way(chart: str, text: str) -> None:
    with pytest.raises(InTheWay, match="set a second time"):
        merge(text, FLAT_PACKAGE, chart, "env")
