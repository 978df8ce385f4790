"""What changes in a policy, and what it lacks, for a reviewer who reads 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from secretsync.rucio.check.against_generic import AgainstGeneric
from secretsync.rucio.check.policy_diff import Changed, PolicyDiff


def diff_text(diff: PolicyDiff) -> str:
    """The policy diff, the decisions first."""
    return "\n".join(_lines(diff)) + "\n"


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
    return "\n".join(lines) + "\n"


def _lines(diff: PolicyDiff) -> Iterator[str]:
    if diff.empty:
        yield "The policy is the same."
    for one in (diff.delegation, diff.supported_version):
        if one:
            yield f"{one.name}: {one.before} -> {one.after}"
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
    words = ", ".join(names)
    return [title, *wrap(words, 80, initial_indent="  ", subsequent_indent="  ")] if words else []


def _differences(kind: str, changes: Iterable[Changed]) -> Iterator[str]:
    for change in changes:
        yield f"{kind} {change.name}:"
        yield from (f"  {_printable(line)}" for line in change.diff)


def _printable(line: str) -> str:
    return "".join(one if one.isprintable() or one == "\t" else repr(one)[1:-1] for one in line)
