"""A plan is written for a person to approve, and an apply does exactly what was approved, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from secretsync import config
from secretsync.cli import apply
from secretsync.core.errors import ConfigError, SecretSyncError
from secretsync.core.escape import visible
from secretsync.core.files import read_limited
from secretsync.plan.approval import PlanDocument, differences, plan_document
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.approval import approvable
from secretsync.reconcile.approval_errors import NotApproved

_LONGEST_REASON = 200
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(eq=False)
class NotApprovable(SecretSyncError):
    """A target has no plan that could be approved."""

    code = "not_approvable"

    target: str
    reason: str

    def __str__(self) -> str:
        return f"{self.target} has no plan that can be approved: {self.reason}; nothing was written"


@dataclass(eq=False)
class UnreadablePlan(ConfigError):
    """The file does not hold a plan."""

    code = "unreadable_plan"

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} holds no plan of this secretsync: {self.reason}; make one with 'secretsync plan --out'"


def plan_of(outcomes: Sequence[Outcome]) -> PlanDocument:
    """The document on previews. Raises NotApprovable where one failed, was refused, waits or is incomplete."""
    targets = []
    for outcome in outcomes:
        report = outcome.report
        reason = str(outcome.error) if outcome.error else ""
        if report and report.plan.degraded:
            reason = str(report.plan.degraded[0].error)
        if report and report.refused:
            reason = report.refused
        if reason or report is None:
            raise NotApprovable(outcome.destination.name, reason)
        targets.append(approvable(outcome.destination, report))
    return plan_document(targets)


def write_plan(path: Path, document: PlanDocument) -> None:
    """Write the document. Raises UnwritablePlan."""
    try:
        path.write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnwritablePlan(path, error.strerror or str(error)) from None


@dataclass(eq=False)
class UnwritablePlan(ConfigError):
    """The plan cannot be written where it was asked for."""

    code = "unwritable_plan"

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"the plan cannot be written to {self.path}: {self.reason}; choose another file"


def read_plan(path: Path) -> PlanDocument:
    """The document in *path*. Raises UnreadablePlan."""
    try:
        return PlanDocument.model_validate_json(read_limited(path, _MOST_BYTES))
    except OSError as error:
        raise UnreadablePlan(path, error.strerror or str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UnreadablePlan(path, visible(f"{place}: {first['msg']}")[:_LONGEST_REASON]) from None


def apply_approved(document: PlanDocument | None, plan_id: str) -> apply.Act:
    """An apply of exactly the plan with *plan_id*; *document* is that plan, where its file is there.

    All targets are compared before one is touched, and each again under its lock.
    """

    def act(configuration: config.Config, base: Path, show: apply.Show, target_name: str | None) -> list[Outcome]:
        current = plan_of(apply.preview_all(configuration, base, lambda _: None, target_name))
        if current.id != plan_id:
            raise NotApproved(plan_id, current.id, tuple(differences(document, current)) if document else ())
        return apply.sync_all(configuration, base, show, target_name, approved=current)

    return act
