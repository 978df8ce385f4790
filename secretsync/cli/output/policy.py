"""What changes in a policy, and what it lacks, for a reviewer who reads 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from secretsync.cli.output.report import PolicyChange, PolicyKind
from secretsync.cli.output.style import Style
from secretsync.core.escape import visible

if TYPE_CHECKING:
    from secretsync.rucio.check.against_generic import AgainstGeneric
    from secretsync.rucio.check.policy_diff import Changed, PolicyDiff


def diff_text(diff: PolicyDiff) -> str:
    """The policy diff, the decisions first."""
    return "\n".join(map(visible, _lines(diff))) + "\n"


def against_generic_text(compared: AgainstGeneric) -> str:
    """Which of Rucio's actions the package lacks, and who decides on them."""
    if not compared.lacks and not compared.only_here:
        return f"Every action of Rucio {compared.rucio} is decided on; others are left to {compared.decided_by}.\n"
    lines: list[str] = []
    if compared.lacks:
        lines.append(f"Actions of Rucio {compared.rucio} that the package lacks")
        lines += _listed(f"({compared.decided_by} decides on them):", compared.lacks)
    if compared.only_here:
        lines += _listed("Actions that its generic permissions do not have:", compared.only_here)
    return "\n".join(map(visible, lines)) + "\n"


def _lines(diff: PolicyDiff) -> Iterator[str]:
    if diff.empty:
        yield "The policy is the same."
    for changed in (diff.delegation, diff.supported_version):
        if changed:
            yield f"{changed.name}: {changed.before} -> {changed.after}"
    yield from _listed("Actions added:", diff.actions_added)
    yield from _listed("Actions removed:", diff.actions_removed)
    yield from _listed("Algorithms added:", diff.algorithms_added)
    yield from _listed("Algorithms removed:", diff.algorithms_removed)
    for limit in diff.limits_changed:
        yield f"{limit.name}: {limit.before or 'nothing'} -> {limit.after or 'nothing'}"
    yield from _differences("Schema", diff.schemas_changed)
    yield from _differences("Action", diff.actions_changed)
    yield from _differences("Function", diff.helpers_changed)


def _listed(title: str, names: Iterable[str]) -> list[str]:
    text = ", ".join(names)
    return [title, *wrap(text, 80, initial_indent="  ", subsequent_indent="  ")] if text else []


def _differences(kind: str, changes: Iterable[Changed]) -> Iterator[str]:
    for change in changes:
        yield f"{kind} {change.name}:"
        yield from (f"  {line}" for line in change.diff)


def policy_changes(difference: PolicyDiff, *, texts: bool) -> Iterator[PolicyChange]:
    """What changes, by name; the lines that differ where *texts* are asked for."""
    changes_by_kind: Sequence[tuple[PolicyKind, Sequence[str], Sequence[str], Sequence[Changed]]] = (
        ("delegation", (), (), [difference.delegation] if difference.delegation else []),
        ("supported version", (), (), [difference.supported_version] if difference.supported_version else []),
        ("action", difference.actions_added, difference.actions_removed, difference.actions_changed),
        ("function", (), (), difference.helpers_changed),
        ("limit", (), (), difference.limits_changed),
        ("schema", (), (), difference.schemas_changed),
        ("algorithm", difference.algorithms_added, difference.algorithms_removed, ()),
    )
    for kind, added, removed, changed in changes_by_kind:
        for name in added:
            yield PolicyChange(kind=kind, name=name, change="added")
        for name in removed:
            yield PolicyChange(kind=kind, name=name, change="removed")
        for change in changed:
            yield PolicyChange(
                kind=kind,
                name=change.name,
                change=_kind_of(change),
                text=_text(kind, change) if texts or kind == "delegation" else None,
            )


def _kind_of(changed: Changed) -> Literal["added", "changed", "removed"]:
    if not changed.before:
        return "added"
    return "changed" if changed.after else "removed"


def _text(kind: PolicyKind, changed: Changed) -> tuple[str, ...]:
    """The lines that differ; of delegation our own words, which tell nothing of the package's text."""
    if kind in ("delegation", "limit", "supported version"):
        return (f"{changed.before or 'nothing'} -> {changed.after or 'nothing'}",)
    return changed.diff


def policy_lines(changes: Sequence[PolicyChange], style: Style) -> Iterator[str]:
    """Names of the same kind on one line; what has a text has its own."""
    groups: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        if change.text is None:
            groups.setdefault((change.kind, change.change), []).append(change.name)
    for (kind, change_kind), names in groups.items():
        yield from wrap(f"{kind} {change_kind}: {', '.join(names)}", style.width - 6, subsequent_indent="  ")
    for change in changes:
        if change.text is not None:
            yield from _with_text(change, style)


def _with_text(change: PolicyChange, style: Style) -> Iterator[str]:
    lines = change.text or ()
    if len(lines) == 1:
        yield from wrap(
            f"{change.kind} {change.name} {change.change}: {lines[0]}", style.width - 6, subsequent_indent="  "
        )
        return
    yield f"{change.kind} {change.name} {change.change}:"
    for line in lines:
        kind = {"+": "added", "-": "removed", "@": "quiet"}.get(line[:1], "")
        yield style.paint(kind, f"  {line}".rstrip())
