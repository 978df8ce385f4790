"""Proofs in pods, several at once: make the Job and its Secrets, wait for its word, and leave nothing behind."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import structlog

from secretsync.cluster.errors import QuotaExceeded
from secretsync.core.errors import ProofError
from secretsync.core.log import foreign_text
from secretsync.core.model import Manifest
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan.diff import PackagePlan
from secretsync.plan.rollout_status import blocked_pod_status, pod_failure
from secretsync.reconcile.canary.manifests import Candidate, job, secrets
from secretsync.reconcile.canary.pods import DELETED, belongs, container_status, interruption
from secretsync.reconcile.canary.verdict import Judgement, judge
from secretsync.reconcile.destination import Clock, Destination

log = structlog.get_logger()

SECONDS = 120.0
"""How long a proof may take, beside the start of its pod."""
STARTS_WITHIN = 40.0
"""Seconds in which an entrypoint has to come to Rucio's executable, from when its container runs."""
_SPARE = 60.0
_NO_POD = (
    "no pod was made for its Job: a quota, an admission policy, Pod Security or a missing service account may refuse "
    "it, see the namespace's Events ('kubectl get events')"
)
_SOON, _POLL, _POLL_LATER = 20.0, 1.0, 5.0


@dataclass(eq=False)
class NotProven(ProofError):
    """A candidate could not be shown to come into force; nothing live was touched."""

    code = "not_proven"

    workload: str
    reasons: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(
            f"nothing was written: the proof in the image of {self.workload} did not complete: {reason}"
            for reason in self.reasons
        )


class CandidateRefused(NotProven):
    """Rucio does not load *package* there as it should."""

    code = "candidate_refused"

    def __init__(self, workload: str, reasons: Sequence[str], package: PackagePlan) -> None:
        super().__init__(workload, reasons)
        self.package = package

    def __str__(self) -> str:
        bundle = self.package.desired.bundle
        return "\n".join(
            f"nothing was written: {self.package.placement.module} ({bundle.revision.short}) is refused in the image "
            f"of {self.workload}: {reason}"
            for reason in self.reasons
        )


class ImageRefused(NotProven):
    """The image cannot run the package, as it could run no other: the package is not rejected for that."""

    code = "image_refused"

    def __str__(self) -> str:
        return "\n".join(
            f"nothing was written: the image of {self.workload} cannot run the package: {reason}; the package is not "
            "rejected, and the next run proves it again"
            for reason in self.reasons
        )


@dataclass(eq=False)
class _EntrypointPassedBy(Exception):
    """An image's entrypoint did not come to the probe."""

    reason: str


@dataclass
class _Running:
    """A proof whose Job was *made* at *started_at*; *ran* is when its container was first seen to run."""

    candidate: Candidate
    made: Manifest
    started_at: float
    ran: float | None = None
    started: bool = False
    is_scheduled: bool = False
    waits_for: str = _NO_POD

    @property
    def name(self) -> str:
        return str(self.made["metadata"]["name"])


@dataclass(frozen=True)
class AllProven:
    """What an operator should know all the same, and what Rucio loaded, a sentence each."""

    notes: tuple[str, ...]
    seen: tuple[str, ...]


def end_at(failure: NotProven) -> NoReturn:
    """What a rollout does at the first proof that fails: it ends there."""
    raise failure


def prove_all(
    destination: Destination,
    candidates: Iterable[Candidate],
    clock: Clock,
    on_failure: Callable[[NotProven], None] = end_at,
) -> AllProven:
    """Prove each candidate, `rollout.proofs` of them at once; *on_failure* is told of each that fails.

    Raises what *on_failure* raises, Forbidden, and QuotaExceeded where not even one fits.
    """
    waiting, running, notes = deque(candidates), list[_Running](), dict[str, None]()
    seen = dict[str, None]()
    total, started_at = len(waiting), clock.now()
    try:
        while waiting or running:
            _start(destination, waiting, running, clock)
            pods = destination.cluster.pods(destination.namespace)
            for proof in tuple(running):
                try:
                    message = _message(proof, pods, clock.now())
                except _EntrypointPassedBy as error:
                    _end(destination, running, proof)
                    waiting.appendleft(replace(proof.candidate, through_entrypoint=False))
                    notes[_passed_by(proof.candidate, error.reason)] = None
                    continue
                except NotProven as failure:
                    _end(destination, running, proof)
                    on_failure(failure)
                    continue
                if message is not None:
                    _end(destination, running, proof)
                    try:
                        judgement = _judgement(proof.candidate, message)
                    except NotProven as failure:
                        on_failure(failure)
                        continue
                    notes |= dict.fromkeys(f"{proof.candidate.workload.ref}: {note}" for note in judgement.notes)
                    seen |= dict.fromkeys([judgement.seen] if judgement.seen else [])
                    log.info(
                        "proven",
                        workload=str(proof.candidate.workload.ref),
                        seen=judgement.seen,
                        left=len(waiting) + len(running),
                    )
            if running:
                clock.sleep(_POLL if clock.now() - started_at < _SOON else _POLL_LATER)
    finally:
        for proof in tuple(running):
            _end(destination, running, proof)
    log.debug("all proven", proofs=total)
    return AllProven(tuple(notes), tuple(seen))


