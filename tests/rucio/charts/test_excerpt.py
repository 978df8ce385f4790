"""Values inside a manifest, a text of a ConfigMap, a patch or one of several documents: all other bytes stay."""

from __future__ import annotations

import difflib
import textwrap

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretsync.core.errors import SecretSyncError
from secretsync.core.yaml_edit import CannotEdit
from secretsync.rucio.charts.excerpt import excerpt
from secretsync.rucio.charts.merge import merge
from secretsync.rucio.charts.repoint import repoint
from secretsync.rucio.charts.site_values import NotValues, keys_of, read
from tests.on_demand import ALL
from tests.rucio.charts.build import FLAT, packed, wiring

FLAT_PACKAGE = wiring(packed(files=FLAT))
VALUES = """\
# the daemons of our site
reaperCount:   2   # two are enough

secretMounts:
  - {secretName: gcs, mountPath: /opt/gcs.json, subPath: gcs.json}
optional_config:
  rucio_policy_package:  "cms_policy"
"""
CONFIG_MAP = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: daemons}}
data:
  other.yaml: "a: 1"
  values.yaml: |
{textwrap.indent(VALUES, "    ")}
  # what stands behind it
  last.txt: x
"""
KUSTOMIZATION = f"""\
resources: [release.yaml]
patches:
- target: {{kind: HelmRelease, name: daemons}}
  patch: |-
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {{name: daemons}}
    spec:
      values:
{textwrap.indent(VALUES, "        ")}
- path: other.yaml
"""
DOCUMENTS = f"""\
# first
apiVersion: v1
kind: Namespace
metadata: {{name: rucio}}
---
kind: HelmRelease
spec:
  values:
{textwrap.indent(VALUES, "    ")}
---
kind: HelmRepository
spec: {{url: "https://rucio.github.io/helm-charts"}}
"""
PLACES = [
    pytest.param(CONFIG_MAP, r"data.values\.yaml", id="ConfigMap"),
    pytest.param(KUSTOMIZATION, "patches.0.patch.spec.values", id="patch of a kustomization"),
    pytest.param(DOCUMENTS, "spec.values", id="several documents"),
]


def left_over(before: str, after: str) -> list[str]:
    """The lines of *before* that are not in *after*, in their order."""
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line[2:] for line in lines if line.startswith("- ")]


@pytest.mark.parametrize(("text", "at"), PLACES)
def test_what_is_lacking_is_added_where_the_values_are_and_every_line_stays(text: str, at: str) -> None:
    merged = merge(text, FLAT_PACKAGE, "daemons", "env", keys_of(at))
    assert left_over(text, merged.text) == []
    values = read(merged.text, keys_of(at))
    assert [mount["mountPath"] for mount in values["secretMounts"]] == ["/opt/gcs.json", "/opt/policy/cms_policy"]
    assert values["optional_config"]["pythonpath"] == "/opt/policy"
    assert len(list(yaml.safe_load_all(merged.text))) == len(list(yaml.safe_load_all(text)))
    assert merge(merged.text, FLAT_PACKAGE, "daemons", "env", keys_of(at)).text == merged.text


@pytest.mark.parametrize(("text", "at"), PLACES)
def test_the_mount_of_an_earlier_secret_moves_and_nothing_else(text: str, at: str) -> None:
    merged = merge(text, FLAT_PACKAGE, "daemons", "env", keys_of(at)).text
    (name,) = {mount.secret for mount in FLAT_PACKAGE.mounts}
    old = merged.replace(f"secretFullName: {name}", f"secretFullName: {name}-0123456789ab")
    assert old != merged
    assert repoint(old, FLAT_PACKAGE.mounts, [name], keys_of(at)) == merged


def test_a_manifest_is_refused_with_the_key_of_the_text_in_it() -> None:
    with pytest.raises(NotValues, match=r"--at 'data.values\\.yaml'"):
        read(CONFIG_MAP)


def test_a_text_in_quotes_is_left_to_the_operator() -> None:
    with pytest.raises(CannotEdit, match="make it a block"):
        excerpt('data: {values.yaml: "a: 1\\nb: 2\\n"}\n', ("data", "values.yaml"))


def test_a_json_patch_is_answered_with_what_to_do() -> None:
    text = "patches:\n- patch: |-\n    - op: add\n      path: /spec/values/secretMounts/-\n      value: {a: b}\n"
    with pytest.raises(NotValues, match=r"JSON patch .*by hand"):
        read(text, keys_of("patches.0.patch"))


def test_a_file_of_which_two_documents_have_such_values_is_refused() -> None:
    with pytest.raises(NotValues, match="several documents"):
        read("spec: {values: {a: 1}}\n---\nspec: {values: {b: 1}}\n", ("spec", "values"))


LINES = st.sampled_from(
    [
        "image: {tag: release-38.5.5}   # pinned\n",
        "anchored: &common {a: 1, b: [x, y]}\n",
        "again: *common\n",
        "text: |\n  two\n\n  lines  \n",
        "folded: >-\n  a\n  b\n",
        "# a comment\twith a tab\n",
        "\n",
        "reaper:\n  extraSecretMounts:\n    - {secretName: proxy, mountPath: /opt/proxy}\n",
        "secretMounts:\n- secretName: gcs\n  mountPath: /opt/gcs.json\n  subPath: gcs.json\n",
        "secretMounts: []\n",
        "optional_config: {x: 'y', }\n",
        'optional_config:\n    # four spaces\n    a: "b"\n',
        "additionalEnvs:\n  -   {name: A,   value: '1'}\n",
        "'quoted key': \"\\u00e9\"\n",
        "? complex\n: 1\n",
        "date: 2024-01-01\n",
        "umlaut: ä\n",
    ]
)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """A file that looks like a site's, and where its values are."""
    chosen = draw(st.lists(LINES, max_size=8))
    seen: set[str] = set()
    values = ""
    for line in chosen:
        key = line.partition(":")[0]
        if key not in seen and not (line.startswith("again") and "anchored" not in seen):
            values += line
        if ":" in line:
            seen.add(key)
    values = values if values.strip("# \n") else f"{values}a: 1\n"
    inner = textwrap.indent(values, "    ")
    text, at = draw(
        st.sampled_from(
            [
                (values, ""),
                (f"kind: HelmRelease\nspec:\n  values:\n{inner}  timeout: 5m\n", "spec.values"),
                (f"kind: ConfigMap\ndata:\n  values.yaml: |\n{inner}  x: y\n", r"data.values\.yaml"),
                (f"kind: A\n---\nspec:\n  values:\n{inner}---\nkind: B # end\n", "spec.values"),
            ]
        )
    )
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return (text.rstrip("\r\n") if draw(st.booleans()) else text), at


