"""The outcome of a target in a sentence: the last line of a report, and of the table of several targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from secretsync.cli.output.report import Degraded, Finding, Outcome, Proposal, Target, Workload

_SEVERITIES = ("error", "warning", "notice")


def summary(target: Target) -> str:
    """What came of a target."""
    if target.error:
        return f"FAILED ({target.error.category}): {target.error.message}"
    match target.outcome:
        case Outcome.REFUSED:
            return _refused(target)
        case Outcome.ROLLED_BACK | Outcome.FAILED:
            return _failed(target)
        case Outcome.WAITING:
            return f"waiting: {target.waits}"
        case Outcome.DEGRADED if not target.packages:
            return _degraded(target)
        case Outcome.PENDING if target.proposal:
            return f"pending: {_secrets(target)}{_values(target)}, {_proposed(target.proposal)}"
        case Outcome.PENDING:
            waits = f"; an apply would wait: {target.waits}" if target.waits else ""
            return f"pending: {_secrets(target)}, {count(len(target.restarts), 'restart')} (nothing was written){waits}"
        case Outcome.UP_TO_DATE if target.proposal:
            return f"up to date: {_all_secrets(target)}, {_proposed(target.proposal)}"
        case Outcome.UP_TO_DATE:
            return f"up to date: {_all_of(target)}"
        case _ if target.proposal:
            word = "pushed" if target.proposal.state == "pushed" else "proposed"
            return f"{word}: {_secrets(target)}, {_proposed(target.proposal)}"
        case Outcome.DEGRADED:
            modules = ", ".join(degraded.module for degraded in target.degraded)
            return f"{_applied(target)}; degraded: {modules}"
        case _:
            return _applied(target)


def _degraded(target: Target) -> str:
    """Why nothing could be done: in full for a single package, else which stay as they are."""
    if len(target.degraded) > 1:
        modules = ", ".join(degraded.module for degraded in target.degraded)
        return f"degraded: {modules} stay as they are; the next run tries again"
    (degraded,) = target.degraded
    if degraded.problem.category == "configuration":
        return f"FAILED (configuration): {degradation(degraded)}"
    return f"degraded: {degradation(degraded)}; the next run tries again"


def degradation(degraded: Degraded) -> str:
    """``site_policy stays at commit 3f2a91c0d4e5: …``."""
    state = f"stays at {short_commit(degraded.commit)}" if degraded.commit else "is not deployed"
    return f"{degraded.module} {state}: {degraded.problem.message}"


def _proposed(proposal: Proposal) -> str:
    """What people find in the repository now."""
    if proposal.state == "pushed":
        return f"commit {proposal.commit[:12]} on branch {proposal.branch}"
    location = proposal.url or f"branch {proposal.branch}"
    return {
        "proposed": f"merge {location}",
        "updated": f"{location} was updated: merge it",
        "unchanged": f"{location} has them already: merge it",
        "declined": f"{location} was closed without a merge: open it again, or change the package",
        "outdated": f"{location} proposes something else: 'secretsync apply' updates it",
        "unproposed": "nothing proposes them yet (nothing was pushed)",
        "closed": f"{location} is merged or no longer needed and was closed",
        "nothing": f"branch {proposal.branch} holds everything",
    }[proposal.state]


def proposes(target: Target) -> str:
    """What a request brings, as its description begins."""
    restarts = f", {count(len(target.restarts), 'restart')}" if target.restarts else ""
    return f"proposes {_secrets(target)}{_values(target)}{restarts}: a merge brings them"


def count(number: int, noun: str) -> str:
    """``1 Secret``, ``2 Secrets``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def reason_of_refusal(target: Target) -> Finding | None:
    """The worst finding of a target."""
    return min(target.findings, key=lambda finding: _SEVERITIES.index(finding.severity), default=None)


def short_commit(commit: str) -> str:
    """``commit 3f2a91c0d4e5``."""
    kind, _, value = commit.partition(":")
    return f"{kind} {value[:12]}"


