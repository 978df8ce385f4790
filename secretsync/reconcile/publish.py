"""What a pass wrote for a site's repository becomes a commit; its values mount the Secrets of today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import structlog

from secretsync.cluster.repository.cluster import PLAN_TRAILER, TRAILER, Message, RepositoryCluster
from secretsync.config.repository import ValuesFile
from secretsync.core.errors import SecretSyncError
from secretsync.core.escape import visible
from secretsync.plan.approval import plan_document
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Plan
from secretsync.reconcile.approval import approvable
from secretsync.reconcile.destination import Destination, Report, ValuesEdit
from secretsync.rucio.charts.merge import merge
from secretsync.rucio.charts.repoint import repoint
from secretsync.rucio.charts.site_values import keys_of
from secretsync.rucio.wiring import Packed, wire

log = structlog.get_logger()


def values_edits(repository: RepositoryCluster, files: Sequence[ValuesFile], plan: Plan) -> tuple[ValuesEdit, ...]:
    """The values files that do not say yet what the plan's packages need."""
    if not plan.packages:
        return ()
    return tuple(edit for file in files if (edit := _edit(repository, file, plan.packages)))


def _edit(repository: RepositoryCluster, file: ValuesFile, packages: Sequence[PackagePlan]) -> ValuesEdit | None:
    text = repository.read_file(file.file)
    if text is None:
        return ValuesEdit(file.file, problem="it is not in the repository: correct 'values' of the target")
    try:
        packed = [_packed(package) for package in packages]
        wiring = wire(packed, file.style, file.root)
        moved = repoint(text, wiring.mounts, [package.placement.secret for package in packages], keys_of(file.at))
        merged = merge(moved, wiring, file.chart, file.via, keys_of(file.at)).text
    except SecretSyncError as error:
        reason = "; ".join(str(error).removeprefix("nothing was written, for these stand in the way:\n").splitlines())
        return ValuesEdit(file.file, problem=f"{reason}; write by hand what 'secretsync values {file.chart}' prints")
    return ValuesEdit(file.file, merged) if merged != text else None


def _packed(package: PackagePlan) -> Packed:
    placement = package.placement
    return Packed(placement.module, placement.vo, placement.layout, package.desired.secrets)


def publish(destination: Destination, report: Report) -> Report:
    """*report* with what became of the change; one that was refused is not proposed. Raises SecretSyncError."""
    repository = destination.repository
    if repository is None or report.refused or report.failed or not report.done:
        return report
    edits = values_edits(repository, destination.values, report.plan)
    for edit in edits:
        if edit.problem:
            log.warning("a values file has to be changed by hand", file=edit.path, why=edit.problem)
        else:
            repository.write_file(edit.path, edit.text)
    report = replace(report, values=edits)
    message = _message(destination, report)
    description = destination.describe(report) if destination.describe else message.body
    return replace(report, proposal=repository.publish(message, description))


def _message(destination: Destination, report: Report) -> Message:
    """What the commit says; names and findings of a package may hold line breaks, which would end a trailer's line."""
    plan_id = plan_document([approvable(destination, report)]).id
    trailers = {TRAILER: f"{destination.installation} {destination.namespace}", PLAN_TRAILER: plan_id}
    return Message(visible(_title(report)), _body(report), trailers)


def _title(report: Report) -> str:
    packages = [_named(package) for package in report.plan.packages]
    return f"secretsync: {', '.join(packages)}"


def _named(package: PackagePlan) -> str:
    bundle = package.desired.bundle
    return f"{bundle.module} {bundle.version or bundle.revision.short}".strip()


def _body(report: Report) -> str:
    sections = (_packages(report), _values(report), _findings(report))
    return "\n".join(visible(line) for section in sections for line in section).strip()


def _packages(report: Report) -> Iterator[str]:
    for package in report.plan.packages:
        bundle = package.desired.bundle
        yield f"* `{bundle.module}` {bundle.version} at `{bundle.revision.short}`, revision {package.revision_number}"
        yield f"  * digest `sha256:{bundle.digest}`"
        for change in package.changes:
            if change.pending:
                counts = _counts(file.kind for file in change.files)
                yield f"  * {change.action} Secret `{change.desired.name}`{counts}"


def _counts(kinds: Iterable[str]) -> str:
    listed = list(kinds)
    counts = [f"{listed.count(kind)} {kind}" for kind in ("added", "changed", "removed") if kind in listed]
    return f": files {', '.join(counts)}" if counts else ""


def _values(report: Report) -> Iterator[str]:
    for edit in report.values:
        yield f"* values `{edit.path}`" + (f": **change by hand**: {edit.problem}" if edit.problem else "")


def _findings(report: Report) -> Iterator[str]:
    for module, checked in report.checked_packages.items():
        for finding in checked.findings:
            yield f"* {finding.severity} in `{module}` {finding.path}: {finding.effect}"
