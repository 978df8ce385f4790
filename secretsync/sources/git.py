"""A policy package in a git repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from secretsync.config import Package
from secretsync.errors import SecretSyncError
from secretsync.locate import Kind, Located, locate
from secretsync.model import Bundle, Revision
from secretsync.requirement import GitRequirement
from secretsync.sources.bundling import make_bundle, refuse_too_many
from secretsync.sources.git_cache import BrokenCache, GitCache, entries
from secretsync.sources.git_failure import CommitNotServed
from secretsync.sources.git_remote import Remote
from secretsync.sources.version import confirmed_version, project_files, stated_version, tagged_version

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{6,39}")


class UnknownRef(SecretSyncError):
    """The repository has no branch and no tag of that name."""

    def __init__(self, url: str, ref: str) -> None:
        super().__init__(url, ref)
        self.url, self.ref = url, ref

    def __str__(self) -> str:
        if not self.ref:
            return f"{self.url} has no default branch; it is empty, or not the URL of a repository"
        if _SHORT_COMMIT.fullmatch(self.ref):
            return (
                f"{self.url} has no branch or tag {self.ref!r}; a commit needs its full id of 40 digits, "
                "since a short one can come to mean another commit"
            )
        return f"{self.url} has no branch or tag {self.ref!r}; 'git ls-remote {self.url}' lists those there are"


class AmbiguousRef(SecretSyncError):
    """A branch and a tag of one name lead to different commits."""

    def __init__(self, url: str, ref: str) -> None:
        super().__init__(url, ref)
        self.url, self.ref = url, ref

    def __str__(self) -> str:
        return (
            f"{self.url} has a branch and a tag {self.ref!r}, of different commits; "
            f"write @refs/tags/{self.ref} or @refs/heads/{self.ref}"
        )


class GitSource:
    """Resolves with one ``ls-remote``, fetches what is missing into a bare cache, reads from there."""

    def __init__(self, package: Package, requirement: GitRequirement, *, cache: Path, base: Path) -> None:
        self._package, self._requirement = package, requirement
        self._remote = Remote(requirement.url, package.access, folder=cache / "git", base=base, timeout=package.timeout)
        self._cache = GitCache(cache, self._remote, timeout=package.timeout, limit=package.limits.download)

    def resolve(self) -> Revision:
        """The commit that the ref names now. Raises UnknownRef, AmbiguousRef, GitFailed, GitTimedOut."""
        ref = self._requirement.ref
        commit = ref if _COMMIT.fullmatch(ref) else self._commit_of(ref)
        return Revision(self._requirement.url, ref, f"commit:{commit}")

    def fetch(self, revision: Revision) -> Bundle:
        """The package's files at *revision*; from the cache where they are there."""
        commit = revision.id.partition(":")[2]
        with self._cache.locked():
            try:
                return self._read(revision, commit)
            except BrokenCache:
                self._cache.discard()
                return self._read(revision, commit)

    def _commit_of(self, ref: str) -> str:
        names = _full_names(ref)
        found = self._remote.refs(*names)
        commits = {found.get(f"{name}^{{}}", value) for name, value in found.items() if not name.endswith("^{}")}
        if not commits:
            raise UnknownRef(self._requirement.url, ref)
        if len(commits) > 1:
            raise AmbiguousRef(self._requirement.url, ref)
        return commits.pop()

    def _read(self, revision: Revision, commit: str) -> Bundle:
        ref = "" if _COMMIT.fullmatch(revision.ref) else revision.ref or "HEAD"
        self._cache.prepare()
        if not self._cache.has_commit(commit):
            self._cache.fetch_commit(commit, ref)
        try:
            return self._bundle(revision, commit)
        except CommitNotServed:
            self._cache.fetch_whole(commit, ref)
            return self._bundle(revision, commit)

    def _bundle(self, revision: Revision, commit: str) -> Bundle:
        tree = self._cache.tree(commit)
        located = self._locate(tree)
        projects = project_files(tree, located.directory)
        ids = {place: tree[place][1] for place in (*located.files.values(), *projects)}
        data = self._cache.contents(list(ids.values()))
        contents = {path: data[ids[place]] for path, place in located.files.items()}
        version, notes = self._version({place: data[ids[place]] for place in projects})
        return make_bundle(self._package, revision, contents, version=version, notes=notes)

    def _locate(self, tree: Mapping[str, tuple[Kind, str]]) -> Located:
        located = locate(
            entries(tree, self._cache.contents),
            self._package.module_name,
            subdirectory=self._requirement.subdirectory,
            include=self._package.include,
            exclude=self._package.exclude,
        )
        refuse_too_many(self._package, len(located.files))
        return located

    def _version(self, projects: Mapping[str, bytes]) -> tuple[str, tuple[str, ...]]:
        """The version that the nearest pyproject states, else the one that the tag is; and what to tell about it."""
        statements = [(place, stated_version(data)) for place, data in projects.items()]
        tag = self._requirement.ref.removeprefix("refs/tags/")
        statements.append((f"tag {tag}", tagged_version(tag)))
        return confirmed_version(self._package, statements)


def _full_names(ref: str) -> tuple[str, ...]:
    if not ref or ref == "HEAD":
        return ("HEAD",)
    if ref.startswith("refs/"):
        return (ref, f"{ref}^{{}}")
    return (f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/tags/{ref}^{{}}")
