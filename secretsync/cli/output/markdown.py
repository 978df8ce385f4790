"""A report for a comment on a merge request: the outcome first, details folded, within what forges take.

Words of others are text alone: they format nothing, link nothing and mention nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secretsync.cli.output.report import Action, FileChange, Package, Report, SecretChange, Target
from secretsync.cli.output.sentences import count, short_commit
from secretsync.core.escape import visible

LIMIT = 65_536
"""Bytes that GitHub takes as a comment (in characters); GitLab and Gitea take more."""

_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_ROOM = 600
"""Bytes kept for the sentence that says what was left out, and for a mark by which the comment is found again."""

_NAMED, _LONGEST_NAME = 6, 64
"""Parts that are named where they were left out, and the bytes of a name."""

_SUMMARY, _FINDINGS, _ROLLOUT, _RESTARTS, _POLICY, _FILES, _DIFF = range(7)


@dataclass(frozen=True)
class Section:
    """A part of the report; what has the highest *rank* is left out first. *name* says what is missing then."""

    rank: int
    name: str
    text: str

    @property
    def size(self) -> int:
        """Bytes of its text as UTF-8."""
        return len(self.text.encode())


def render(report: Report, limit: int = LIMIT) -> str:
    """The report in GitHub's flavour of Markdown, in at most *limit* bytes of UTF-8."""
    sections = [section for target in report.targets for section in _target(target)]
    if report.plan_id:
        sections.insert(0, Section(_SUMMARY, "the plan's id", f"Plan {code(report.plan_id)}"))
    kept = _within(sections, limit - _ROOM)
    omitted = list(dict.fromkeys(section.name for section in sections if section not in kept))
    text = "\n\n".join(section.text for section in kept)
    if omitted:
        omitted_names = _named(omitted)
        text += f"\n\n_Left out, as a comment takes {limit:,} bytes: {omitted_names}._"
    return f"{text}\n"


def _named(names: Sequence[str]) -> str:
    """Some of the names, in few bytes, and the number of the others."""
    shown = [name for name in names if len(name.encode()) <= _LONGEST_NAME][:_NAMED]
    more = len(names) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def _within(sections: Sequence[Section], limit: int) -> list[Section]:
    """The sections that fit into *limit* bytes, in their order; the most important are chosen first."""
    chosen: set[int] = set()
    remaining = limit
    for index, section in sorted(enumerate(sections), key=lambda item: (item[1].rank, item[0])):
        if section.size + 2 <= remaining:
            remaining -= section.size + 2
            chosen.add(index)
    return [section for index, section in enumerate(sections) if index in chosen]


def _target(target: Target) -> Iterator[Section]:
    name = plain_text(_shortened(target.target, 120))
    yield Section(_SUMMARY, f"target {name}", f"### {name}\n\n{_verdict(target)}")
    yield from _folded(_FINDINGS, f"{count(len(target.findings), 'finding')}", _findings(target), opened=True)
    yield from _of_packages(target)
    yield from _folded(_ROLLOUT, "rollout", _rollout(target))
    yield from _folded(_RESTARTS, _restarts_title(target), _restarts(target))
    yield from _folded(_POLICY, "policy", _policy(target))
    for decided in target.actions:
        changed = [action for action in decided.actions if action.change]
        title = f"who decides on Rucio's actions in {decided.module}: {count(len(changed), 'change')}"
        yield from _folded(_POLICY, title, _actions(changed))
    yield from _diffs(target)
    if target.undo:
        yield from _folded(_ROLLOUT, "rollback", _rollout(target.undo))


def _verdict(target: Target) -> str:
    lines = [f"**{plain_text(_shortened(target.summary, 1_000))}**"]
    if target.remedy:
        lines.append(plain_text(target.remedy))
    return "\n\n".join(lines)


def _of_packages(target: Target) -> Iterator[Section]:
    for package in target.packages:
        yield Section(_SUMMARY, f"package {plain_text(package.module)}", "\n".join(_package(package)))
        changed = [secret for secret in package.secrets if secret.action != "keep"]
        title = f"{count(len(changed), 'Secret')} of {package.module}"
        yield from _folded(_FILES, title, [line for change in changed for line in _secret(change)])
    remarks = [
        *(f"warning: {warning}" for warning in target.warnings),
        *(f"note: {note}" for note in target.notes),
        *_by_hand(target),
    ]
    remarks += [f"degraded: {degradation.module}: {degradation.problem.message}" for degradation in target.degraded]
    if remarks:
        yield Section(_FINDINGS, "warnings", "\n".join(f"- {plain_text(remark)}" for remark in remarks))


