"""Why a pass, or a question to a source, did not go well: exactly one word for each, from a list that does not grow."""

from __future__ import annotations

from secretsync.reconcile.all_targets import Outcome

BUG = "bug"

REASONS = {
    "configuration": "the configuration, a kubeconfig or a selector cannot be used",
    "source": "a package could not be fetched, or what was fetched is no policy package",
    "check": "the check refuses the package",
    "proof": "the package was refused in the workloads' image, or could not be proven",
    "refused": "what is live, or the package's size and names, does not allow it",
    "cluster": "the API refused a call, or did not answer",
    "conflict": "an object changed meanwhile",
    "busy": "another run of secretsync is at work in the namespace",
    "rollout": "a rollout failed or timed out",
    "machine": "the machine that secretsync runs on lacks room, memory, descriptors or processes",
    BUG: "a fault of secretsync itself",
}
"""Each reason, and what it means."""


def reason(outcome: Outcome) -> str:
    """Why an outcome is a failure; empty where it is none."""
    if outcome.error:
        return outcome.error.category
    report = outcome.report
    if report and report.refused:
        return "check"
    if report and report.failed:
        return "rollout"
    return report.plan.degraded[0].reason if report and report.plan.degraded else ""
