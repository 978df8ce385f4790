"""What is deployed, and what is kept, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from secretsync.cli.output.text import wrapped
from secretsync.core.kinds.kind import State
from secretsync.operations.releases import Deployed, Entry


def render_status(destination: str, deployed: Sequence[Deployed], output: str) -> str:
    """What is deployed at one destination."""
    if output == "json":
        return json.dumps({"destination": destination, "packages": [_document(one) for one in deployed]}) + "\n"
    lines = [destination, *(line for one in deployed for line in _lines(one))]
    return "\n".join(lines) + "\n"


def render_history(entries: Sequence[Entry], output: str) -> str:
    """The earlier bundles, newest first."""
    if output == "json":
        return json.dumps([_entry(entry) for entry in entries]) + "\n"
    if not entries:
        return "no earlier bundle is kept yet: the first is kept when the content changes\n"
    rows = [("WRITE", "VERSION", "REVISION", "DIGEST", "FILES")]
    rows += [
        (
            str(e.revision_number),
            e.bundle.version or "-",
            e.bundle.revision.short,
            e.bundle.digest[:12],
            str(len(e.bundle.files)),
        )
        for e in entries
    ]
    return "".join(line + "\n" for line in _table(rows))


def _lines(one: Deployed) -> Iterable[str]:
    if one.bundle is None:
        yield f"  {one.module}: nothing is deployed; 'secretsync --once' does it"
        return
    bundle = one.bundle
    yield f"  {one.module} {bundle.version}".rstrip()
    yield f"    revision  {bundle.revision.id}"
    yield f"    from      {bundle.revision.source} {bundle.revision.ref}".rstrip()
    yield f"    digest    sha256:{bundle.digest}"
    yield f"    write     {one.revision_number}{f', since {one.since:%Y-%m-%d %H:%M:%S} UTC' if one.since else ''}"
    if one.result:
        yield wrapped(f"    passes    {one.result.verdict}, since {_time(one.result.since)}")
    if one.drift:
        yield wrapped("    DRIFT     the live bytes are not those that were written; the next run repairs them")
    if one.remembered.hold:
        yield wrapped(f"    HELD      {one.remembered.hold.reason}")
    if not one.remembered.finished:
        yield wrapped("    OPEN      the rollout of this write was not seen to a good end; the next run goes on")
    yield from _workloads(one)


def _workloads(one: Deployed) -> Iterable[str]:
    current = [
        ref for ref, (revision_number, status) in one.workloads.items() if _runs(one, revision_number, status.state)
    ]
    yield f"    workloads {len(current)} of {len(one.workloads)} run it"
    for ref, (revision_number, status) in sorted(one.workloads.items()):
        if ref not in current:
            what = f"carries write {revision_number}" if revision_number else "was never restarted for it"
            yield wrapped(f"      {ref.kind} {ref.name}: {what}; {status.state}: {status.message}")


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _runs(one: Deployed, revision_number: int, state: State) -> bool:
    return revision_number in (0, one.revision_number) and state in (State.CURRENT, State.WRITTEN)


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _document(one: Deployed) -> dict[str, Any]:
    bundle = one.bundle
    return {
        "module": one.module,
        "version": bundle.version if bundle else None,
        "revision": bundle.revision.id if bundle else None,
        "source": bundle.revision.source if bundle else None,
        "ref": bundle.revision.ref if bundle else None,
        "digest": f"sha256:{bundle.digest}" if bundle else None,
        "write": one.revision_number,
        "since": one.since.isoformat() if one.since else None,
        "drift": one.drift,
        "held": one.remembered.hold.reason if one.remembered.hold else None,
        "result": asdict(one.result) if one.result else None,
        "finished": one.remembered.finished,
        "workloads": [
            {"workload": str(ref), "write": revision_number, "state": str(status.state), "message": status.message}
            for ref, (revision_number, status) in sorted(one.workloads.items())
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    bundle = entry.bundle
    return {
        "write": entry.revision_number,
        "version": bundle.version,
        "revision": bundle.revision.id,
        "digest": f"sha256:{bundle.digest}",
        "files": len(bundle.files),
    }
