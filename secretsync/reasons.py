"""Why a pass, or a question to a source, did not go well: exactly one word for each, from a list that does not grow."""

from __future__ import annotations

import re

from secretsync.cluster.errors import Conflict
from secretsync.errors import ROLLOUT_FAILED, ConfigError, SecretSyncError
from secretsync.passes import Fault, Outcome

BUG = "bug"

REASONS = {
    "configuration": "the configuration, a kubeconfig or a selector cannot be used",
    "source": "a package could not be fetched, or what was fetched is no policy package",
    "check": "the check refuses the package",
    "proof": "the package was refused in the workloads' image, or could not be proven",
    "refused": "what is live, or the package's size and names, does not allow it",
    "cluster": "the API refused a call, or did not answer",
    "conflict": "somebody else changed an object meanwhile",
    "busy": "another run of secretsync is at work in the namespace",
    "rollout": "a rollout failed or timed out",
    BUG: "a fault of secretsync itself",
}
"""Each reason, and what it means."""

# By the room whose error it is; the first that fits decides.
_ROOMS = (
    ("secretsync.sources", "source"),
    ("secretsync.locate", "source"),
    ("secretsync.requirement", "source"),
    ("secretsync.canary", "proof"),
    ("secretsync.prove", "proof"),
    ("secretsync.turn", "busy"),
    ("secretsync.cluster", "cluster"),
    ("secretsync", "refused"),
)


def reason(outcome: Outcome) -> str:
    """Why an outcome is a failure; empty where it is none."""
    if outcome.error:
        return reason_of(outcome.error)
    report = outcome.report
    if report and report.refused:
        return "check"
    if report and report.failed:
        return "rollout"
    return "source" if report and report.plan.degraded else ""


def reason_of(error: SecretSyncError) -> str:
    if isinstance(error, ConfigError):
        return "configuration"
    if isinstance(error, Fault):
        return BUG
    if isinstance(error, Conflict):
        return "conflict"
    if error.exit_code == ROLLOUT_FAILED:
        return "rollout"
    room = type(error).__module__
    return next(told for prefix, told in _ROOMS if room == prefix or room.startswith(f"{prefix}."))


def source_reason(error: SecretSyncError) -> str:
    """The error's own name, as in ``access_refused``: those of the sources are told apart by what to do about them."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
