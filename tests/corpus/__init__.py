"""What Rucio itself did with each row of the failure matrix: recorded by running it, one file for all versions.

``python -m scripts.failure_matrix`` runs the rows and records them; a row that nobody ran is not in it. The static
rules are held against the record by ``test_recorded.py``, in milliseconds and without a Rucio.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from secretsync.rucio.prove import Verdict
from tests.rucio.prove.matrix.rows import Row, rows
from tests.rucio.prove.matrix.run import Outcome, static

_FILE = Path(__file__).with_name("recorded.json")


@dataclass(frozen=True)
class Recorded:
    """*direct* is what became of the package in Rucio by itself, *seen* how that showed, *proof* the proof's word."""

    direct: str
    seen: str
    proof: str


def recorded() -> dict[str, dict[str, Recorded]]:
    """By version of Rucio and row."""
    if not _FILE.exists():
        return {}
    found = json.loads(_FILE.read_text(encoding="utf-8"))
    return {version: {row: Recorded(**one) for row, one in found[version].items()} for version in found}


def record(version: str, outcomes: Iterable[Outcome]) -> None:
    """Keep what was seen with that version, in place of what was known of these rows; rows that are gone go."""
    known = recorded()
    seen = known.get(version, {})
    seen |= {one.row.row: Recorded(str(one.direct), one.seen, str(one.proof)) for one in outcomes}
    known[version] = {row.row: seen[row.row] for row in rows() if row.row in seen}
    documents = {name: {row: asdict(one) for row, one in known[name].items()} for name in sorted(known)}
    _FILE.write_text(json.dumps(documents, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Confusion:
    """How often static rules and proof were right about a version of Rucio.

    *silent* are rows that Rucio breaks on and about which the rules say nothing, *warned* those with a warning alone;
    *false* are errors about what works.
    """

    works: int
    false: tuple[str, ...]
    breaks: int
    found: int
    warned: tuple[str, ...]
    silent: tuple[str, ...]
    proof_differs: tuple[str, ...]


def confusion(version: str, seen: Mapping[str, Recorded]) -> Confusion:
    """The static rules of today and the recorded proof against what Rucio did."""
    known = {row.row: row for row in rows()}
    judged = [(known[name], one, *static(known[name], version)) for name, one in seen.items() if name in known]
    works = [(row, errors) for row, one, errors, _ in judged if one.direct == Verdict.LOADS]
    breaks = [(row, errors, warned) for row, one, errors, warned in judged if one.direct != Verdict.LOADS]
    return Confusion(
        works=len(works),
        false=tuple(row.row for row, errors in works if errors and not row.beyond),
        breaks=len(breaks),
        found=sum(bool(errors) for _, errors, _ in breaks),
        warned=tuple(row.row for row, errors, warned in breaks if warned and not errors),
        silent=tuple(row.row for row, errors, warned in breaks if not errors and not warned and not row.beyond),
        proof_differs=tuple(row.row for row, one, _, _ in judged if one.proof != one.direct),
    )


def confusion_table(known: Mapping[str, Mapping[str, Recorded]]) -> str:
    """One line for each version, in Markdown."""
    lines = [
        "| Rucio | rows that work | false alarms | rows that break | found | warned | beyond the source | silent | "
        "proof right |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for version, seen in known.items():
        one = confusion(version, seen)
        beyond = one.breaks - one.found - len(one.warned) - len(one.silent)
        right = len(seen) - len(one.proof_differs)
        lines.append(
            f"| {version} | {one.works} | {len(one.false)} | {one.breaks} | {one.found} | {len(one.warned)} | "
            f"{beyond} | {len(one.silent)} | {right} of {len(seen)} |"
        )
    return "\n".join(lines) + "\n"


def unrecorded(version: str, seen: Mapping[str, Recorded]) -> tuple[Row, ...]:
    """Rows that nobody ran with that version."""
    return tuple(row for row in rows() if row.row not in seen)
