"""What a real API server refuses, and the sentence that an operator gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secretsync.cluster import errors
from secretsync.cluster.api import KubernetesCluster, in_context
from secretsync.core.model import Secret
from tests.cluster.places import Real
from tests.cluster.test_contract import MANAGER, secret, workload
from tests.e2e.site import until
from tests.servers.control_plane import ControlPlane

pytestmark = pytest.mark.control_plane

STAMP = {"secretsync.rucio/atlas": "abc.1"}
SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "update", "delete"]}
WORKLOADS = {
    "apiGroups": ["apps"],
    "resources": ["deployments", "statefulsets", "daemonsets"],
    "verbs": ["list", "patch"],
}


@pytest.fixture
def place(control_plane: ControlPlane, namespace: str) -> Real:
    return Real(control_plane, namespace)


def as_account(place: Real, tmp_path: Path, *rules: dict[str, Any]) -> KubernetesCluster:
    """The cluster as a service account that may do what *rules* say and nothing else."""
    plane = place.control_plane
    token = plane.token(place.namespace, "secretsync", list(rules))
    return in_context(plane.context, plane.kubeconfig_for(tmp_path / "kubeconfig", token=token))


def refusal(expected: type[errors.Refusal], call: Callable[[], object]) -> str:
    """The sentence of an *expected* refusal; empty while the call goes through."""
    try:
        call()
    except expected as error:
        return str(error)
    return ""


def without(rule: dict[str, Any], verb: str) -> dict[str, Any]:
    return {**rule, "verbs": [one for one in rule["verbs"] if one != verb]}


@pytest.mark.parametrize("verb", ["get", "create", "update", "delete"])
def test_a_missing_permission_on_secrets_is_named(place: Real, tmp_path: Path, verb: str) -> None:
    live = place.cluster.create(secret(place), manager=MANAGER)
    cluster = as_account(place, tmp_path, without(SECRETS, verb))
    calls = {
        "get": lambda: cluster.secret(place.namespace, "atlas"),
        "create": lambda: cluster.create(replace(secret(place), name="new"), manager=MANAGER),
        "update": lambda: cluster.replace(secret(place), live, manager=MANAGER),
        "delete": lambda: cluster.delete(live),
    }
    with pytest.raises(errors.Forbidden, match=rf"verbs \[{verb}\], resources \[secrets\]"):
        calls[verb]()


@pytest.mark.parametrize("verb", ["list", "patch"])
def test_a_missing_permission_on_workloads_is_named(place: Real, tmp_path: Path, verb: str) -> None:
    place.put(workload(place, "Deployment", "server"))
    (read,) = place.cluster.workloads(place.namespace)
    cluster = as_account(place, tmp_path, without(WORKLOADS, verb))
    with pytest.raises(errors.Forbidden, match=f"kubectl auth can-i {verb} deployments.apps"):
        cluster.workloads(place.namespace) if verb == "list" else cluster.annotate(read, STAMP, manager=MANAGER)


def test_few_permissions_are_enough(place: Real, tmp_path: Path) -> None:
    """Neither list on Secrets, which would read the databases' passwords, nor get or update on workloads."""
    place.put(workload(place, "Deployment", "server"))
    cluster = as_account(place, tmp_path, SECRETS, WORKLOADS)
    live = cluster.create(secret(place), manager=MANAGER)
    cluster.delete(cluster.replace(secret(place, data={}), live, manager=MANAGER))
    (read,) = cluster.workloads(place.namespace)
    assert cluster.annotate(read, STAMP, manager=MANAGER).template_annotations.items() >= STAMP.items()


def test_annotating_what_has_gone_needs_no_permission_to_create_and_says_that_it_has_gone(
    place: Real, tmp_path: Path
) -> None:
    place.put(workload(place, "Deployment", "server"))
    cluster = as_account(place, tmp_path, WORKLOADS)
    (read,) = cluster.workloads(place.namespace)
    place.remove("Deployment", "server")
    with pytest.raises(errors.WorkloadGone):
        cluster.annotate(read, STAMP, manager=MANAGER)


