"""A pass that does exactly what was approved, or nothing: its plan becomes the document that a person approved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from secretsync.core.model import Secret
from secretsync.plan.approval import (
    ApprovedFile,
    ApprovedFinding,
    ApprovedPackage,
    ApprovedRestart,
    ApprovedSecret,
    ApprovedTarget,
    differences,
    digest_of,
)
from secretsync.plan.diff import Change, PackagePlan
from secretsync.plan.restarts import Restart
from secretsync.plan.waves import split_into_waves
from secretsync.reconcile.approval_errors import NotApproved
from secretsync.reconcile.destination import CheckedPackage, Destination, Report


def approvable(destination: Destination, report: Report) -> ApprovedTarget:
    """What *report* would do at *destination*, without contents."""
    plan = report.plan
    waves = split_into_waves(
        plan.restarts, selectors=destination.wave_selectors, max_parallel=destination.rollout.max_parallel
    )
    return ApprovedTarget(
        target=destination.name,
        namespace=destination.namespace,
        packages=tuple(_package(package) for package in plan.packages),
        restarts=tuple(tuple(_restart(restart) for restart in wave.restarts) for wave in waves),
        workloads=tuple(sorted(str(workload.ref) for workload in plan.workloads)),
        findings=tuple(_findings(report.checked_packages)),
        policy=tuple(_policy(report.checked_packages)),
        values=tuple(
            ApprovedFile(path=file.path, before=None, after=_sha256(file.text.encode())) for file in report.values
        ),
    )


def refuse_unapproved(destination: Destination, approved: ApprovedTarget, report: Report) -> None:
    """Raises NotApproved where *report* would not do what was *approved* for *destination*."""
    current = approvable(destination, report).model_copy(update={"values": approved.values})
    if current != approved:
        ids = [f"sha256:{digest_of(target.model_dump(mode='json'))}" for target in (approved, current)]
        written = _written(approved, current)
        restarted = _restarted(approved, current) if written else ()
        raise NotApproved(ids[0], ids[1], tuple(differences(approved, current)), written, restarted)


def _written(approved: ApprovedTarget, current: ApprovedTarget) -> tuple[str, ...]:
    """The Secrets that hold by now what was approved."""
    kept = {
        (secret.name, secret.live)
        for package in current.packages
        for secret in package.secrets
        if secret.action == "keep"
    }
    return tuple(
        secret.name
        for package in approved.packages
        for secret in package.secrets
        if secret.action in ("create", "update") and (secret.name, secret.desired) in kept
    )


def _restarted(approved: ApprovedTarget, current: ApprovedTarget) -> tuple[str, ...]:
    """The workloads that were to be restarted and need that no longer."""
    due = {restart.workload for wave in current.restarts for restart in wave}
    return tuple(
        restart.workload
        for wave in approved.restarts
        for restart in wave
        if restart.workload not in due and restart.workload in current.workloads
    )


def _package(package: PackagePlan) -> ApprovedPackage:
    bundle = package.desired.bundle
    return ApprovedPackage(
        module=bundle.module,
        secret=package.placement.secret,
        source=bundle.revision.source,
        ref=bundle.revision.ref,
        commit=bundle.revision.id,
        digest=f"sha256:{bundle.digest}",
        revision=package.revision_number,
        secrets=tuple(_secret(change) for change in package.changes),
    )


def _secret(change: Change) -> ApprovedSecret:
    live = change.live
    return ApprovedSecret(
        name=change.desired.name,
        action=change.action.value,
        live=secret_digest(live) if live else None,
        live_resource_version=str(live.metadata.get("resourceVersion", "")) if live else "",
        desired=secret_digest(change.desired),
        files=tuple(
            ApprovedFile(
                path=file.path,
                before=file.before.digest if file.before else None,
                after=file.after.digest if file.after else None,
            )
            for file in change.files
        ),
    )


def secret_digest(secret: Secret) -> str:
    """Sha256 of all that a Secret is, beside its metadata that the API gives."""
    data = {key: _sha256(value) for key, value in secret.data.items()}
    return digest_of([data, dict(secret.labels), dict(secret.annotations), secret.type, secret.immutable])


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _restart(restart: Restart) -> ApprovedRestart:
    rewiring = restart.rewiring
    change = [dict(restart.annotations), rewiring.part if rewiring else None]
    template = restart.workload.template
    return ApprovedRestart(workload=str(restart.workload.ref), live=digest_of(template), change=digest_of(change))


def _findings(checked: Mapping[str, CheckedPackage]) -> Iterator[ApprovedFinding]:
    for module, package in sorted(checked.items()):
        for finding in package.findings:
            yield ApprovedFinding(
                module=module, rule=finding.rule, severity=finding.severity.value, path=finding.path, line=finding.line
            )


def _policy(checked: Mapping[str, CheckedPackage]) -> Iterator[str]:
    for module, package in sorted(checked.items()):
        difference = package.difference
        if difference is None:
            continue
        yield from (f"{module}: action {name} added" for name in difference.actions_added)
        yield from (f"{module}: action {name} removed" for name in difference.actions_removed)
        changed = (
            *difference.actions_changed,
            *difference.helpers_changed,
            *difference.limits_changed,
            *difference.schemas_changed,
        )
        yield from (f"{module}: {change.name} changed" for change in changed)
        yield from (f"{module}: algorithm {name} added" for name in difference.algorithms_added)
        yield from (f"{module}: algorithm {name} removed" for name in difference.algorithms_removed)
