"""The verdict on a candidate, from what its pod said."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secretsync.cluster.errors import Call, Forbidden
from secretsync.config.check import Check
from secretsync.config.target import Rollout
from secretsync.core.log import LONGEST_WORDS
from secretsync.core.model import Manifest
from secretsync.plan.plan import Live, Plan, make_plan
from secretsync.plan.state import State
from secretsync.reconcile.canary import CandidateRefused, NotProven, proof_failures, prove_candidates
from secretsync.reconcile.canary.in_pod import HUNG, digest, encoded
from secretsync.reconcile.canary.verdict import judge
from secretsync.reconcile.destination import Clock, Delivery, Destination
from secretsync.rucio.prove import probe_archive
from tests import ROOT
from tests.build import PLACEMENT, bundle, desired, pod, waiting
from tests.memory_cluster import MemoryCluster
from tests.reconcile.canary.test_manifests import rucio

BUNDLE = bundle({"__init__.py": "1"})


def message(ended: int, **report: Any) -> str:
    return encoded({"ended": ended, "report": {"python": "3.9.18", "rucio": "41.5.1", **report}}).decode()


def test_the_digest_of_a_pods_files_is_the_digest_of_the_bundle() -> None:
    assert digest({file.path: file.digest for file in BUNDLE.files}) == BUNDLE.digest


def test_a_proof_that_hangs_is_said_to_hang() -> None:
    (reason,) = proof_failures(BUNDLE, message(HUNG, step="load", done=False))
    assert "hang" in reason or "time" in reason


def test_a_rucio_that_does_not_start_is_not_the_packages_fault() -> None:
    judgement = judge(BUNDLE, message(1, step="rucio", done=False))
    (reason,) = judgement.reasons
    assert reason.startswith("Rucio itself does not start there")
    assert judgement.fault_of == "image"


@pytest.mark.parametrize("words", ["", "exit code 137, OOMKilled", "bm90IGEgcmVwb3J0"])
def test_a_pod_that_ends_without_a_verdict_is_refused_with_its_words(words: str) -> None:
    (reason,) = proof_failures(BUNDLE, words)
    assert reason == f"the proof ended without a verdict: {words}"


HOSTILE = "a ghp_0123456789abcdefghij b\x1b[2J\nFAKE line\u202e\ud800 hunter-two " + "x" * 5000
"""What a pod may leave as its last word: a token, a credential of ours, control characters, half a character."""


@pytest.mark.parametrize(
    "last_word",
    [
        HOSTILE,
        message(0, step="load", done=False, died=[{"error": "ImportError", "message": HOSTILE, "file": HOSTILE}]),
        message(1, step="rucio", done=False, died=[{"error": HOSTILE, "message": HOSTILE}]),
        message(0, step=HOSTILE, done=True),
        message(0, step="load", done=False, died=[{"error": "x" * 10_000, "message": 7}] * 500),
        message(0, folders=[HOSTILE] * 100, copies=[HOSTILE] * 1000, step="end", done=True),
    ],
)
def test_a_pods_words_are_masked_and_cut_before_anybody_gets_them(
    last_word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secretsync.core.log._credentials", {"hunter-two"})
    found = judge(BUNDLE, last_word, "/opt/policy/atlas")
    for words in (*found.reasons, *found.notes):
        assert "ghp_" not in words
        assert "hunter-two" not in words
        assert words.isprintable()
        assert len(words.encode()) <= 4 * LONGEST_WORDS
    assert found.reasons
    assert len(found.reasons) <= 20
    assert len(found.notes) <= 20


class ProvingCluster(MemoryCluster):
    """Runs each Job at once, to the end that a test wants."""

    answer: Manifest

    def store(self, manifest: Manifest, *, manager: str) -> Manifest:
        stored = super().store(manifest, manager=manager)
        if stored["kind"] == "Job":
            self.live_pods = [
                {**self.answer, "metadata": {**self.answer["metadata"], "ownerReferences": [owner(stored)]}}
            ]
        return stored


def owner(job: Manifest) -> Manifest:
    return {"kind": "Job", "name": job["metadata"]["name"]}


def ended(words: str) -> Manifest:
    return pod(containers=[{"name": "rucio", "state": {"terminated": {"exitCode": 0, "message": words}}}])


@pytest.fixture
def cluster() -> ProvingCluster:
    return ProvingCluster(rucio())


def destination(cluster: MemoryCluster, canary: str = "auto") -> Destination:
    delivery = Delivery(PLACEMENT, None, "recipe", Check())  # type: ignore[arg-type]
    rollout = Rollout(canary=canary)
    return Destination("memory", cluster, "secretsync", "rucio", [delivery], rollout=rollout)


def plan(cluster: MemoryCluster) -> Plan:
    return make_plan([desired({"__init__.py": "1"})], Live({}, list(cluster.live_workloads.values())), State())


def clock() -> Clock:
    time = [0.0]

    def sleep(seconds: float) -> None:
        time[0] += seconds

    return Clock(lambda: time[0], sleep)


def test_a_refused_candidate_leaves_no_job_behind(cluster: ProvingCluster) -> None:
    cluster.answer = ended("no verdict")
    with pytest.raises(NotProven, match="without a verdict"):
        prove_candidates(destination(cluster), plan(cluster), clock())
    assert cluster.objects == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (pod(containers=[waiting("ImagePullBackOff")]), "its image cannot be pulled"),
        (pod(conditions=[{"reason": "Unschedulable", "message": "0/3 nodes"}]), "cannot be scheduled: 0/3 nodes"),
        (pod(containers=[waiting("ContainerCreating")]), "ContainerCreating"),
    ],
)
def test_what_keeps_a_proof_from_running_is_told_apart(cluster: ProvingCluster, answer: Manifest, words: str) -> None:
    cluster.answer = answer
    with pytest.raises(NotProven, match=words):
        prove_candidates(destination(cluster), plan(cluster), clock())
    assert cluster.objects == {}


def interrupted(phase: str = "Running", **more: Any) -> Manifest:
    """A pod whose container was ended by a signal, as it is when a node is drained."""
    killed = {"name": "rucio", "state": {"terminated": {"exitCode": 143, "reason": "Error"}}}
    conditions = more.pop("conditions", [])
    found = pod(containers=[killed], conditions=conditions)
    return {**found, "status": {**found["status"], "phase": phase, **more}}


def deleted(found: Manifest) -> Manifest:
    return {**found, "metadata": {**found["metadata"], "deletionTimestamp": "2026-01-01T12:01:00Z"}}


DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "drained\n"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (interrupted(conditions=[DISRUPTED]), r"was evicted \(EvictionByEvictionAPI\): drained"),
        (deleted(interrupted()), "was deleted before it ended"),
        (deleted(pod()), "was deleted before it ended"),
        (interrupted("Failed", reason="Evicted", message="low on memory"), r"failed \(Evicted\): low on memory"),
        (interrupted("Failed", reason="Terminated", message="Pod was terminated"), r"failed \(Terminated\)"),
        (pod(containers=[{"name": "rucio", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]),
         "limit of memory"),
    ],
)  # fmt: skip
def test_an_interrupted_proof_says_nothing_about_the_package(
    cluster: ProvingCluster, answer: Manifest, words: str
) -> None:
    cluster.answer = answer
    with pytest.raises(NotProven, match=words) as raised:
        prove_candidates(destination(cluster), plan(cluster), clock())
    assert not isinstance(raised.value, CandidateRefused)
    assert cluster.objects == {}


def test_a_proof_that_ended_before_its_pod_was_deleted_counts(cluster: ProvingCluster) -> None:
    cluster.answer = deleted(ended("no verdict"))
    with pytest.raises(CandidateRefused):
        prove_candidates(destination(cluster), plan(cluster), clock())


def test_a_container_that_a_webhook_adds_is_not_the_proof(cluster: ProvingCluster) -> None:
    injected = {"name": "istio-proxy", "state": {"terminated": {"exitCode": 0, "message": "no verdict"}}, "ready": True}
    waits = {"name": "rucio", "state": {"waiting": {"reason": "PodInitializing"}}}
    cluster.answer = pod(containers=[injected, waits])
    with pytest.raises(NotProven, match="PodInitializing") as raised:
        prove_candidates(destination(cluster), plan(cluster), clock())
    assert not isinstance(raised.value, CandidateRefused)


def test_a_pod_that_vanishes_is_not_waited_for(cluster: ProvingCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.answer = pod()
    looks = iter([True])
    monkeypatch.setattr(MemoryCluster, "pods", lambda self, _: self.live_pods if next(looks, False) else [])
    with pytest.raises(NotProven, match="was deleted before it ended"):
        prove_candidates(destination(cluster), plan(cluster), clock())


def test_a_job_without_a_pod_names_what_may_refuse_it(cluster: ProvingCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.answer = pod()
    monkeypatch.setattr(MemoryCluster, "pods", lambda *_: [])
    with pytest.raises(NotProven, match="a quota, an admission policy, Pod Security or a missing"):
        prove_candidates(destination(cluster), plan(cluster), clock())


def forbid(verb: str, name: str) -> None:
    if verb == "store":
        raise Forbidden(Call("create", "jobs.batch", "rucio", name), 403)


def test_without_the_permission_the_run_says_what_is_missing_and_goes_on(cluster: ProvingCluster) -> None:
    cluster.before = forbid
    assert "jobs" in prove_candidates(destination(cluster), plan(cluster), clock()).missing


def test_without_the_permission_a_required_proof_stops_the_run(cluster: ProvingCluster) -> None:
    cluster.before = forbid
    with pytest.raises(Forbidden):
        prove_candidates(destination(cluster, "require"), plan(cluster), clock())


def test_nothing_that_runs_rucio_is_nothing_to_prove(cluster: ProvingCluster) -> None:
    assert prove_candidates(destination(cluster), replace(plan(cluster), workloads=()), clock()).proven == frozenset()


def test_in_a_pod_without_rucio_the_message_says_so(tmp_path: Path) -> None:
    folder = ROOT / "secretsync"
    message, probe = tmp_path / "message", tmp_path / "probe.zip"
    probe.write_bytes(probe_archive())
    code = (
        f"import sys; sys.path.insert(0, {str(folder / 'reconcile' / 'canary')!r}); import in_pod, pathlib\n"
        f"in_pod.MESSAGE = pathlib.Path({str(message)!r})\n"
        f"in_pod.main({str(probe)!r}, '20')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    (reason,) = proof_failures(BUNDLE, message.read_text())
    assert reason.startswith("Rucio itself does not start there")
