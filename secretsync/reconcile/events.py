"""What a pass tells as Kubernetes Events: on a change of state, and for what it wrote; never a file's content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from secretsync.core import log
from secretsync.core.escape import visible
from secretsync.core.kinds import api_version
from secretsync.core.kinds.kind import State, Status
from secretsync.core.model import Manifest, Ref, Secret
from secretsync.plan import drift
from secretsync.plan.diff import PackagePlan
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Report
from secretsync.reconcile.results import Condition, Verdict, parse, verdicts_of

NORMAL, WARNING = "Normal", "Warning"

CONTROLLER = "secretsync"
LONGEST_NOTE = 1024
"""Bytes; the API refuses more (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/)."""


@dataclass(frozen=True)
class Kind:
    """A reason's *type*, the *action* that it was about, and what it says."""

    type: str
    action: str
    meaning: str


EVENTS: Mapping[str, Kind] = {
    "Applied": Kind(NORMAL, "Apply", "on the Secret: new content was written, and the workloads run it"),
    "RolledOut": Kind(NORMAL, "Restart", "on the Secret: workloads were restarted, and run what was written"),
    "RolloutFailed": Kind(WARNING, "Restart", "on a workload: it did not come up with what was written"),
    "Rejected": Kind(WARNING, "Prove", "on the Secret: the content of the source failed, and is not deployed again"),
    "Restored": Kind(NORMAL, "Restore", "on the Secret: rolled back to what was live before"),
    "Held": Kind(NORMAL, "Hold", "on the Secret: the package was suspended"),
    "Released": Kind(NORMAL, "Release", "on the Secret: the package was resumed"),
    "Drift": Kind(WARNING, "Compare", "on the Secret: somebody changed its files; they were restored, or left"),
    "Waiting": Kind(NORMAL, "Wait", "on the Secret: changes wait for the window, or for another target"),
    "SourceUnavailable": Kind(WARNING, "Fetch", "on the Secret: its source cannot be read; what is live stays"),
    "Refused": Kind(WARNING, "Check", "on the Secret: the check or the proof refuses the package; what is live stays"),
    "Failed": Kind(WARNING, "Sync", "on the Secret: runs fail, for the reason that is named"),
    "NotInForce": Kind(WARNING, "Compare", "on the Secret: workloads that run Rucio do not load the package"),
    "Stripped": Kind(
        WARNING,
        "Compare",
        "on the Secret: another tool replaced the template of wired workloads again; they are left so",
    ),
    "Recovered": Kind(NORMAL, "Sync", "on the Secret: runs succeed again"),
}
"""By reason, all that there are."""

_CHANGES = {
    Condition.HELD: "Held",
    Condition.WAITING: "Waiting",
    Condition.AWAY: "SourceUnavailable",
    Condition.FAILING: "Failed",
    Condition.NOT_IN_FORCE: "NotInForce",
    Condition.STRIPPED: "Stripped",
}

_WHY = "'secretsync status' and the log of the run have the reason"
"""In place of what a container wrote last, which not all who read Events need be allowed to read."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to one object; *uid* is empty where that is not known."""

    reason: str
    regarding: Ref
    note: str
    uid: str = ""


def events_of(outcome: Outcome, previous: Mapping[str, str]) -> tuple[Event, ...]:
    """What is to be told of an outcome; *previous* are the verdicts of the pass before, by the package's Secret."""
    namespace = outcome.destination.namespace
    uids = _uids(outcome.report)
    events: list[Event] = []
    for secret, current in verdicts_of(outcome).items():
        package = _package(outcome.report, secret)
        regarding, note = Ref("Secret", namespace, secret), _note(outcome, secret, package, current)
        for reason, own in _reasons(outcome.report, package, parse(previous.get(secret, "")), current):
            events.append(Event(reason, regarding, own or note, uids.get(secret, "")))
    return (*events, *_of_rollouts(outcome.report))


def manifest(event: Event, name: str, now: datetime, instance: str) -> Manifest:
    """As ``events.k8s.io/v1`` has it; *instance* says which process tells it."""
    ref, kind = event.regarding, EVENTS[event.reason]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": ref.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "type": kind.type,
        "action": kind.action,
        "reason": event.reason,
        "note": _short(visible(log.redact(event.note))),
        "regarding": {
            "apiVersion": api_version(ref.kind),
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
            **({"uid": event.uid} if event.uid else {}),
        },
    }


def _reasons(
    report: Report | None, package: PackagePlan | None, previous: Verdict | None, current: Verdict
) -> Iterator[tuple[str, str]]:
    """Each reason, and a note where the verdict's own does not say it."""
    if package and report and report.done and (edited := _edited(package)):
        yield "Drift", f"{edited} changed by somebody else; restored"
    if current.condition is Condition.DRIFTED and package and current != previous:
        yield "Drift", f"{_files(len(package.desired.left))} changed by somebody else; the target says 'drift: report'"
    if current.condition is Condition.REJECTED and report and report.undone:
        yield "Restored", ""
    if current.condition is Condition.REJECTED and current != previous and not _is_the_same_refusal(previous, current):
        yield "Rejected", f"{current.fact} failed, and is not deployed again: {_WHY}"
    elif current.condition is Condition.CURRENT:
        yield from ((reason, "") for reason in _back_to_current(report, package, previous))
    elif current != previous and current.condition in _CHANGES:
        refused = current.condition is Condition.FAILING and current.fact in ("check", "proof")
        yield ("Refused" if refused else _CHANGES[current.condition]), ""


