"""Which workloads will not load a package, as their templates tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from secretsync.core.model import Manifest, Placement, Ref, Workload
from secretsync.plan.diff import Desired
from secretsync.plan.in_force import NotInForce, judge_workloads, sentences, unmounted
from tests.build import PLACEMENT, desired, workload

WANTED = desired({"__init__.py": "", "permission.py": ""})
SOUND = {"PYTHONPATH": "/policy", "RUCIO_POLICY_PACKAGE": PLACEMENT.module}
MOUNT = {"name": "policy", "mountPath": f"/policy/{PLACEMENT.module}"}


def not_in_force(packages: Sequence[Desired], workloads: Sequence[Workload]) -> tuple[NotInForce, ...]:
    return judge_workloads(packages, workloads).not_in_force


def daemon(
    name: str = "judge", image: str = "rucio/rucio-daemons:41.5.1", env: Mapping[str, str] = SOUND, **container: Any
) -> Workload:
    volume = {"name": "policy", "secret": {"secretName": "atlas"}}
    mounts = container.pop("volumeMounts", [MOUNT])
    told: Manifest = {
        "name": "rucio",
        "image": image,
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "volumeMounts": mounts,
        **container,
    }
    spec = {"containers": [told], "volumes": [volume] if mounts else []}
    manifest = {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": {"spec": spec}}}
    return Workload(Ref("Deployment", "rucio", name), manifest)


def test_a_sound_workload_loads_the_package() -> None:
    assert not_in_force([WANTED], [daemon(), workload("atlas")]) == ()


@pytest.mark.parametrize(
    ("sick", "wrong"),
    [
        (daemon(volumeMounts=[]), "mounts nothing of Secret atlas"),
        (daemon(env={**SOUND, "PYTHONPATH": "/opt"}), "PYTHONPATH is '/opt' and has no /policy"),
        (daemon(env={"PYTHONPATH": "/policy"}), "neither RUCIO_POLICY_PACKAGE nor [policy] package is set"),
        (daemon(env={**SOUND, "RUCIO_POLICY_PACKAGE": f"'{PLACEMENT.module}'"}), "quotes and blanks included"),
        (daemon(env={**SOUND, "RUCIO_POLICY_PACKAGE": "atlas-rucio-policy"}), "with underscores"),
    ],
    ids=["no mount", "path", "unset", "quoted", "hyphen"],
)
def test_a_workload_that_cannot_load_it_is_named_with_what_is_wrong(sick: Workload, wrong: str) -> None:
    (found,) = not_in_force([WANTED], [daemon("well"), sick])
    assert found.workload.name == "judge"
    assert wrong in found.verdict.wrong
    assert found.verdict.remedy


@pytest.mark.parametrize(
    "unread",
    [
        daemon(env={"PYTHONPATH": "/policy"}, envFrom=[{"secretRef": {"name": "site"}}]),
        daemon(
            env={"PYTHONPATH": "/policy", "RUCIO_OVERRIDE_CONFIGS": "/opt/rucio/etc/conf.d"},
            volumeMounts=[MOUNT, {"name": "common", "mountPath": "/opt/rucio/etc/conf.d"}],
        ),
    ],
    ids=["envFrom", "a configuration"],
)
def test_what_an_object_that_is_not_read_may_say_counts_as_well(unread: Workload) -> None:
    assert not_in_force([WANTED], [unread]) == ()


@pytest.mark.parametrize("image", ["rucio/rucio-webui:40", "rucio/probes:40", "nginx:1"])
def test_what_loads_no_policy_package_need_not_mount_one(image: str) -> None:
    assert not_in_force([WANTED], [daemon(image=image, volumeMounts=[])]) == ()


def test_one_fault_of_many_workloads_is_one_sentence_with_their_number() -> None:
    sick = [daemon(name, env={"RUCIO_POLICY_PACKAGE": PLACEMENT.module}) for name in "abcde"]
    assert list(sentences(not_in_force([WANTED], sick))) == [
        "5 workloads (Deployment a, Deployment b, Deployment c and 2 more) do not load atlas_rucio_policy: "
        "PYTHONPATH is not set; fix: PYTHONPATH: /policy (in Rucio's charts optional_config: {pythonpath: /policy})"
    ]


def test_a_package_that_no_workload_mounts_is_found() -> None:
    assert unmounted([WANTED], [daemon(volumeMounts=[])]) == (WANTED,)
    assert unmounted([WANTED], [daemon()]) == ()


def file_by_file(*files: str) -> Workload:
    """A workload with one mount a file, as the VRE has."""
    mounts = [{"name": "policy", "mountPath": f"/policy/{PLACEMENT.module}/{file}", "subPath": file} for file in files]
    return daemon(volumeMounts=mounts)


def test_a_new_file_that_is_imported_and_that_no_mount_brings_is_named_with_the_mount_to_add() -> None:
    wanted = desired({"__init__.py": "", "permission.py": "from . import helper\n", "helper.py": "", "README.md": ""})
    (found,) = not_in_force([wanted], [file_by_file("__init__.py", "permission.py")])
    assert "[unmounted-file] the package imports helper.py," in found.verdict.wrong
    path = f"/policy/{PLACEMENT.module}/helper.py"
    assert f"{{secretFullName: atlas, mountPath: {path}, subPath: helper.py}}" in found.verdict.remedy
    assert "README" not in found.verdict.wrong + found.verdict.remedy


def test_a_file_that_nothing_imports_needs_no_mount_of_its_own() -> None:
    wanted = desired({"__init__.py": "", "permission.py": "", "unused.py": "", "README.md": ""})
    assert not_in_force([wanted], [file_by_file("__init__.py", "permission.py")]) == ()


def test_a_workload_that_mounts_one_package_of_a_target_need_not_load_the_others() -> None:
    other = desired({"__init__.py": ""}, Placement("secretsync", "rucio", "cms", "cms_policy"))
    assert not_in_force([WANTED, other], [daemon()]) == ()


@pytest.mark.parametrize(
    ("names", "begin"),
    [
        ("a", "Deployment a does not load atlas_rucio_policy"),
        ("ab", "2 workloads (Deployment a, Deployment b) do not load atlas_rucio_policy"),
    ],
)
def test_one_workload_is_named_alone_and_two_with_their_number(names: str, begin: str) -> None:
    sick = [daemon(name, env={"RUCIO_POLICY_PACKAGE": PLACEMENT.module}) for name in names]
    (sentence,) = sentences(not_in_force([WANTED], sick))
    assert sentence.startswith(begin)
