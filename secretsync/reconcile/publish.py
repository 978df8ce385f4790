"""What a pass wrote for a site's repository becomes a commit; its values mount the Secrets of today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from textwrap import shorten
from typing import Literal

import structlog

from secretsync import __version__
from secretsync.cluster.repository.cluster import RepositoryCluster
from secretsync.cluster.repository.errors import BranchOfOthers
from secretsync.cluster.repository.proposal import PLAN_TRAILER, TRAILER, Message, Proposal
from secretsync.config.repository import ValuesFile
from secretsync.core.errors import SecretSyncError
from secretsync.core.escape import visible
from secretsync.plan.approval import digest_of, plan_document
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Plan
from secretsync.reconcile.approval import approvable, secret_digest
from secretsync.reconcile.destination import Destination, Report, ValuesEdit
from secretsync.rucio.charts.merge import merge
from secretsync.rucio.charts.repoint import repoint
from secretsync.rucio.charts.site_values import keys_of
from secretsync.rucio.wiring import Packed, Wiring, wire

log = structlog.get_logger()

_LONGEST_TITLE = 200
"""Characters; forges take 255 of them as the title of a request."""


def values_edits(repository: RepositoryCluster, files: Sequence[ValuesFile], plan: Plan) -> tuple[ValuesEdit, ...]:
    """The values files that do not say yet what the plan's packages need."""
    if not plan.packages:
        return ()
    return tuple(edit for file in files if (edit := _edit(repository, file, plan.packages)))


def _edit(repository: RepositoryCluster, file: ValuesFile, packages: Sequence[PackagePlan]) -> ValuesEdit | None:
    data = repository.read_file(file.file)
    if data is None:
        return ValuesEdit(
            file.file, problem="no such file is in the repository, or it is a symlink: correct 'values' of the target"
        )
    try:
        text = data.decode()
        wiring = wire([_packed(package) for package in packages], file.style, file.root)
        merged = _merged(_WiredFile(text, file, tuple(package.placement.secret for package in packages), wiring))
    except UnicodeDecodeError:
        return ValuesEdit(file.file, problem="it is not UTF-8 text: write it anew as UTF-8")
    except SecretSyncError as error:
        why = "; ".join(str(error).removeprefix("nothing was written, for these stand in the way:\n").splitlines())
        return ValuesEdit(file.file, problem=f"{why}; write by hand what 'secretsync values {file.chart}' prints")
    return ValuesEdit(file.file, merged) if merged != text else None


@dataclass(frozen=True)
class _WiredFile:
    """A values file with its *text*, and the wiring that it shall have; *secrets* are the packages'."""

    text: str
    file: ValuesFile
    secrets: tuple[str, ...]
    wiring: Wiring = field(compare=False)
    comparable: str = field(init=False)
    """The wiring as text, which can be compared."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "comparable", repr(self.wiring))


@lru_cache(maxsize=64)
def _merged(wired: _WiredFile) -> str:
    """The text with the wiring; in most passes it is that of the pass before. Raises SecretSyncError."""
    file, wiring, at = wired.file, wired.wiring, keys_of(wired.file.at)
    moved = repoint(wired.text, wiring.mounts, wired.secrets, at)
    return merge(moved, wiring, file.chart, file.via, at).text


def _packed(package: PackagePlan) -> Packed:
    placement = package.placement
    return Packed(placement.module, placement.vo, placement.layout, package.desired.secrets)


def open_request(destination: Destination, plan: Plan) -> Proposal | None:
    """The request that brings *plan* already; None where there is none, or where that has to be looked at."""
    repository = destination.repository
    if repository is None or plan.degraded or destination.approved:
        return None
    return repository.proposed(_key(destination, plan))


def with_standing(destination: Destination, repository: RepositoryCluster, report: Report) -> Report:
    """*report*, of a dry run, with whether its change is proposed in *repository* already. Raises SecretSyncError."""
    if not report.pending:
        return replace(report, proposal=Proposal("nothing", repository.branch))
    waiting = repository.waiting()
    if waiting is None:
        return replace(report, proposal=Proposal("unproposed", repository.branch))
    if waiting.others:
        return replace(report, blocked=BranchOfOthers(waiting.branch, waiting.commit, waiting.others))
    current = plan_document([approvable(destination, report)]).id == waiting.plan
    state: Literal["declined", "unchanged", "outdated"]
    state = "outdated" if not current else "declined" if waiting.declined else "unchanged"
    return replace(report, proposal=Proposal(state, waiting.branch, waiting.commit, waiting.url))


def _key(destination: Destination, plan: Plan) -> str:
    """Changes with all that decides what is proposed, beside the commit that it is made of."""
    settings = [
        (delivery.recipe, delivery.check.model_dump(mode="json"), delivery.placement.vo)
        for delivery in destination.deliveries
    ]
    packages = [
        (package.desired.bundle.digest, package.desired.bundle.revision.id, package.revision_number, package.outdated)
        for package in plan.packages
    ]
    secrets = [secret_digest(change.desired) for change in plan.changes]
    values = [file.model_dump(mode="json") for file in destination.values]
    return digest_of([__version__, settings, packages, secrets, values, destination.rollout.history])


def publish(destination: Destination, report: Report) -> Report:
    """*report* with what became of the change; one that was refused is not proposed. Raises SecretSyncError."""
    repository = destination.repository
    if repository is None or report.proposal or report.refused or report.failed or not report.done:
        return report
    report = replace(report, values=values_edits(repository, destination.values, report.plan))
    for edit in report.values:
        if edit.problem:
            log.warning("a values file has to be changed by hand", file=edit.path, why=edit.problem)
        else:
            repository.write_file(edit.path, edit.text)
    message = _message(destination, report)
    description = destination.describe(report) if destination.describe else message.body
    # what a person has to do is said in each pass
    key = "" if any(edit.problem for edit in report.values) else _key(destination, report.plan)
    return replace(report, proposal=repository.publish(message, description, key))


def publish_state(destination: Destination, title: str) -> None:
    """Push what a command by hand changed in the state object; a cluster has it already. Raises SecretSyncError."""
    repository = destination.repository
    if repository is not None:
        target = {TRAILER: f"{destination.installation} {destination.namespace}"}
        repository.publish(Message(visible(title), "By hand.", target), "")


def _message(destination: Destination, report: Report) -> Message:
    """What the commit says; names and findings of a package may hold line breaks, which would end a trailer's line."""
    plan_id = plan_document([approvable(destination, report)]).id
    trailers = {TRAILER: f"{destination.installation} {destination.namespace}", PLAN_TRAILER: plan_id}
    return Message(visible(_title(report)), _body(report), trailers)


def _title(report: Report) -> str:
    packages = [_named(package) for package in report.plan.packages]
    return shorten(f"secretsync: {', '.join(packages)}", _LONGEST_TITLE, placeholder=" …")


def _named(package: PackagePlan) -> str:
    bundle = package.desired.bundle
    return f"{bundle.module} {bundle.version or bundle.revision.short}".strip()


def _body(report: Report) -> str:
    sections = (_packages(report), _values(report), _findings(report))
    return "\n".join(visible(line) for section in sections for line in section).strip()


def _packages(report: Report) -> Iterator[str]:
    for package in report.plan.packages:
        bundle = package.desired.bundle
        name = f"`{bundle.module}` {bundle.version}".strip()
        yield f"* {name} at `{bundle.revision.short}`, revision {package.revision_number}"
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
