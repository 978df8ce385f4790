"""What a ref means among those that a server has. A calculation on the answer of ``ls-remote``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretsync.core.errors import SourceError
from secretsync.core.model import Revision
from secretsync.sources.version import version_of

if TYPE_CHECKING:
    from packaging.version import Version

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{6,39}")
_PEELED = "^{}"
_MOST_SHOWN = 8


@dataclass(eq=False)
class UnknownRef(SourceError):
    """The repository has no branch and no tag of that name."""

    code = "unknown_ref"

    url: str
    ref: str

    def __str__(self) -> str:
        if not self.ref:
            return f"{self.url} has no default branch; it is empty, or not the URL of a repository"
        if _SHORT_COMMIT.fullmatch(self.ref):
            return (
                f"{self.url} has no branch or tag {self.ref!r}; a commit needs its full id of 40 digits, "
                "since a short one can come to mean another commit"
            )
        return f"{self.url} has no branch or tag {self.ref!r}; 'git ls-remote {self.url}' lists those there are"


@dataclass(eq=False)
class NoDefaultBranch(UnknownRef):
    """HEAD names a branch that nobody has pushed; *branches* are those that there are."""

    code = "no_default_branch"

    branches: Sequence[str]

    def __str__(self) -> str:
        names = ", ".join(self.branches[:_MOST_SHOWN]) + (", …" if len(self.branches) > _MOST_SHOWN else "")
        first = "main" if "main" in self.branches else self.branches[0]
        return (
            f"{self.url}: its HEAD names no branch that exists; there are {names}: write @{first} in the requirement, "
            "or set the server's default branch"
        )


@dataclass(eq=False)
class RefVanished(UnknownRef):
    """A branch or tag that was there before is gone; *commit* is what it was last."""

    code = "ref_vanished"

    commit: str

    def __str__(self) -> str:
        return (
            f"{self.url}: {self.ref or 'its default branch'!r} vanished; it was commit {self.commit[:12]} when it was "
            "last seen. What was deployed stays; name another ref, or push this one again"
        )


@dataclass(eq=False)
class NotACommit(SourceError):
    """A tag, or an id, names a tree or a blob, which has no history and no message; *kind* is which."""

    code = "not_a_commit"

    url: str
    ref: str
    kind: str

    def __str__(self) -> str:
        return f"{self.url}: {self.ref!r} names a {self.kind}, not a commit; name a branch, or a tag of a commit"


@dataclass(eq=False)
class TagMoved(SourceError):
    """A tag names another commit than before, which honest tags do not."""

    code = "tag_moved"

    url: str
    tag: str
    previous: str
    current: str

    def __str__(self) -> str:
        return (
            f"{self.url}: tag {self.tag!r} was commit {self.previous[:12]} and is now {self.current[:12]}; ask who "
            "moved it. To go on, name a new tag, or say 'tagMoved: warn' or 'allow'"
        )


@dataclass(eq=False)
class RolledBack(SourceError):
    """The source has gone back to something older, as a server does that hides a release; both are names with facts."""

    code = "rolled_back"

    url: str
    previous: str
    current: str

    def __str__(self) -> str:
        return (
            f"{self.url}: {self.current} is older than {self.previous}, which was deployed; somebody may hide the "
            "newer one. To go back on purpose, say 'rollback: warn' or 'allow'"
        )


@dataclass(eq=False)
class AmbiguousRef(SourceError):
    """A branch and a tag of one name lead to different commits."""

    code = "ambiguous_ref"

    url: str
    ref: str

    def __str__(self) -> str:
        return (
            f"{self.url} has a branch and a tag {self.ref!r}, of different commits; "
            f"write @refs/tags/{self.ref} or @refs/heads/{self.ref}"
        )


@dataclass(eq=False)
class AmbiguousVersion(SourceError):
    """Two tags are the same version and lead to different commits."""

    code = "ambiguous_version"

    url: str
    tags: tuple[str, str]

    def __str__(self) -> str:
        return (
            f"{self.url}: the tags {self.tags[0]!r} and {self.tags[1]!r} are one version and different commits; "
            "delete one of them, or choose by 'tagPrefix'"
        )


@dataclass(eq=False)
class NoTagMatches(SourceError):
    """No tag is a version in the range that was asked for."""

    code = "no_tag_matches"

    url: str
    specifier: str
    tags: list[str]

    def __str__(self) -> str:
        names = ", ".join(self.tags[-8:]) or "none"
        return f"{self.url} has no tag that is {self.specifier}; the newest that are versions: {names}. Correct 'tag'"


@dataclass(frozen=True, slots=True)
class ResolvedRef:
    """What a ref is: the *commit*, and, for an annotated tag, the tag *object* that names it."""

    ref: str
    commit: str
    is_tag: bool = False
    object: str = ""


def check_moved_tag(current: Revision, previous: str, policy: str) -> tuple[str, ...]:
    """A warning where *current* is a tag that was the commit *previous*, and *policy* is ``warn``.

    Nothing where *previous* is empty, or *policy* ``allow``. Raises TagMoved where it is ``refuse``.
    """
    commit = current.id.partition(":")[2]
    if not current.is_tag or policy == "allow" or previous in ("", commit):
        return ()
    moved = TagMoved(current.source, current.ref, previous, commit)
    if policy == "refuse":
        raise moved
    return (str(moved),)


def check_older_tag(current: Revision, live: Revision, prefix: str, policy: str) -> tuple[str, ...]:
    """A warning where *current* is a tag of a lower version than the tag that is *live*, and *policy* is ``warn``.

    Raises RolledBack where it is ``refuse``. *prefix* stands before the versions.
    """
    versions = [_version(revision.ref.removeprefix("refs/tags/"), prefix) for revision in (current, live)]
    if current.source != live.source or not current.is_tag or versions[0] is None or versions[1] is None:
        return ()
    if versions[0] >= versions[1]:
        return ()
    return check_rollback(RolledBack(current.source, f"tag {live.ref!r}", f"tag {current.ref!r}"), policy)


def check_rollback(rollback: RolledBack, policy: str) -> tuple[str, ...]:
    """The warning that *policy* makes of it. Raises RolledBack where it is ``refuse``."""
    if policy == "refuse":
        raise rollback
    return (str(rollback),) if policy == "warn" else ()


def is_commit(ref: str) -> bool:
    """Whether *ref* is written as a full commit id."""
    return _COMMIT.fullmatch(ref) is not None


def names_of(ref: str) -> tuple[str, ...]:
    """The full names to ask a server for."""
    if ref in ("", "HEAD"):
        return ("HEAD",)
    if ref.startswith("refs/"):
        return (ref, f"{ref}{_PEELED}")
    return (f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/tags/{ref}{_PEELED}")


def find(url: str, ref: str, refs: Mapping[str, str]) -> ResolvedRef:
    """The one thing that *ref* names. Raises UnknownRef, AmbiguousRef."""
    matches = [_resolved(ref, name, refs) for name in names_of(ref) if name in refs and not name.endswith(_PEELED)]
    if not matches:
        raise UnknownRef(url, ref)
    if len({resolved.commit for resolved in matches}) > 1:
        raise AmbiguousRef(url, ref)
    return matches[-1]


def name_of(commit: str, refs: Mapping[str, str]) -> str:
    """A ref of the server's that is *commit*, by itself or as an annotated tag; empty where none is."""
    return next((name.removesuffix(_PEELED) for name, value in refs.items() if value == commit), "")