def _back_to_current(report: Report | None, package: PackagePlan | None, previous: Verdict | None) -> Iterator[str]:
    if previous and previous.condition in (Condition.HELD, Condition.REJECTED):
        yield "Released"
    elif previous and not previous.well:
        yield "Recovered"
    if report and report.done and package and package.content and not _edited(package):
        yield "Applied"


def _is_the_same_refusal(previous: Verdict | None, current: Verdict) -> bool:
    """What the proof refused is remembered as rejected, which the next pass finds."""
    return current.condition is Condition.REJECTED and previous == Verdict(Condition.FAILING, "proof")


def _edited(package: PackagePlan) -> str:
    live = {change.desired.name: change.live for change in package.changes if change.live}
    paths = drift.edited_files(package.desired, live) if package.content else ()
    return _files(len(paths)) if paths else ""


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _note(outcome: Outcome, secret: str, package: PackagePlan | None, current: Verdict) -> str:
    report = outcome.report
    if current.condition is Condition.STRIPPED and report:
        return report.failure
    if current.condition is Condition.FAILING and current.fact in ("proof", "rollout"):
        return f"{_FAILURES[current.fact]}: {_WHY}"
    if report is None:
        return str(outcome.error)
    if package is None:
        return next(
            (str(degradation) for degradation in report.plan.degraded if degradation.placement.secret == secret), ""
        )
    bundle, hold = package.desired.bundle, package.desired.hold
    version = f" {bundle.version}" if bundle.version else ""
    description = f"{bundle.module}{version} ({bundle.revision.short}), revision {package.revision_number}"
    reason = report.refused or report.waits or (hold.reason if hold and hold.by_hand else "")
    return f"{description}: {reason}" if reason else description


_FAILURES = {
    "proof": "the package was refused in a workload's own image, or could not be proven there",
    "rollout": "a rollout failed, and what was live before is not back",
}


def _package(report: Report | None, secret: str) -> PackagePlan | None:
    last = (report.undone or report) if report else None
    packages = last.plan.packages if last else ()
    return next((package for package in packages if package.placement.secret == secret), None)


def _of_rollouts(report: Report | None) -> Iterator[Event]:
    """What was restarted, in this pass and in the one that put back: one Event for all that came up, one a failure.

    One for each workload that came up would double the writes of a pass.
    """
    while report:
        reached = sorted({**report.verdicts, **report.ignored}.items())
        yield from _rolled_out(report, [ref for ref, status in reached if status.state is State.CURRENT])
        uids = {workload.ref: workload.manifest["metadata"].get("uid", "") for workload in report.plan.workloads}
        for ref, status in reached:
            if status.bad:
                yield Event("RolloutFailed", ref, f"{_writes(report)}: {_brief(status)}", uids.get(ref, ""))
        report = report.undone


def _rolled_out(report: Report, current: Sequence[Ref]) -> Iterator[Event]:
    """One on the Secret of each package that workloads of *current* were restarted for, or watched."""
    uids = _uids(report)
    stamps = {**report.plan.watch, **{restart.workload.ref: restart.annotations for restart in report.plan.restarts}}
    for package in report.plan.packages:
        refs = [ref for ref in current if package.key in stamps.get(ref, {})]
        if refs:
            placement = package.placement
            regarding = Ref("Secret", placement.namespace, placement.secret)
            note = f"{placement.module} revision {package.revision_number}: {_workloads(refs)}"
            yield Event("RolledOut", regarding, note, uids.get(placement.secret, ""))


def _workloads(refs: Sequence[Ref]) -> str:
    """How many, and their names as far as a note has room."""
    names = ", ".join(f"{ref.kind}/{ref.name}" for ref in refs)
    return f"{len(refs)} workload{'' if len(refs) == 1 else 's'} restarted: {names}"


def _writes(report: Report) -> str:
    return ", ".join(
        f"{package.placement.module} revision {package.revision_number}" for package in report.plan.packages
    )


def _brief(status: Status) -> str:
    """Without a container's last log line."""
    if not status.container:
        return status.message
    return f"{status.state}: pod {status.pod}, container {status.container} ({status.cause})"


def _uids(report: Report | None) -> dict[str, str]:
    live: list[Secret] = [change.live for change in report.plan.changes if change.live] if report else []
    return {secret.name: secret.metadata.get("uid", "") for secret in live}


def _short(note: str) -> str:
    encoded = note.encode()
    if len(encoded) <= LONGEST_NOTE:
        return note
    return encoded[: LONGEST_NOTE - 3].decode(errors="ignore") + "…"