def _by_hand(target: Target) -> Iterator[str]:
    yield from (f"values {file.path} change" for file in target.values if not file.by_hand)
    yield from (f"change {file.path} by hand: {file.by_hand}" for file in target.values if file.by_hand)


def _package(package: Package) -> Iterator[str]:
    changes = package.live_revision not in (None, package.revision)
    revision = f"{package.live_revision} → {package.revision}" if changes else str(package.revision)
    name = f"**{plain_text(package.module)}** {plain_text(package.version)}"
    yield f"- {name.strip()} at {code(short_commit(package.commit))}".rstrip()
    yield f"  - source {code(package.source)}" + (f", {code(package.ref)}" if package.ref else "")
    yield f"  - revision {revision}, {code(package.digest)}"


def _secret(change: SecretChange) -> Iterator[str]:
    yield f"- {change.action} Secret {code(change.name)}: {count(change.keys, 'file')}, {change.bytes:,} bytes"
    yield from (f"  - {_MARKS[file.change]} {code(file.path)}" for file in change.files)


def _findings(target: Target) -> Iterator[str]:
    for finding in target.findings:
        location = (
            f" {code(f'{finding.path}:{finding.line}' if finding.line else finding.path)}" if finding.path else ""
        )
        sentences = f"{plain_text(finding.effect)}. {plain_text(finding.remedy)}"
        yield f"- **{finding.severity}**{location} {code(finding.rule)}: {sentences}"


def _rollout(target: Target) -> Iterator[str]:
    for status in target.rollout:
        remark = "" if status.counts else " (not healthy before the run)"
        yield f"- {plain_text(status.state)}{remark}: {code(str(status.workload))}: {plain_text(status.message)}"


def _restarts_title(target: Target) -> str:
    return f"{count(len(target.restarts), 'workload')} {'restart' if target.dry_run else 'restarted'}"


def _restarts(target: Target) -> Iterator[str]:
    for restart in target.restarts:
        yield f"- {code(str(restart.workload))}: {plain_text(restart.reason)}"
    for workload in target.not_restarted:
        yield f"- not restarted (rollout stopped): {code(str(workload))}"


def _policy(target: Target) -> Iterator[str]:
    for policy in target.policy:
        for change in policy.changes:
            yield f"- {change.kind} {code(change.name)} {change.change}"


def _actions(changed: Sequence[Action]) -> Iterator[str]:
    if changed:
        yield "| action | change | decided by, before | decided by, after | Rucio |\n|---|---|---|---|---|"
    for action in changed:
        versions = ", ".join(action.rucio)
        action_code = code(action.action).replace("|", "\\|")
        cells = (action_code, action.change, plain_text(action.before), plain_text(action.after), plain_text(versions))
        yield f"| {' | '.join(cell or '-' for cell in cells)} |"


def _diffs(target: Target) -> Iterator[Section]:
    for package in target.packages:
        for secret in package.secrets:
            yield from (_diff(file) for file in secret.files if file.diff)


def _diff(file: FileChange) -> Section:
    body = "\n".join(visible(line) for line in file.diff or ())
    fence = "`" * max(3, 1 + _longest_run(body))
    return Section(
        _DIFF,
        f"the diff of {plain_text(file.path)}",
        f"<details><summary>diff of {plain_text(file.path)}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>",
    )


def _folded(rank: int, title: str, lines: Iterator[str] | Sequence[str], *, opened: bool = False) -> Iterator[Section]:
    """Lines below a title that opens them; nothing where there are none."""
    body = "\n".join(lines)
    if body:
        state = " open" if opened else ""
        title = plain_text(title)
        yield Section(rank, title, f"<details{state}><summary>{title}</summary>\n\n{body}\n\n</details>")


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def plain_text(text: str) -> str:
    """*text* as text: punctuation as entities, and no mention of a person or an issue."""
    escaped = re.sub(r"[!-/:-@\[-`{-~]", _entity, visible(text))
    return escaped.replace("\t", " ").strip()


_QUIET = frozenset(",.;()'\"-/%=?:")
"""Punctuation that formats nothing inside a line whose beginning is ours; links are broken below."""


def _entity(match: re.Match[str]) -> str:
    char = match[0]
    if char in "@#":
        return f"&#{ord(char)};\u2060"  # a word joiner: forges look for mentions in the rendered text
    if char == ":" and match.string.startswith("://", match.start()):
        return ":\u2060"
    if char == "." and match.string[: match.start()].lower().endswith("www"):
        return "\u2060."  # before it: browsers drop the joiner from a host's name
    return char if char in _QUIET else f"&#{ord(char)};"


def code(text: str) -> str:
    """*text* as code, in which nothing else is formatted."""
    shown = visible(text).replace("\t", " ")
    fence = "`" * (1 + _longest_run(shown))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown.strip() else ""


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