def find_newest_tag(url: str, specifier: str, prefix: str, refs: Mapping[str, str]) -> ResolvedRef:
    """The tag with the highest version that *specifier* takes (PEP 440). Raises NoTagMatches, AmbiguousVersion.

    *prefix* stands before the version; empty: nothing or ``v``. Pre-releases only where the specifier names one.
    """
    from packaging.specifiers import SpecifierSet

    specifiers = SpecifierSet(specifier)
    versions: dict[Version, list[str]] = {}
    for name in refs:
        if name.startswith("refs/tags/") and not name.endswith(_PEELED):
            version = _version(name.removeprefix("refs/tags/"), prefix)
            if version is not None:
                versions.setdefault(version, []).append(name)
    matching = list(specifiers.filter(versions, prereleases=bool(specifiers.prereleases)))
    if not matching:
        raise NoTagMatches(url, specifier, [versions[version][-1][10:] for version in sorted(versions)])
    newest = [_resolved(name.removeprefix("refs/tags/"), name, refs) for name in versions[max(matching)]]
    for tag in newest:
        if tag.commit != newest[-1].commit:
            raise AmbiguousVersion(url, (tag.ref, newest[-1].ref))
    return newest[-1]


def _resolved(ref: str, name: str, refs: Mapping[str, str]) -> ResolvedRef:
    commit = refs.get(f"{name}{_PEELED}", refs[name])
    return ResolvedRef(ref, commit, name.startswith("refs/tags/"), refs[name] if refs[name] != commit else "")


def _version(tag: str, prefix: str) -> Version | None:
    # PEP 440 itself allows a 'v' before the version
    return version_of(tag[len(prefix) :]) if tag.startswith(prefix) else None