def test_a_token_that_is_not_accepted_says_so(place: Real, tmp_path: Path) -> None:
    plane = place.control_plane
    cluster = in_context(plane.context, plane.kubeconfig_for(tmp_path / "kubeconfig", token="expired"))
    with pytest.raises(errors.Unauthorized, match="does not accept the credentials"):
        cluster.secret(place.namespace, "atlas")


def test_a_certificate_that_is_not_trusted_is_named_as_the_fault(place: Real, tmp_path: Path) -> None:
    plane = place.control_plane
    cluster = in_context(plane.context, plane.kubeconfig_for(tmp_path / "kubeconfig", server=plane.server))
    with pytest.raises(errors.Unreachable, match="certificate verify failed"):
        cluster.secret(place.namespace, "atlas")


def test_a_quota_is_named(place: Real) -> None:
    named = {"name": "few", "namespace": place.namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": named, "spec": {"hard": {"count/secrets": "0"}}}
    place.put(quota)

    def create_and_delete() -> None:
        place.cluster.delete(place.cluster.create(secret(place), manager=MANAGER))

    until(lambda: "exceeded quota: few" in refusal(errors.QuotaExceeded, create_and_delete), "the quota holds")


def test_who_denies_a_restart_is_named_with_his_words(place: Real) -> None:
    place.put(workload(place, "Deployment", "server"))
    (read,) = place.cluster.workloads(place.namespace)
    group, name = "admissionregistration.k8s.io", f"freeze-{place.namespace}"
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    here = f"request.namespace != '{place.namespace}'"
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": here, "message": "nothing moves until Monday"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    kind = "ValidatingAdmissionPolicy"
    place.put({"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name}, "spec": policy})
    place.put({"apiVersion": f"{group}/v1", "kind": f"{kind}Binding", "metadata": {"name": name}, "spec": binding})

    words = f"ValidatingAdmissionPolicy '{name}': nothing moves until Monday"
    try:
        until(
            lambda: words in refusal(errors.Denied, lambda: place.cluster.annotate(read, STAMP, manager=MANAGER)),
            "the policy holds",
        )
    finally:
        for one in (f"{kind}Binding", kind):
            place.control_plane.remove(one, "", name)


def test_a_namespace_that_is_being_deleted_says_so(place: Real) -> None:
    finalizer = {"metadata": {"name": "keep", "namespace": place.namespace, "finalizers": ["example.org/keep"]}}
    place.put({"apiVersion": "v1", "kind": "ConfigMap", **finalizer})
    place.control_plane.remove("Namespace", "", place.namespace)
    try:
        with pytest.raises(errors.NamespaceTerminating, match="is being deleted"):
            place.cluster.create(secret(place), manager=MANAGER)
    finally:
        place.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**finalizer["metadata"], "finalizers": []}})


def test_an_immutable_secret_and_another_type_are_the_apis_to_refuse_by_field(place: Real) -> None:
    live = place.cluster.create(secret(place), manager=MANAGER)
    with pytest.raises(errors.InvalidObject, match=r"HTTP 422 \(type\)"):
        place.cluster.replace(Secret(place.namespace, "atlas", {}, type="example.org/other"), live, manager=MANAGER)


def test_the_last_words_are_those_of_the_container_or_of_the_one_before_it(place: Real) -> None:
    manifest = workload(place, "Deployment", "server")
    spec = manifest["spec"]["template"]["spec"]
    del spec["nodeSelector"]
    spec["containers"][0]["command"] = ["sh", "-c", "echo first; echo 'ImportError: no rules'; echo; exit 1"]
    place.put(manifest)

    def words() -> set[str]:
        return {
            place.cluster.log_tail(place.namespace, one["metadata"]["name"], "main")
            for one in place.cluster.pods(place.namespace)
        }

    until(lambda: words() == {"ImportError: no rules"}, "the pod has spoken")
