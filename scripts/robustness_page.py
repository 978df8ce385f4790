"""The text of docs/robustness.md, from what scripts.robustness counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.robustness.faults import FAULTS

Record = dict[str, Any]

HEAD = """# What goes wrong, and what holds

Made by `make robustness`, which makes things go wrong on purpose: only what it ran is counted here. A proxy in front
of the Kubernetes API spoils one call of a run, or the run is killed; one clean run follows. What is checked is checked
when a run has ended, not while it works: no traceback, a documented exit code, each Secret wholly of one version,
nothing of others touched; after the clean run the very files of the package, and nothing left to do.
A sample of each part is in `make test`; further faults and kills, with a git server, several waves and pods that say
what they loaded, are in `tests/e2e/walks`.
"""
REAL = """A control plane of its own: the real API server, etcd and controllers, whose Deployments roll out pods; the
pods are processes of this machine. A change is a newer version each time. Of the pairs of a call and a fault so many
were run, drawn so that calls and faults take turns and no pair comes twice; the others were not.
"""
STUB = """The stub keeps objects in memory, and its workloads come up at once; runs start from the same state each time.
"""
PARSERS = """Real inputs with bytes changed, cut out, repeated or put elsewhere. Each came to a value or to an error of
secretsync; any other exception counts as not held.
"""
BOMBS = """Each in a process of its own, which a test holds below 200 MiB (the chart's limit is 256 MiB): the memory at
its peak, the interpreter, secretsync and a child that it parses in included, and the seconds on the machine that made
this page. What is not a sentence is read: as findings of the check, as another file of the index, or as it is.
"""
TESTS = """The tests of the modules that hold each kind, ordinary cases among them; the long ones run on demand.
"""


def page(counted: Mapping[str, Record]) -> str:
    """The page; a part that was never run has no section."""
    records = {name: [counted[key] for key in counted if key.partition(".")[0] == name] for name in SECTIONS}
    sections = (section(*records[name]) for name, section in SECTIONS.items() if records[name])
    return "\n".join([HEAD, *(part for section in sections for part in section)])


def _made(*records: Record) -> str:
    made = sorted({(record["date"], record["commit"]) for record in records})
    return f"Made on {made[-1][0]} from the commit {', '.join(commit for _, commit in made)}.\n"


def _api(*records: Record) -> Iterator[str]:
    yield "## One call spoilt, on a real control plane\n"
    yield f"{_made(*records)}{REAL}"
    yield _tallies(records)
    yield f"The {len(FAULTS)} faults: {'; '.join(FAULTS)}.\n"


def _stub(*records: Record) -> Iterator[str]:
    yield "## One call spoilt, on a stub of the API\n"
    yield f"{_made(*records)}{STUB}"
    yield _tallies(records)


def _kills(where: str, *records: Record) -> Iterator[str]:
    yield f"## Killed, on {where}\n"
    yield f"{_made(*records)}SIGKILL before and after a call, and at any moment.\n"
    rows = [
        f"| {tally['what']} | {tally['runs']} | {tally['codes'].get('-9', 0)} | {len(tally['faults'])} |"
        for tally in (record["counted"] for record in records)
    ]
    yield _table("| what ran | runs | killed before they had ended | did not hold |", rows)


def _parsers(*records: Record) -> Iterator[str]:
    yield "## What strangers send\n"
    yield f"{_made(*records)}{PARSERS}"
    newest = {case["name"]: case for record in records for case in record["counted"] if "inputs" in case}
    rows = [
        f"| {_kind(case)} | {int(case['inputs']):,} | {int(case['values']):,} | {int(case['errors']):,} | "
        f"{'no' if case['held'] else 'yes'} |"
        for case in sorted(newest.values(), key=_kind)
    ]
    yield _table("| what is read | inputs | came to a value | came to an error | another exception |", rows)


def _bombs(record: Record) -> Iterator[str]:
    yield "## Bombs\n"
    yield f"{_made(record)}{BOMBS}"
    rows = [
        f"| {_kind(case)} | {case['seconds']} | {int(case['memory']) // 1024**2} MiB | {case['outcome']} |"
        for case in sorted(record["counted"], key=_kind)
        if "memory" in case
    ]
    yield _table("| what was read | seconds | memory | comes to |", rows)


def _suites(record: Record) -> Iterator[str]:
    yield "## Damaged and planted\n"
    yield f"{_made(record)}{TESTS}"
    rows = [f"| {name} | {tests} | {held} |" for name, (tests, held) in record["counted"].items()]
    yield _table("| kind | tests | passed |", rows)


def _tallies(records: Sequence[Record]) -> str:
    rows = []
    for tally in (record["counted"] for record in records):
        codes = ", ".join(f"{number} × {code}" for code, number in sorted(tally["codes"].items()))
        pairs = tally["calls"] * len(FAULTS)
        counts = f"{tally['calls']} | {pairs:,} | {tally['runs']:,} | {codes} | {len(tally['faults'])}"
        rows.append(f"| {tally['what']} | {counts} |")
    return _table("| what ran | its calls | pairs of a call and a fault | runs | exit codes | did not hold |", rows)


def _kind(case: Record) -> str:
    """What stands in the brackets of a test's name, as a cell of a table."""
    return str(case["name"].partition("[")[2].removesuffix("]").replace("|", "\\|"))


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows]) + "\n"


SECTIONS = {
    "api": _api,
    "api-kills": lambda *records: _kills("a real control plane", *records),
    "stub": _stub,
    "kills": lambda *records: _kills("a stub of the API", *records),
    "parsers": _parsers,
    "bombs": _bombs,
    "suites": _suites,
}
