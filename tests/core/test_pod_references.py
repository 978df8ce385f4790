from __future__ import annotations

import pytest

from secretsync.core.model import Manifest
from secretsync.core.pod_references import pod_template, secrets_referenced, updates_mounted_files


@pytest.mark.parametrize(
    "spec",
    [
        {"volumes": [{"secret": {"secretName": "atlas"}}]},
        {"volumes": [{"projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": "atlas"}}]}}]},
        {"containers": [{"envFrom": [{"secretRef": {"name": "atlas"}}]}]},
        {"containers": [{"env": [{"name": "A", "value": "b"}, {"valueFrom": {"secretKeyRef": {"name": "atlas"}}}]}]},
        {"initContainers": [{"envFrom": [{"configMapRef": {"name": "x"}}, {"secretRef": {"name": "atlas"}}]}]},
    ],
)
def test_a_secret_is_found_wherever_a_pod_refers_to_it(spec: Manifest) -> None:
    assert secrets_referenced({"spec": spec}) == {"atlas"}


@pytest.mark.parametrize(
    "spec", [{}, {"volumes": None}, {"volumes": [{"emptyDir": {}}, {"configMap": {"name": "atlas"}}]}]
)
def test_a_pod_that_refers_to_no_secret_has_none(spec: Manifest) -> None:
    assert secrets_referenced({"spec": spec}) == frozenset()


@pytest.mark.parametrize(
    "manifest",
    [
        {"kind": "Pod", "spec": {"volumes": [{"secret": {"secretName": "atlas"}}]}},
        {"kind": "Job", "spec": {"template": {"spec": {"volumes": [{"secret": {"secretName": "atlas"}}]}}}},
        {
            "kind": "CronJob",
            "spec": {
                "jobTemplate": {"spec": {"template": {"spec": {"volumes": [{"secret": {"secretName": "atlas"}}]}}}}
            },
        },
    ],
)
def test_the_template_is_found_in_whatever_starts_pods(manifest: Manifest) -> None:
    assert secrets_referenced(pod_template(manifest)) == {"atlas"}


def test_a_directory_mount_swaps_files_under_running_pods_and_a_sub_path_does_not() -> None:
    def template(**mount: str) -> Manifest:
        volumes = [{"name": "policy", "secret": {"secretName": "atlas"}}]
        mounts = [{"name": "policy", "mountPath": "/policy", **mount}]
        return {"spec": {"volumes": volumes, "containers": [{"name": "rucio", "volumeMounts": mounts}]}}

    assert updates_mounted_files(template(), ["atlas"])
    assert not updates_mounted_files(template(), ["cms"])
    assert not updates_mounted_files(template(subPath="permission.py"), ["atlas"])
