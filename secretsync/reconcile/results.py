"""What a pass came to for each package, in a word and a fact: stable, so that a change of it is news."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from secretsync.core.log import foreign_text
from secretsync.plan.diff import PackagePlan
from secretsync.plan.state import Result
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Report


class Condition(StrEnum):
    """How a package stands at a target."""

    CURRENT = "current"
    WAITING = "waiting"
    DRIFTED = "drifted"
    HELD = "held"
    REJECTED = "rejected"
    AWAY = "source away"
    FAILING = "failing"
    NOT_IN_FORCE = "not in force"
    STRIPPED = "stripped"


@dataclass(frozen=True)
class Verdict:
    """*fact* is the digest that is current, rejected or held, or the reason why a pass fails; no times, no counts."""

    condition: Condition
    fact: str

    def __str__(self) -> str:
        return f"{self.condition} {self.fact}".rstrip()

    @property
    def well(self) -> bool:
        """Whether nobody has to do anything."""
        return self.condition in (Condition.CURRENT, Condition.WAITING, Condition.HELD)


def parse(text: str) -> Verdict | None:
    """The inverse of str(); None for what is no verdict."""
    for condition in Condition:
        if text == condition or text.startswith(f"{condition} "):
            return Verdict(condition, text[len(condition) + 1 :])
    return None


def verdicts_of(outcome: Outcome) -> Mapping[str, Verdict]:
    """What a run, not a preview, came to, by the name of each package's Secret.

    Empty where another run is at work, whose result it is to tell.
    """
    if outcome.error:
        reason = outcome.error.category
        if reason in ("busy", "conflict"):
            return {}
        return {
            delivery.placement.secret: Verdict(Condition.FAILING, reason) for delivery in outcome.destination.deliveries
        }
    return dict(_of_report(outcome.report)) if outcome.report else {}


def results_of(outcome: Outcome, now: int) -> Mapping[str, Result]:
    """What a run came to at *now*, as it is remembered: its verdicts, and why it failed."""
    return {
        secret: Result(str(verdict), now, foreign_text("; ".join(_reason(outcome, secret, verdict).splitlines())))
        for secret, verdict in verdicts_of(outcome).items()
    }


def _reason(outcome: Outcome, secret: str, verdict: Verdict) -> str:
    """Why the package of that Secret failed, in a sentence; empty where it did not."""
    if verdict.condition not in (Condition.FAILING, Condition.AWAY):
        return ""
    report = outcome.report
    if report is None:
        return str(outcome.error)
    degraded = (package for package in report.plan.degraded if package.placement.secret == secret)
    if package := next(degraded, None):
        return str(package.error)
    return _refusal(report, secret) if report.refused else report.failure


def _refusal(report: Report, secret: str) -> str:
    """The worst finding of the package; of one that the check does not refuse, which ones it does."""
    module = next(package.placement.module for package in report.plan.packages if package.placement.secret == secret)
    checked = report.checked_packages.get(module)
    if checked is None or not checked.stops:
        return report.refused
    finding = max(checked.findings, key=lambda finding: finding.severity.weight)
    location = f"{finding.path}:{finding.line}" if finding.line else finding.path
    return f"{location or module} [{finding.rule}] {finding.effect}"


def current_verdict(digest: str) -> Verdict:
    """A package whose *digest* all workloads run."""
    return Verdict(Condition.CURRENT, f"sha256:{digest[:12]}")


def reached_verdicts(digest: str) -> tuple[str, ...]:
    """The verdicts of a target that has *digest* live: a fault of the wiring there is none of the package."""
    return str(current_verdict(digest)), str(Verdict(Condition.NOT_IN_FORCE, current_verdict(digest).fact))


def _of_report(report: Report) -> Iterator[tuple[str, Verdict]]:
    last = report.undone or report
    for package in last.plan.packages:
        yield package.placement.secret, _of_package(package, report)
    for degraded in last.plan.degraded:
        condition = Condition.AWAY if degraded.source_is_away else Condition.FAILING
        yield degraded.placement.secret, Verdict(condition, degraded.error.category)


def _of_package(package: PackagePlan, report: Report) -> Verdict:
    last, hold = report.undone or report, package.desired.hold
    if last.refused:
        return Verdict(Condition.FAILING, "check")
    if last.failed:
        stripped = (
            package.placement.wired
            and last.plan.stripped
            and not any(verdict.bad for verdict in last.verdicts.values())
        )
        return Verdict(Condition.STRIPPED, "") if stripped else Verdict(Condition.FAILING, "rollout")
    if hold and not hold.by_hand:
        return Verdict(Condition.REJECTED, f"sha256:{hold.digest[:12]}")
    if hold:
        return Verdict(Condition.HELD, f"sha256:{package.desired.bundle.digest[:12]}")
    if package.desired.left:
        return Verdict(Condition.DRIFTED, "")
    if last.waits and last.plan.moves(package):
        return Verdict(Condition.WAITING, f"sha256:{package.desired.bundle.digest[:12]}")
    if any(mismatch.module == package.placement.module for mismatch in last.plan.not_in_force):
        return Verdict(Condition.NOT_IN_FORCE, f"sha256:{package.desired.bundle.digest[:12]}")
    return current_verdict(package.desired.bundle.digest)
