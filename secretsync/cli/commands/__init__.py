"""The commands; each is imported when it is called: a pass does not pay for what it does not use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import structlog

from secretsync import config
from secretsync.cli.options import only_target
from secretsync.cli.settings import Settings, fits
from secretsync.core.errors import SecretSyncError, worst

if TYPE_CHECKING:
    from secretsync.reconcile.destination import Destination

log = structlog.get_logger()

__all__ = ["ALIASES", "COMMANDS", "Settings", "explain", "explain_beside_report", "fits", "only_target", "visit"]

_HERE = "secretsync.cli.commands"

COMMANDS: Mapping[str, str] = {
    "plan": f"{_HERE}.passes:plan_command",
    "apply": f"{_HERE}.passes:apply_command",
    "run": f"{_HERE}.passes:run_command",
    "status": f"{_HERE}.releases:status_command",
    "history": f"{_HERE}.releases:history_command",
    "diff": f"{_HERE}.releases:diff_command",
    "rollback": f"{_HERE}.releases:rollback_command",
    "suspend": f"{_HERE}.releases:suspend_command",
    "resume": f"{_HERE}.releases:resume_command",
    "doctor": f"{_HERE}.doctor:doctor_command",
    "check": f"{_HERE}.check:check_command",
    "values": f"{_HERE}.values:values_command",
    "rbac": f"{_HERE}.rbac:rbac_command",
    "export": f"{_HERE}.export:export_command",
    "config": f"{_HERE}.configuration:config_command",
    "schema": f"{_HERE}.schema:schema_command",
    "completion": f"{_HERE}.completion:completion_command",
}

ALIASES: Mapping[str, str] = {"hold": "suspend", "release": "resume", "fetch": "export"}
"""Names of before, for one version."""


def explain(error: SecretSyncError, where: str = "") -> None:
    """Log an expected failure."""
    for line in str(error).splitlines():
        log.error("failed", **({"at": where} if where else {}), why=line)


def explain_beside_report(settings: Settings, error: SecretSyncError, where: str) -> None:
    """Log a failure that the report has too, but where both are read together."""
    if not settings.report_is_read_with_the_log:
        explain(error, where)


def visit(
    destinations: Iterable[tuple[config.Target, Destination]], show: Callable[[config.Target, Destination], int]
) -> int:
    """*show* each, which returns its exit code; one that fails does not stop the others. Returns the worst code."""
    codes = [0]
    for target, destination in destinations:
        try:
            codes.append(show(target, destination))
        except SecretSyncError as error:
            explain(error, destination.name)
            codes.append(error.exit_code)
    return worst(codes)
