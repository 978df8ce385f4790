"""Which revisions are kept, and what is suspended: documents, and their tables for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from secretsync.cli.output.ages import age, date
from secretsync.cli.output.report import FileChange, Model
from secretsync.cli.output.sentences import commit_cell, count
from secretsync.cli.output.style import PLAIN, Style, readable
from secretsync.operations.releases import Entry
from secretsync.plan.state import Hold


class Suspension(Model):
    """Why the source of a package is not followed; *by* and *since* are empty where that is not known."""

    reason: str
    by: str = ""
    since: datetime | None = None
    rejected_digest: str | None = None
    """Of content that failed; a new commit with other content ends such a suspension."""
    restores: int | None = None
    """The revision number, of before, of what a rollback by hand brought back."""


class Revision(Model):
    """A revision that is live or kept."""

    revision: int
    status: Literal["live", "kept"]
    date: datetime | None
    version: str
    source: str
    ref: str
    commit: str
    subject: str
    digest: str
    files: tuple[str, ...]
    restores: tuple[int, ...] = ()
    """The numbers that the same files had before a rollback or an undo brought them back; they name it too."""
    edited: bool = False
    """Whether somebody changed its files in the cluster: they are not what its commit holds."""


class HistoryReport(Model):
    """What ``secretsync history`` says."""

    version: Literal[1] = 1
    time: datetime
    target: str
    module: str
    revisions: tuple[Revision, ...]
    damage: tuple[str, ...] = ()
    """What is wrong with the live Secrets beside their files; the next run corrects it."""


class RevisionReport(Model):
    """What ``secretsync history show`` says."""

    version: Literal[1] = 1
    target: str
    module: str
    revision: Revision


class RevisionDiff(Model):
    """What ``secretsync diff`` says: how the files of two revisions differ."""

    version: Literal[1] = 1
    before: Revision
    after: Revision
    files: tuple[FileChange, ...]


class SuspensionReport(Model):
    """What ``secretsync suspend`` and ``resume`` say."""

    version: Literal[1] = 1
    target: str
    module: str
    suspended: bool
    changed: bool
    dry_run: bool
    suspension: Suspension | None


def describe_suspension(hold: Hold | None) -> Suspension | None:
    """A suspension as the state object has it."""
    if hold is None:
        return None
    return Suspension(
        reason=hold.reason,
        by=hold.by,
        since=datetime.fromtimestamp(hold.since, UTC) if hold.since else None,
        rejected_digest=f"sha256:{hold.digest}" if hold.digest else None,
        restores=hold.restored or None,
    )


def describe_revision(entry: Entry) -> Revision:
    """A revision of the history."""
    bundle = entry.bundle
    return Revision(
        revision=entry.revision_number,
        status="live" if entry.live else "kept",
        date=entry.written,
        version=bundle.version,
        source=bundle.revision.source,
        ref=bundle.revision.ref,
        commit=bundle.revision.id,
        subject=bundle.revision.subject,
        digest=f"sha256:{bundle.digest}",
        files=tuple(file.path for file in bundle.files),
        restores=entry.restores,
        edited=entry.edited,
    )


def history_text(report: HistoryReport, style: Style = PLAIN) -> str:
    """The revisions, newest first."""
    if not report.revisions:
        return f"{report.module} is not deployed in {report.target}: there is no history\n"
    shown = readable(report)
    rows = [
        {
            "REVISION": str(revision.revision),
            "RESTORES": _numbers(revision.restores),
            "STATUS": _revision_status(revision),
            "AGE": age(revision.date, shown.time),
            "DATE": date(revision.date),
            "VERSION": revision.version or "-",
            "COMMIT": commit_cell(revision.commit),
            "FILES": str(len(revision.files)),
            "SUBJECT": revision.subject or "",
        }
        for revision in shown.revisions
    ]
    table = style.columns(rows, droppable=("FILES", "SUBJECT"))
    remarks = (style.wrap(f"{shown.module}: {damage}; 'secretsync status' says what to do") for damage in shown.damage)
    return "".join(f"{line}\n" for line in (*table, *remarks))


def _numbered(revision: Revision) -> str:
    """``3 (restores 1)``."""
    return f"{revision.revision}" + (f" (restores {_numbers(revision.restores)})" if revision.restores else "")


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _revision_status(revision: Revision) -> str:
    return f"{revision.status}, edited" if revision.edited else revision.status


def revision_text(report: RevisionReport, style: Style = PLAIN) -> str:
    """One revision with the names of its files."""
    shown = readable(report.revision)
    facts = {
        "status": _revision_status(shown),
        **({"restores": f"revision {_numbers(shown.restores)}"} if shown.restores else {}),
        "date": date(shown.date),
        "version": shown.version or "-",
        "source": f"{shown.source} {shown.ref}".rstrip(),
        "commit": shown.commit.removeprefix("commit:"),
        "subject": shown.subject or "-",
        "digest": shown.digest,
        "files": str(len(shown.files)),
    }
    lines = [style.paint("title", f"revision {shown.revision}")]
    lines += [f"  {name:<10}{value}" for name, value in facts.items()]
    return "".join(f"{line}\n" for line in (*lines, *(f"    {path}" for path in shown.files)))


def diff_text(report: RevisionDiff, style: Style = PLAIN) -> str:
    """The files that differ, with their lines."""
    from secretsync.cli.output.text import file_lines

    shown = readable(report)
    yield_from = [line for file in shown.files for line in file_lines(file, style)]
    changed = f"{count(len(shown.files), 'file')} changed"
    head = f"revision {_numbered(shown.before)} -> {_numbered(shown.after)}: {changed}"
    return "".join(f"{line}\n" for line in (head, *yield_from))


def _ended(suspension: Suspension | None) -> str:
    """What a resume ends, and what comes of it."""
    reason = f": {suspension.reason}" if suspension else ""
    if suspension and suspension.rejected_digest:
        return f"the rejection ends, and the next apply tries that content again. It was{reason[1:]}"
    return f"it was suspended{reason}. The next apply deploys what the source holds"


def suspension_text(report: SuspensionReport, style: Style = PLAIN) -> str:
    """What a suspend or a resume did."""
    shown = readable(report)
    subject = f"{shown.module} in {shown.target}"
    reason = f": {shown.suspension.reason}" if shown.suspension else ""
    if not shown.changed:
        return f"{subject} is not suspended; nothing to do\n"
    if shown.suspended:
        text = f"{subject} {'would be' if shown.dry_run else 'is'} suspended{reason}"
    else:
        would = "would be" if shown.dry_run else "is"
        text = f"{subject} {would} resumed; {_ended(shown.suspension)}"
    return style.wrap(text) + "\n"
