"""What the doctor found: a document, and its tables with a sentence for each cross."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from secretsync.cli.output.report import Model, Problem, Workload
from secretsync.cli.output.sentences import count
from secretsync.cli.output.style import PLAIN, Style, readable
from secretsync.cluster.rbac import grouped
from secretsync.core.listed import listed
from secretsync.operations.doctor import Examination
from secretsync.operations.doctor.footing import Remark
from secretsync.rucio.conditions.judge import Condition, Verdict
from secretsync.rucio.conditions.workloads import Diagnosis

_OTHERS = "the others"

_OF_UNKNOWN = "That is no failure, and 'secretsync doctor --deep' proves it; where it does not hold"


class ConditionVerdict(Model):
    """Whether a condition holds; *unknown* where what decides could not be read."""

    condition: Literal["code", "path", "configured"]
    holds: bool
    unknown: bool
    wrong: str
    remedy: str


class Container(Model):
    """The three conditions for one package in one container."""

    workload: Workload
    container: str
    module: str
    conditions: tuple[ConditionVerdict, ...]

    @property
    def healthy(self) -> bool:
        """Whether all conditions hold, so that Rucio in this container loads the package."""
        return all(verdict.holds for verdict in self.conditions)

    @property
    def fails(self) -> bool:
        """Whether a condition certainly does not hold."""
        return any(not verdict.holds and not verdict.unknown for verdict in self.conditions)


class MissingRight(Model):
    """Verbs that the account lacks for a resource; without *names* for objects of any name."""

    resource: str
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


class Note(Model):
    """Something about secretsync itself; a *failure* keeps it from its work."""

    text: str
    failure: bool
    missing_rights: tuple[MissingRight, ...] = ()


class DoctorTarget(Model):
    """One target."""

    target: str
    well: bool
    not_deployed: tuple[str, ...] = ()
    """Modules of packages of which nothing is live."""
    containers: tuple[Container, ...] = ()
    proof_failures: tuple[str, ...] = ()
    """Why the proof in the workloads' images failed, a sentence each."""
    notes: tuple[Note, ...] = ()
    error: Problem | None = None


class DoctorReport(Model):
    """What ``secretsync doctor`` says."""

    version: Literal[1] = 1
    targets: tuple[DoctorTarget, ...]


def describe_doctor(
    target: str, examination: Examination, remarks: Sequence[Remark], proof_failures: Sequence[str] = ()
) -> DoctorTarget:
    """All that was found at one target."""
    containers = tuple(map(_container, examination.diagnoses))
    failures = bool(proof_failures) or any(remark.failure for remark in remarks)
    return DoctorTarget(
        target=target,
        well=not any(container.fails for container in containers) and not examination.absent and not failures,
        not_deployed=examination.absent,
        containers=containers,
        proof_failures=tuple(proof_failures),
        notes=tuple(map(_note, remarks)),
    )


def _note(remark: Remark) -> Note:
    missing = tuple(
        MissingRight(resource=accesses.resource, verbs=accesses.verbs, names=accesses.names)
        for accesses in grouped(remark.lacking)
    )
    return Note(text=remark.text, failure=remark.failure, missing_rights=missing)


def _container(diagnosis: Diagnosis) -> Container:
    ref = diagnosis.workload
    return Container(
        workload=Workload(kind=ref.kind, namespace=ref.namespace, name=ref.name),
        container=diagnosis.container,
        module=diagnosis.module,
        conditions=tuple(map(_verdict, diagnosis.verdicts)),
    )


def _verdict(verdict: Verdict) -> ConditionVerdict:
    return ConditionVerdict(
        condition=verdict.condition.value,
        holds=verdict.holds,
        unknown=verdict.unknown,
        wrong=verdict.wrong,
        remedy=verdict.remedy,
    )


def render(report: DoctorReport, style: Style = PLAIN) -> str:
    """A table for each package with workloads that cannot load it, and below it each cause once."""
    return "".join(f"{line}\n" for target in readable(report).targets for line in _target(target, style))


def _target(target: DoctorTarget, style: Style) -> Iterator[str]:
    yield style.paint("title", target.target)
    if target.error:
        yield style.paint("bad", style.wrap(f"  FAILED ({target.error.category}): {target.error.message}"))
        return
    for module in target.not_deployed:
        yield style.wrap(f"  {module}: not deployed; 'secretsync apply' deploys it; judged as configured")
    for module in dict.fromkeys(container.module for container in target.containers):
        yield from _package(module, [container for container in target.containers if container.module == module], style)
    if not target.containers and not target.not_deployed and not any(note.failure for note in target.notes):
        yield "  no workload here has an image of Rucio, by its name, or mounts a package"
    for reason in target.proof_failures:
        yield style.paint("bad", style.wrap(f"  proof failed: {reason}"))
    for note in target.notes:
        line = style.wrap(f"  {'FAILED' if note.failure else 'note'}: {note.text}")
        yield style.paint("bad", line) if note.failure else line
        yield from _missing_rights(note.missing_rights, style)


def _missing_rights(missing: Sequence[MissingRight], style: Style) -> Iterator[str]:
    """A table of what the account lacks."""
    if not missing:
        return
    rows = [
        ("resource", "verbs", "names"),
        *((right.resource, ", ".join(right.verbs), listed(right.names)) for right in missing),
    ]
    wide, verbs = (max(len(row[column]) for row in rows) for column in (0, 1))
    yield from (
        style.wrap(f"    {resource:<{wide}}  {verb_list:<{verbs}}  {names}".rstrip(), hang=wide + verbs + 4)
        for resource, verb_list, names in rows
    )


def _package(module: str, containers: Sequence[Container], style: Style) -> Iterator[str]:
    unhealthy = [container for container in containers if not container.healthy]
    if not unhealthy:
        yield style.paint(
            "good", style.wrap(f"  {module}: all three conditions hold in {count(len(containers), 'container')}")
        )
        return
    yield f"  {module}"
    width = max(len(str(container.workload)) for container in unhealthy)
    width = max(width, len(_OTHERS))
    yield f"    {'':<{width}}  " + "  ".join(Condition)
    for container in unhealthy:
        yield f"    {container.workload!s:<{width}}  {_marks(list(map(_mark, container.conditions)), style)}"
    if len(unhealthy) < len(containers):
        marks = _marks(["✓"] * len(Condition), style)
        yield f"    {_OTHERS:<{width}}  {marks}  ({len(containers) - len(unhealthy)})"
    yield from map(style.wrap, _causes(unhealthy))


def _mark(verdict: ConditionVerdict) -> str:
    if verdict.holds:
        return "✓"
    return "?" if verdict.unknown else "✗"


def _marks(marks: Sequence[str], style: Style) -> str:
    kinds = {"✓": "good", "✗": "bad", "?": "warning"}
    cells = [
        style.paint(kinds[mark], mark) + " " * (len(name) - 1) for mark, name in zip(marks, Condition, strict=True)
    ]
    return "  ".join(cells).rstrip()


def _causes(unhealthy: Sequence[Container]) -> Iterator[str]:
    """Each cause once, with all workloads that it keeps from the package."""
    causes: dict[tuple[str, str, bool], list[str]] = {}
    for container in unhealthy:
        for verdict in container.conditions:
            if not verdict.holds:
                cause = (verdict.wrong, verdict.remedy, verdict.unknown)
                causes.setdefault(cause, []).append(str(container.workload))
    for (problem, remedy, unknown), workloads in causes.items():
        names = list(dict.fromkeys(workloads))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"    {', '.join(names[:3])}{more}: {problem}. {_OF_UNKNOWN if unknown else 'To fix it'}: {remedy}"
