"""Prove first, in the workload's own image: nothing live has changed when a candidate is refused."""

from __future__ import annotations

import base64
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from secretsync.cluster.errors import Forbidden, QuotaExceeded
from secretsync.core.errors import ProofError
from secretsync.core.foreign import read_json, reading
from secretsync.core.model import Bundle, Manifest, Ref
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Plan
from secretsync.plan.rollout_status import Status, pod_failure, pod_hindrance
from secretsync.reconcile.canary.manifests import Candidate, candidates, job, runs_rucio, secrets
from secretsync.reconcile.destination import Clock, Destination
from secretsync.reconcile.progress import working

log = structlog.get_logger()

SECONDS = 120.0
"""How long a proof may take, beside the start of its pod."""
_POLL = 1.0
_LONGEST_MESSAGE = 4096
_LARGEST_REPORT = 4 * 1024 * 1024


@dataclass(eq=False)
class NotProven(ProofError):
    """A candidate could not be shown to come into force; nothing live was touched."""

    code = "not_proven"

    workload: str
    reasons: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(
            f"nothing was touched: the proof in the image of {self.workload} did not come to its end: {reason}"
            for reason in self.reasons
        )


class CandidateRefused(NotProven):
    """Rucio does not load *package* there as it should."""

    code = "candidate_refused"

    def __init__(self, workload: str, reasons: Sequence[str], package: PackagePlan) -> None:
        super().__init__(workload, reasons)
        self.package = package

    def __str__(self) -> str:
        return "\n".join(
            f"nothing was touched: the package is refused in the image of {self.workload}: {reason}"
            for reason in self.reasons
        )


@dataclass(frozen=True)
class ProofOutcome:
    """Workloads in whose kind of pod the package was *proven*; *missing* says why it could not be."""

    proven: frozenset[Ref] = frozenset()
    missing: str = ""


def prove_candidates(destination: Destination, plan: Plan, clock: Clock) -> ProofOutcome:
    """Prove every changed package in each kind of pod that will run it. Raises NotProven.

    Where the permissions for it are missing that is said, and required only where the destination requires it.
    """
    found = candidates(plan.packages, plan.workloads)
    try:
        for candidate in found:
            _prove(destination, candidate, clock)
    except (Forbidden, QuotaExceeded) as error:
        if destination.rollout.canary == "require":
            raise
        log.warning("not proven before the rollout", why=str(error))
        return ProofOutcome(missing=str(error))
    return ProofOutcome(proven=runs_rucio(plan.packages, plan.workloads))


def _prove(destination: Destination, candidate: Candidate, clock: Clock) -> None:
    cluster, manager = destination.cluster, destination.manager
    strictness = next(d.check_rules for d in destination.deliveries if d.placement == candidate.package.placement)
    name = f"{candidate.package.placement.secret}-candidate-{uuid.uuid4().hex[:6]}"
    log.info("proving", workload=str(candidate.workload.ref), job=name)
    made = cluster.store(job(candidate, name, vo=strictness.vo, seconds=SECONDS), manager=manager)
    try:
        for secret in secrets(candidate, made, _probe()):
            cluster.create(secret, manager=manager)
        with working(f"proving {candidate.package.placement.module} in the image of {candidate.workload.ref}"):
            message = _wait(destination, candidate, name, clock)
    finally:
        cluster.remove({"apiVersion": "batch/v1", "kind": "Job", **made})
    reasons = proof_failures(candidate.package.desired.bundle, message)
    if reasons:
        raise CandidateRefused(str(candidate.workload.ref), reasons, candidate.package)


def _probe() -> dict[str, bytes]:
    from secretsync.rucio.prove import PROBE

    return {"probe.py": PROBE.read_bytes(), "in_pod.py": Path(__file__).with_name("in_pod.py").read_bytes()}


def _wait(destination: Destination, candidate: Candidate, name: str, clock: Clock) -> str:
    """The termination message of the Job's pod. Raises NotProven where there will be none."""
    hindrance, began = "its pod was never started", clock.now()
    while clock.now() - began < SECONDS + 60:
        for pod in destination.cluster.pods(destination.namespace):
            if not _belongs(pod, name):
                continue
            if (message := _message(pod)) is not None:
                return message
            if failure := pod_failure(pod):
                raise NotProven(str(candidate.workload.ref), [failure.message])
            hindrance = _words(pod_hindrance(pod)) or hindrance
        clock.sleep(_POLL)
    raise NotProven(str(candidate.workload.ref), [f"it did not end within {SECONDS + 60:.0f} s: {hindrance}"])


def _belongs(pod: Manifest, job_name: str) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == "Job" and owner.get("name") == job_name for owner in owners)


def _words(status: Status | None) -> str:
    return status.message if status else ""


def _message(pod: Manifest) -> str | None:
    """The termination message of the pod's container, None while it runs."""
    for told in pod.get("status", {}).get("containerStatuses", ()):
        if ended := (told.get("state") or {}).get("terminated"):
            message: str = ended.get("message") or f"exit code {ended.get('exitCode')}, {ended.get('reason', '')}"
            return message
    return "its pod was evicted or failed" if pod.get("status", {}).get("phase") == "Failed" else None


def proof_failures(bundle: Bundle, message: str) -> Sequence[str]:
    """What a proof's termination message says against *bundle*, a sentence each; nothing where it came into force."""
    from secretsync.rucio.prove import RucioEnvironment, RucioUnusable, UnusableReport
    from secretsync.rucio.prove.judge import judge

    try:
        ended, report = _decoded(message)
    except UnusableReport:
        return [f"the proof ended without a verdict: {message[:200]}"]
    seen = report.pop("digest", None)
    # only one digest fits into the message: it is that of the bundle, or of something else
    same = seen in (None, bundle.digest)
    report["files"] = {file.path: file.digest if same else "another" for file in bundle.files}
    report.setdefault("folders", [])
    here = RucioEnvironment(str(report.get("rucio", "")), Path("the image's Python"))
    try:
        proof = judge(bundle, report, ended, vo="", rucio=here)
    except RucioUnusable as error:
        return [f"Rucio itself does not start there: {error.reason}"]
    except UnusableReport as error:
        return [str(error)]
    return [f"{fault.effect}. {fault.remedy}" for fault in proof.faults if fault.severity == "error"]


def _decoded(message: str) -> tuple[int, dict[str, Any]]:
    """How the probe ended, and its report. Raises UnusableReport for whatever else the pod left as its last word."""
    from secretsync.rucio.prove import UnusableReport

    with reading(UnusableReport):
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(base64.b64decode(message[:_LONGEST_MESSAGE], validate=True), _LARGEST_REPORT)
        answer = read_json(text, UnusableReport)
        return int(answer["ended"]), dict(answer["report"])
