"""A report for a program. Names, sizes and digests; never a file's content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from secretsync.cli.output import wiring
from secretsync.core.kinds.kind import Status
from secretsync.core.model import File, Ref
from secretsync.plan.degraded import Degraded
from secretsync.plan.diff import Change, FileChange, PackagePlan
from secretsync.reconcile.destination import Report


def render(report: Report) -> str:
    """One JSON object on one line."""
    return json.dumps(document(report), sort_keys=True) + "\n"


def document(report: Report) -> dict[str, Any]:
    return {
        "destination": report.destination,
        "done": report.done,
        "pending": report.pending,
        "failed": report.failed,
        "packages": [_package(package) for package in report.plan.packages],
        "restarts": [
            {"workload": str(one.workload.ref), "reason": one.reason, "wiring": wiring.document(one)}
            for one in report.plan.restarts
        ],
        "refused": report.refused,
        "findings": [
            {"module": module, "rule": one.rule, "severity": str(one.severity), "path": one.path, "line": one.line}
            | {"effect": one.effect, "remedy": one.remedy}
            for module, examined in report.checked_packages.items()
            for one in examined.findings
        ],
        "degraded": [_degraded(one) for one in report.plan.degraded],
        "notes": list(report.plan.notes),
        "held_by_hand": [str(ref) for ref in report.plan.held_by_hand],
        "verdicts": _verdicts(report.verdicts),
        "ignored": _verdicts(report.ignored),
        "waits": report.waits,
        "mixed_seconds": {str(ref): round(seconds, 1) for ref, seconds in sorted(report.mixed.items())},
        "failure": report.failure,
        "undone": document(report.undone) if report.undone else None,
    }


def _degraded(one: Degraded) -> dict[str, Any]:
    live = one.live.id if one.live else None
    return {"module": one.placement.module, "revision": live, "why": str(one.error)}


def _verdicts(verdicts: Mapping[Ref, Status]) -> list[dict[str, str]]:
    return [
        {"workload": str(ref), "state": str(verdict.state), "message": verdict.message}
        for ref, verdict in sorted(verdicts.items())
    ]


def _package(package: PackagePlan) -> dict[str, Any]:
    bundle = package.desired.bundle
    return {
        "module": bundle.module,
        "version": bundle.version,
        "source": bundle.revision.source,
        "ref": bundle.revision.ref,
        "revision": bundle.revision.id,
        "digest": f"sha256:{bundle.digest}",
        "write": package.revision_number,
        "secrets": [_change(change) for change in package.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "name": change.desired.name,
        "action": str(change.action),
        "bytes": change.desired.size,
        "files": [_file(file) for file in change.files],
    }


def _file(change: FileChange) -> dict[str, Any]:
    return {"path": change.path, "change": change.kind, "before": _side(change.before), "after": _side(change.after)}


def _side(file: File | None) -> dict[str, Any] | None:
    return {"bytes": len(file.data), "sha256": file.digest} if file else None