@pytest.mark.slow
@settings(max_examples=2000 if ALL else 150, suppress_health_check=list(HealthCheck))
@given(files())
def test_of_files_as_sites_have_them_every_other_byte_stays_or_the_file_is_refused_with_the_reason(
    file: tuple[str, str],
) -> None:
    text, at = file
    try:
        merged = merge(text, FLAT_PACKAGE, "daemons", "env", keys_of(at)).text
    except SecretSyncError:
        return
    # an empty list and a mapping in brackets are added to in their line, and a line end where the file has none
    grown = ("secretMounts: []", "optional_config: {")
    gone = [line for line in left_over(text, merged) if not line.strip().startswith(grown)]
    unended = "" if text.endswith("\n") else text.splitlines()[-1]
    assert [line for line in gone if line != unended] == []
    assert unended.startswith(grown) or unended in merged
    assert merge(merged, FLAT_PACKAGE, "daemons", "env", keys_of(at)).text == merged


@pytest.mark.parametrize("empty", ["|\n", "|\n\n\n", "|-\n  \n"])
def test_an_empty_text_is_named_as_its_indentation_is_not_known(empty: str) -> None:
    with pytest.raises(CannotEdit, match=r"data\.values\.yaml: is an empty text"):
        merge(
            f"kind: ConfigMap\ndata:\n  values.yaml: {empty}",
            FLAT_PACKAGE,
            "daemons",
            "env",
            keys_of(r"data.values\.yaml"),
        )


def test_a_patch_of_a_deployment_is_answered_with_what_to_add_by_hand() -> None:
    with pytest.raises(NotValues, match="secretsync values --patch"):
        merge("apiVersion: apps/v1\nkind: Deployment\nspec: {}\n", FLAT_PACKAGE, "daemons", "env")


@pytest.mark.parametrize("key", ["patches", "patchesJson6902", "configMapGenerator"])
def test_a_kustomization_without_its_kind_is_not_taken_for_values(key: str) -> None:
    with pytest.raises(NotValues, match=r"patches\.0\.patch\.spec\.values"):
        merge(f"resources: [a.yaml]\n{key}:\n  - path: p.yaml\n", FLAT_PACKAGE, "daemons", "env")


@pytest.mark.parametrize("text", ['"a: 1\\nb: 2\\n"', ">\n    a: 1", "'a: 1'"])
def test_values_in_quotes_or_folded_are_left_with_what_to_do(text: str) -> None:
    with pytest.raises(CannotEdit, match="make it a block"):
        merge(
            f"kind: ConfigMap\ndata:\n  values.yaml: {text}\n",
            FLAT_PACKAGE,
            "daemons",
            "env",
            keys_of(r"data.values\.yaml"),
        )