def _start(destination: Destination, waiting: deque[Candidate], running: list[_Running], clock: Clock) -> None:
    """As many as may run at once; a quota that is used up by those that run is no failure."""
    while waiting and len(running) < destination.rollout.proofs:
        try:
            _make(destination, waiting[0], running, clock)
        except QuotaExceeded:
            if not running:
                raise
            return
        waiting.popleft()


def _make(destination: Destination, candidate: Candidate, running: list[_Running], clock: Clock) -> None:
    cluster, manager, placement = destination.cluster, destination.manager, candidate.package.placement
    name = f"{placement.secret}-candidate-{uuid.uuid4().hex[:6]}"
    log.info("proving", workload=str(candidate.workload.ref), job=name)
    created = cluster.store(job(candidate, name, vo=placement.vo, seconds=SECONDS), manager=manager)
    proof = _Running(candidate, created, clock.now())
    running.append(proof)
    try:
        for secret in secrets(candidate, created, _probe()):
            cluster.create(secret, manager=manager)
    except QuotaExceeded:
        _end(destination, running, proof)
        raise


def _probe() -> dict[str, bytes]:
    from secretsync.rucio.prove import probe_archive

    return {"probe.zip": probe_archive(), "in_pod.py": Path(__file__).with_name("in_pod.py").read_bytes()}


def _end(destination: Destination, running: list[_Running], proof: _Running) -> None:
    running.remove(proof)
    destination.cluster.remove({"apiVersion": "batch/v1", "kind": "Job", **proof.made})


def _message(proof: _Running, pods: Sequence[Manifest], now: float) -> str | None:
    """The termination message of the Job's pod, None while it runs.

    Raises NotProven where there will be none, and _EntrypointPassedBy.
    """
    pod = next((pod for pod in pods if belongs(pod, proof.name)), None)
    if pod is not None:
        status = container_status(pod, proof.candidate.container)
        _note_progress(proof, status, now)
        terminated = (status.get("state") or {}).get("terminated") or {}
        if message := terminated.get("message"):
            return str(message)
        if reason := interruption(pod, terminated):
            raise NotProven(str(proof.candidate.workload.ref), [foreign_text(reason)])
        if terminated:
            return _ending_without_message(proof, terminated)
        if failure := pod_failure(pod):
            raise NotProven(str(proof.candidate.workload.ref), [foreign_text(failure.message)])
        if (blocked := blocked_pod_status(pod)) and foreign_text(blocked.message) != proof.waits_for:
            proof.waits_for = foreign_text(blocked.message)
            if proof.ran is None:
                log.info("the proof waits", job=proof.name, why=blocked.message)
    elif proof.waits_for != _NO_POD:
        raise NotProven(str(proof.candidate.workload.ref), [DELETED])
    _check_deadline(proof, now)
    return None


def _note_progress(proof: _Running, container: Manifest, now: float) -> None:
    proof.is_scheduled = bool(container)
    proof.started = proof.started or bool(container.get("ready"))
    if proof.ran is None and (container.get("state") or {}).get("running") is not None:
        proof.ran = now
    if proof.waits_for == _NO_POD:
        proof.waits_for = "its pod was never started"


def _ending_without_message(proof: _Running, terminated: Manifest) -> str:
    ending = foreign_text(
        ", ".join(filter(None, [f"exit code {terminated.get('exitCode')}", terminated.get("reason", "")]))
    )
    if proof.candidate.through_entrypoint and not proof.started:
        raise _EntrypointPassedBy(f"it ended with {ending}")
    return ending


def _check_deadline(proof: _Running, now: float) -> None:
    runs_for = 0.0 if proof.ran is None else now - proof.ran
    if proof.candidate.through_entrypoint and not proof.started and runs_for > STARTS_WITHIN:
        raise _EntrypointPassedBy(f"it did not start Rucio's executable within {STARTS_WITHIN:.0f} s")
    if now - proof.started_at > SECONDS + _SPARE:
        hint = _hint_at_secrets(proof.candidate) if proof.is_scheduled and proof.ran is None else ""
        reason = f"it did not end within {SECONDS + _SPARE:.0f} s: {proof.waits_for}{hint}"
        raise NotProven(str(proof.candidate.workload.ref), [reason])


def _hint_at_secrets(candidate: Candidate) -> str:
    template = {"spec": {"volumes": candidate.workload.template["spec"].get("volumes")}}
    secrets = ", ".join(sorted(secrets_referenced(template)))
    return f"; it mounts what its workload does (the Secrets {secrets}): do all of them exist?" if secrets else ""


def _judgement(candidate: Candidate, message: str) -> Judgement:
    """What the proof says of a candidate that Rucio loads. Raises CandidateRefused, ImageRefused."""
    judgement = judge(candidate.package.desired.bundle, message, candidate.mounted_at)
    if judgement.reasons and judgement.fault_of == "image":
        raise ImageRefused(str(candidate.workload.ref), judgement.reasons)
    if judgement.reasons:
        raise CandidateRefused(str(candidate.workload.ref), judgement.reasons, candidate.package)
    for note in judgement.notes:
        log.warning("a second copy", workload=str(candidate.workload.ref), note=note)
    return judgement


def _passed_by(candidate: Candidate, reason: str) -> str:
    note = (
        f"{candidate.workload.ref}: its image's entrypoint was not proven, {reason}: the package is proven in the "
        "image without it, and what it changes is not known"
    )
    log.warning("not proven through the entrypoint", workload=str(candidate.workload.ref), why=reason)
    return note
