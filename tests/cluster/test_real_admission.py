"""Admission policies of a real API server, between secretsync and what it writes."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from secretsync.cluster.errors import Denied
from secretsync.core.model import Bundle, Revision
from secretsync.reconcile.admission import ChangedByAdmission
from secretsync.reconcile.reconciler import sync
from tests.build import bundle
from tests.cluster.places import Real
from tests.cluster.test_contract import MANAGER
from tests.cluster.test_story_contract import destination
from tests.e2e.site import until
from tests.servers.control_plane import ControlPlane

pytestmark = pytest.mark.control_plane

GROUP = "admissionregistration.k8s.io"


@pytest.fixture
def place(control_plane: ControlPlane, namespace: str) -> Real:
    return Real(control_plane, namespace)


@contextlib.contextmanager
def policy(place: Real, kind: str, spec: dict[str, Any], binding: dict[str, Any], only: str = "true") -> Iterator[None]:
    """A policy for the Secrets of *place* that hold a package; *only* is a condition more."""
    if not place.control_plane.serves(kind):
        pytest.skip(f"this Kubernetes has no {kind} in {GROUP}/v1")
    name = f"{kind.lower()}-{place.namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}
    conditions = [
        {"name": "here", "expression": f"request.namespace == '{place.namespace}'"},
        {"name": "package", "expression": "object.metadata.name.startsWith('policy')"},
        {"name": "only", "expression": only},
    ]
    constraints = {"resourceRules": [rule]}
    spec = {"matchConstraints": constraints, "matchConditions": conditions, "failurePolicy": "Fail", **spec}
    place.put({"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
    bound = {"policyName": name, **binding}
    place.put({"apiVersion": f"{GROUP}/v1", "kind": f"{kind}Binding", "metadata": {"name": name}, "spec": bound})
    try:
        yield
    finally:
        for one in (f"{kind}Binding", kind):
            place.control_plane.remove(one, "", name)


def mutating(*patches: str) -> dict[str, Any]:
    expression = f"[{', '.join(patches)}]"
    mutations = [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}]
    return {"reinvocationPolicy": "Never", "mutations": mutations}


def package(number: int, **more: bytes) -> Bundle:
    files = {"__init__.py": f"{number}".encode(), "algorithms/a.py": b"", **more}
    return replace(bundle(files), revision=Revision("contract", "main", f"commit:{number:040x}"))


def tried(place: Real, name: str) -> Any:
    """What a Secret of that name would be, as far as policies are concerned."""
    live = place.cluster.secret(place.namespace, name)
    assert live is not None
    return place.cluster.dry_run(live, live, manager=MANAGER)


def test_a_policy_that_denies_one_of_two_secrets_is_met_before_either_is_written(place: Real) -> None:
    sync(destination(place, package(1)))
    before = [place.cluster.secret(place.namespace, name) for name in ("policy", "policy-algorithms")]
    deny = {"validations": [{"expression": "object.metadata.name != 'policy'", "message": "not this one"}]}
    with policy(place, "ValidatingAdmissionPolicy", deny, {"validationActions": ["Deny"]}):

        def denied() -> bool:
            try:
                tried(place, "policy")
            except Denied:
                return True
            return False

        until(denied, "the policy holds")
        with pytest.raises(Denied, match="not this one"):
            sync(destination(place, package(2)))
    assert [place.cluster.secret(place.namespace, name) for name in ("policy", "policy-algorithms")] == before


def test_labels_that_a_policy_adds_are_left_and_make_no_pass_write(place: Real) -> None:
    sync(destination(place, package(1)))
    label = 'JSONPatch{op: "add", path: "/metadata/labels/secretsync.rucio~1team", value: "storage"}'
    with policy(place, "MutatingAdmissionPolicy", mutating(label), {}):
        until(lambda: "secretsync.rucio/team" in tried(place, "policy").labels, "the policy holds")
        assert not sync(destination(place, package(2))).failed
        live = place.cluster.secret(place.namespace, "policy")
        assert live is not None
        assert live.labels["secretsync.rucio/team"] == "storage"
        assert sync(destination(place, package(2))).plan.idle
        assert place.cluster.secret(place.namespace, "policy") == live


def test_data_that_a_policy_changes_is_named_and_nothing_is_written(place: Real) -> None:
    sync(destination(place, package(1)))
    before = place.cluster.secret(place.namespace, "policy")
    data = 'JSONPatch{op: "add", path: "/data/scanned", value: "eWVz"}'
    with policy(place, "MutatingAdmissionPolicy", mutating(data), {}):
        until(lambda: "scanned" in tried(place, "policy").data, "the policy holds")
        for _ in range(2):
            with pytest.raises(ChangedByAdmission, match=r"data\['scanned'\]"):
                sync(destination(place, package(2)))
    assert place.cluster.secret(place.namespace, "policy") == before


def test_data_that_is_changed_in_a_write_alone_and_in_no_dry_run_is_written_once(place: Real) -> None:
    sync(destination(place, package(1)))
    data = 'JSONPatch{op: "add", path: "/data/scanned", value: "eWVz"}'
    only = "request.dryRun != true && !object.metadata.name.contains('-history-')"
    with policy(place, "MutatingAdmissionPolicy", mutating(data), {}, only=only):

        def holds() -> bool:
            metadata = {"name": f"policy-probe-{uuid.uuid4().hex[:8]}", "namespace": place.namespace}
            stored = place.control_plane.put(
                {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"x": ""}}
            )
            return "scanned" in (stored.get("data") or {})

        until(holds, "the policy holds")
        assert "scanned" not in tried(place, "policy").data
        with pytest.raises(ChangedByAdmission, match=r"data\['scanned'\]"):
            sync(destination(place, package(2)))
        before = place.cluster.secret(place.namespace, "policy")
        for _ in range(3):
            (degraded,) = sync(destination(place, package(2))).plan.degraded
            assert "data['scanned']" in str(degraded)
    assert place.cluster.secret(place.namespace, "policy") == before
    assert before
    assert before.data["__init__.py"] == b"1"
