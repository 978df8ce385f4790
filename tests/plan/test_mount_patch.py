"""What is injected into a pod template, and who else may have it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.core import packing
from secretsync.core.model import Manifest, Placement, Workload
from secretsync.plan.diff import Desired
from secretsync.plan.managed_fields import Entry, conflicts, contains_part, is_wired, owned, reclaimed_fields
from secretsync.plan.mount_patch import merge_template, mount_patch_of, template_part, with_mounts
from secretsync.plan.rewiring import rewiring
from secretsync.rucio.wiring import ROOT
from tests.applied import applied, fields
from tests.build import PLACEMENT, desired, workload

OURS = "secretsync-secretsync-wiring"
WIRED = replace(PLACEMENT, wired=True)
FILES = {"__init__.py": "1", "algorithms/a.py": "2"}
STAMP = {"secretsync.rucio/atlas": "1 sha256:abc"}


def wanted(placement: Placement = WIRED, **files: str) -> Desired:
    return desired(files or FILES, placement)


def containers(*images: str, env: list[Manifest] | None = None) -> Workload:
    made = [{"name": f"c{n}", "image": image, "env": deepcopy(env or [])} for n, image in enumerate(images)]
    return with_spec(containers=made)


def with_spec(**spec: Any) -> Workload:
    one = workload()
    one.template["spec"].update(spec)
    return one


def ours(of: Workload, what: Desired | None = None) -> Manifest:
    return template_part(mount_patch_of([what or wanted()]), of.template, STAMP)


def wired(of: Workload, what: Desired | None = None) -> Workload:
    return replace(of, manifest=applied(of.manifest, ours(of, what), OURS))


def test_secrets_are_mounted_one_below_the_other_and_rucio_is_told_of_the_package() -> None:
    digest = wanted().bundle.digest[:12]
    found = mount_patch_of([wanted()])
    assert found.volumes == {"policy-atlas": f"atlas-{digest}", "policy-atlas-algorithms": f"atlas-{digest}-algorithms"}
    assert found.mounts == {
        f"{ROOT}/{PLACEMENT.module}": "policy-atlas",
        f"{ROOT}/{PLACEMENT.module}/algorithms": "policy-atlas-algorithms",
    }
    assert found.variables == {"PYTHONPATH": ROOT, "RUCIO_POLICY_PACKAGE": PLACEMENT.module}


def test_several_vos_share_one_parent_and_have_a_variable_each() -> None:
    vos = [replace(WIRED, secret=f"policy-{vo}", module=f"{vo}_policy", vo=vo) for vo in ("atl", "cms")]
    found = mount_patch_of([wanted(vo) for vo in vos])
    assert found.variables == {
        "PYTHONPATH": ROOT,
        "RUCIO_POLICY_PACKAGE_ATL": "atl_policy",
        "RUCIO_POLICY_PACKAGE_CMS": "cms_policy",
    }


def test_a_zip_is_itself_on_the_python_path() -> None:
    zipped = wanted(replace(WIRED, layout="zip"))
    found = mount_patch_of([zipped])
    assert found.volumes == {"policy-atlas": f"atlas-{zipped.bundle.digest[:12]}.zip"}
    assert found.mounts == {f"{ROOT}/{PLACEMENT.module}": "policy-atlas"}
    assert found.variables["PYTHONPATH"] == f"{ROOT}/{PLACEMENT.module}/{PLACEMENT.module}.zip"


def test_other_content_has_other_secrets_in_the_same_volumes() -> None:
    one, other = mount_patch_of([wanted()]), mount_patch_of([wanted(**{"__init__.py": "2", "algorithms/a.py": "2"})])
    assert one.volumes.keys() == other.volumes.keys()
    assert not set(one.volumes.values()) & set(other.volumes.values())


def test_the_volume_of_a_secret_with_a_long_name_has_a_name_that_kubernetes_takes() -> None:
    deep = "a/" * 30
    found = mount_patch_of([wanted(**{"__init__.py": "", f"{deep}b.py": "", f"{deep}c/b.py": ""})])
    assert len(found.volumes) == 3
    assert max(map(len, found.volumes)) == 63


def test_only_containers_with_an_image_of_rucios_are_wired() -> None:
    found = ours(containers("busybox:1", "registry:5000/mirror/rucio-server:41.5.1", "rucio/rucio-daemons@sha256:abc"))
    assert [one["name"] for one in found["spec"]["containers"]] == ["c1", "c2"]


def test_where_no_image_is_named_after_rucio_all_containers_are_wired() -> None:
    found = ours(containers("registry/cms/server:1", "rucio.example.org/site/own:1"))
    assert [one["name"] for one in found["spec"]["containers"]] == ["c0", "c1"]


def test_the_template_that_pods_will_see_has_what_it_had_and_ours() -> None:
    before = containers("rucio-server:41", env=[{"name": "RUCIO_VO", "value": "def"}])
    after = merge_template(before.template, ours(before))
    assert contains_part(replace_template(before, after).template, {**ours(before), "metadata": {}})
    assert after["spec"]["containers"][0]["env"][0] == {"name": "RUCIO_VO", "value": "def"}
    assert merge_template(after, ours(before)) == after
    assert "volumeMounts" not in before.template["spec"]["containers"][0]


names = st.sampled_from(["PYTHONPATH", "RUCIO_POLICY_PACKAGE", "HOME", "RUCIO_VO"])
environments = st.dictionaries(names, st.text(max_size=3)).map(
    lambda told: [{"name": name, "value": value} for name, value in told.items()]
)


@given(environments)
def test_whatever_was_there_the_template_shows_what_is_injected_and_keeps_the_rest(env: list[Manifest]) -> None:
    before = containers("rucio-server:41", env=env)
    part_of_ours = ours(before)
    after = merge_template(before.template, part_of_ours)
    assert contains_part(after, {**part_of_ours, "metadata": {}})
    assert merge_template(after, part_of_ours) == after
    injected = {one["name"] for one in part_of_ours["spec"]["containers"][0]["env"]}
    left = [one for one in after["spec"]["containers"][0]["env"] if one["name"] not in injected]
    assert left == [one for one in env if one["name"] not in injected]


def replace_template(of: Workload, template: Manifest) -> Workload:
    return replace(of, manifest={**of.manifest, "spec": {**of.manifest["spec"], "template": template}})


def test_what_was_applied_is_shown_and_is_ours() -> None:
    one = wired(containers("rucio-server:41"))
    assert contains_part(one.template, ours(one))
    assert is_wired(one, OURS)
    assert set(owned(one, OURS)) == {
        Entry("", "volume", "policy-atlas"),
        Entry("", "volume", "policy-atlas-algorithms"),
        Entry("c0", "mount", f"{ROOT}/{PLACEMENT.module}"),
        Entry("c0", "mount", f"{ROOT}/{PLACEMENT.module}/algorithms"),
        Entry("c0", "variable", "PYTHONPATH"),
        Entry("c0", "variable", "RUCIO_POLICY_PACKAGE"),
    }
    assert list(conflicts(one, ours(one), OURS, ours_again=False)) == []


def managed(of: Workload, manager: str, spec: Manifest) -> Workload:
    """*of*, of whose pod *manager* wrote *spec*."""
    told = {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {"f:template": {"f:spec": fields(spec)}}}}
    metadata = of.manifest["metadata"]
    more = [*metadata.get("managedFields", []), told]
    return replace(of, manifest={**of.manifest, "metadata": {**metadata, "managedFields": more}})


PYTHONPATH = {"name": "PYTHONPATH", "value": "/his"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"containers": [{"name": "c0", "env": [PYTHONPATH]}]},
            "the environment variable PYTHONPATH in the container c0",
        ),
        (
            {
                "containers": [
                    {"name": "c0", "volumeMounts": [{"name": "v", "mountPath": f"{ROOT}/{PLACEMENT.module}"}]}
                ]
            },
            f"a mount at {ROOT}/{PLACEMENT.module} in the container c0",
        ),
        ({"volumes": [{"name": "policy-atlas", "emptyDir": {}}]}, "a volume policy-atlas"),
    ],
)
def test_what_another_manager_has_is_named(spec: Manifest, said: str) -> None:
    one = managed(with_spec(**{"containers": [{"name": "c0", "image": "rucio"}], **spec}), "helm", spec)
    assert list(conflicts(one, ours(one), OURS, ours_again=True)) == [
        f"Deployment rucio/server has {said} already, from the field manager 'helm'"
    ]


def test_what_another_manager_has_with_the_very_value_is_his_all_the_same() -> None:
    spec = {"containers": [{"name": "c0", "env": [{"name": "PYTHONPATH", "value": ROOT}]}]}
    one = managed(with_spec(**spec), "helm", spec)
    assert len(list(conflicts(one, ours(one), OURS, ours_again=True))) == 1


def test_a_value_that_nobody_is_known_to_have_is_not_overwritten() -> None:
    one = containers("rucio", env=[PYTHONPATH])
    (said,) = conflicts(one, ours(one), OURS, ours_again=True)
    assert said.endswith("from somebody unknown")


def test_managed_fields_that_somebody_emptied_are_in_nobodys_way() -> None:
    one = wired(containers("rucio"))
    one.manifest["metadata"]["managedFields"] = []
    assert list(conflicts(one, ours(one), OURS, ours_again=False)) == []


def test_a_value_of_ours_that_somebody_changed_is_his_unless_it_may_be_taken_back() -> None:
    one = wired(containers("rucio"))
    one.template["spec"]["containers"][0]["env"][0]["value"] = "/his"
    told = one.manifest["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    del told["f:containers"]['k:{"name":"c0"}']["f:env"]['k:{"name":"PYTHONPATH"}']["f:value"]
    one = managed(one, "kubectl-set", {"containers": [{"name": "c0", "env": [PYTHONPATH]}]})
    assert len(list(conflicts(one, ours(one), OURS, ours_again=False))) == 1
    assert list(conflicts(one, ours(one), OURS, ours_again=True)) == []


def test_the_difference_names_what_comes_changes_and_goes() -> None:
    before = wired(containers("rucio"))
    after = wanted(**{"__init__.py": "other"})
    found = rewiring(before, ours(before, after), OURS).differences
    assert [(one.kind, one.entry.name, one.value) for one in found] == [
        ("changed", "policy-atlas", f"Secret {after.secrets[0].name}"),
        ("removed", "policy-atlas-algorithms", ""),
        ("removed", f"{ROOT}/{PLACEMENT.module}/algorithms", ""),
    ]


def test_without_a_part_all_that_is_ours_goes() -> None:
    one = wired(containers("rucio"))
    found = rewiring(one, {}, OURS).differences
    assert {difference.entry for difference in found} == set(owned(one, OURS))
    assert {difference.kind for difference in found} == {"removed"}
    bare = replace(one, manifest=applied(one.manifest, {}, OURS))
    assert not is_wired(bare, OURS)
    assert bare.template["spec"]["containers"][0]["env"] == []


def test_wired_secrets_never_change_and_are_named_by_their_digest() -> None:
    packed = wanted().secrets
    assert all(secret.immutable for secret in packed)
    assert packing.secret_name(WIRED, "") not in {secret.name for secret in packed}
    assert {secret.name for secret in packed} == {secret.name for secret in wanted().secrets}


def test_what_another_tool_put_back_of_our_mounts_is_known_by_what_it_says() -> None:
    site = containers("rucio:41", env=[{"name": "RUCIO_POLICY_PACKAGE_OLD", "value": "site_policy"}])
    put_back = merge_template(site.template, ours(site))
    assert with_mounts(put_back, [WIRED]) == {
        Entry("", "volume", "policy-atlas"),
        Entry("", "volume", "policy-atlas-algorithms"),
        Entry("c0", "mount", f"{ROOT}/{PLACEMENT.module}"),
        Entry("c0", "mount", f"{ROOT}/{PLACEMENT.module}/algorithms"),
        Entry("c0", "variable", "PYTHONPATH"),
        Entry("c0", "variable", "RUCIO_POLICY_PACKAGE"),
    }


def test_of_a_workload_without_our_mounts_nothing_comes_from_us() -> None:
    env = [{"name": "RUCIO_POLICY_PACKAGE", "value": PLACEMENT.module}]
    assert with_mounts(containers("rucio:41", env=env).template, [WIRED]) == frozenset()


def test_entries_that_another_manager_has_are_moved_to_us_where_we_have_none_yet() -> None:
    before = containers("rucio:41")
    theirs = replace(before, manifest=applied(before.manifest, ours(before), "kubectl"))
    entries = with_mounts(theirs.template, [WIRED])
    moved = replace(theirs, manifest=with_managed_fields(theirs.manifest, reclaimed_fields(theirs, entries, OURS)))
    assert (owned(theirs, OURS), owned(moved, OURS).keys()) == ({}, entries)
    assert not owned(moved, "kubectl").keys() & entries


def with_managed_fields(manifest: Manifest, managed: list[Manifest]) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": managed}}