def commit_cell(commit: str | None) -> str:
    """``3f2a91c0d4e5`` in a column of commits; what has no commit is named by its hash, ``sha256:691aa056``."""
    kind, _, value = (commit or "").partition(":")
    return (value[:12] if kind == "commit" else f"{kind}:{value[:8]}") if value else "-"


def _refused(target: Target) -> str:
    finding = reason_of_refusal(target)
    if finding is None:
        return f"REFUSED {target.refusal}"
    location = f"{finding.path}:{finding.line}" if finding.line else finding.path
    more = len([finding for finding in target.findings if finding.severity == finding.severity]) - 1
    also = f" (and {more} more)" if more else ""
    return f"REFUSED {location or finding.module} [{finding.rule}] {finding.effect}{also}"


def remedy(target: Target) -> str:
    """What to do about an outcome; empty where there is nothing to do."""
    match target.outcome:
        case Outcome.ROLLED_BACK:
            return "Fix the package and push a new commit, or accept this one with 'secretsync resume'"
        case Outcome.FAILED if target.undo:
            return "The Secrets have what was live before, but some pods do not run it; the next run tries again"
        case Outcome.FAILED if target.failure:
            return "The next run continues this rollout"
        case Outcome.REFUSED:
            return "Fix the package, or see 'check:' in the configuration"
        case _:
            return ""


def _failed(target: Target) -> str:
    if target.undo is None:
        return f"FAILED, not rolled back, {_as_it_is(target)}: {target.failure}"
    if target.undo.failure:
        return f"FAILED, and the rollback FAILED too: {target.undo.failure}; before that: {target.failure}"
    return f"FAILED, rolled back to {_back(target, target.undo)}: {target.failure}"


def _back(target: Target, undo: Target) -> str:
    """``revision 1 (now revision 3)``: the content that is live again, and the number that it has now."""
    restored = {package.module: package.revision for package in undo.packages}
    changed = [package for package in target.packages if package.live_revision not in (None, package.revision)]
    name = "{0.module} " if len(changed) > 1 else ""
    return ", ".join(
        f"{name.format(change)}revision {change.live_revision} (now revision {restored.get(change.module)})"
        for change in changed
    )


def _as_it_is(target: Target) -> str:
    states = _states(target)
    return f"{states.count('current')}/{count(len(states), 'workload')} current"


def _states(target: Target) -> list[str]:
    """Of the workloads that decide; of all that were restarted where none of them was healthy before."""
    return [status.state for status in target.rollout if status.counts] or [status.state for status in target.rollout]


def _applied(target: Target) -> str:
    states = _states(target)
    if target.dry_run:
        return "nothing to write; an earlier rollout is not complete"
    if not states or "written" in states:
        return f"applied: {_secrets(target)}, {count(len(states), 'workload')} annotated"
    groups = {"not in force": target.not_in_force, "not known": target.undecided}
    return f"applied: {_secrets(target)}, {_as_it_is(target)}{_counted(groups)}"


def _all_of(target: Target) -> str:
    total = len({*target.workloads, *target.not_in_force})
    groups = {
        "suspended": target.suspended,
        "not in force": target.not_in_force,
        "not current": target.not_current,
    }
    stopped = {ref for refs in groups.values() for ref in refs}
    remarks = _counted({**groups, "not known": target.undecided})
    return f"{_all_secrets(target)}, {total - len(stopped)}/{count(total, 'workload')}{remarks}"


def _counted(groups: Mapping[str, Sequence[Workload]]) -> str:
    """`` (2 not in force)``: the number of each group that has any."""
    counts = [f"{len(workloads)} {label}" for label, workloads in groups.items() if workloads]
    return f" ({', '.join(counts)})" if counts else ""


def _values(target: Target) -> str:
    changed = sum(not file.by_hand for file in target.values)
    return f" and {count(changed, 'file')} of values" if changed else ""


def _all_secrets(target: Target) -> str:
    return count(sum(len(package.secrets) for package in target.packages), "Secret")


def _secrets(target: Target) -> str:
    changed = [change for package in target.packages for change in package.secrets if change.action != "keep"]
    return count(len(changed), "Secret")
