"""A policy package in a git repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from secretsync.config import Package
from secretsync.config.requirement import GitRequirement
from secretsync.core.model import Bundle, Revision
from secretsync.sources.build import bundle_of_project
from secretsync.sources.bundle import make_bundle, refuse_too_many
from secretsync.sources.git import refs
from secretsync.sources.git.cache import GitCache, entries
from secretsync.sources.git.errors import CommitNotServed
from secretsync.sources.git.refs import (
    NoDefaultBranch,
    RefVanished,
    ResolvedRef,
    RolledBack,
    UnknownRef,
    check_moved_tag,
    check_rollback,
)
from secretsync.sources.git.remote import Remote
from secretsync.sources.git.signature import committed_at, confirm_tag_name, split_commit, split_tag, verify
from secretsync.sources.locate import Located, locate
from secretsync.sources.tree import Kind
from secretsync.sources.version import (
    confirmed_version,
    notes_on_generated_files,
    project_files,
    stated_version,
    tagged_version,
)

_LONGEST_SUBJECT = 120


def subject_of(commit: bytes) -> str:
    """The first line of a raw commit's message, cut where it is too long for a table."""
    message = commit.partition(b"\n\n")[2].decode(errors="replace").strip()
    return message.partition("\n")[0].strip()[:_LONGEST_SUBJECT]


class GitSource:
    """Resolves with one ``ls-remote``, fetches what is missing into a bare cache, reads from there."""

    def __init__(
        self,
        package: Package,
        requirement: GitRequirement,
        *,
        cache: Path,
        base: Path,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._package, self._requirement, self._base = package, requirement, base
        self._remote = Remote(requirement.url, package.access, folder=cache / "git", base=base, timeout=package.timeout)
        self._cache = GitCache(cache, self._remote, timeout=package.timeout, limit=package.limits.download)
        self._lasting_notes, self._notes = notes, notes

    @staticmethod
    def pinned(requirement: GitRequirement, bundle: Bundle) -> str:
        """The requirement with the commit in place of the ref, for pip."""
        fragment = f"#subdirectory={requirement.subdirectory}" if requirement.subdirectory else ""
        return f"git+{requirement.url}@{bundle.revision.id.partition(':')[2]}{fragment}"

    @staticmethod
    def package_name(requirement: GitRequirement) -> str:
        """The last part of the subdirectory or the address, without ``.git``."""
        return (requirement.subdirectory or requirement.url).rstrip("/").rpartition("/")[2].removesuffix(".git")

    def resolve(self) -> Revision:
        """The commit that the ref names now.

        Raises UnknownRef, NoDefaultBranch, RefVanished, AmbiguousRef, NoTagMatches, AmbiguousVersion, TagMoved,
        GitFailed, GitTimedOut.
        """
        resolved_ref = self._resolve_ref()
        revision = Revision(
            self._requirement.url, resolved_ref.ref, f"commit:{resolved_ref.commit}", resolved_ref.is_tag
        )
        moved = check_moved_tag(revision, self._cache.remembered(resolved_ref.ref), self._package.tag_moved)
        self._notes = (*self._lasting_notes, *moved)
        return revision

    def fetch(self, revision: Revision) -> Bundle:
        """The package's files at *revision*; from the cache where they are there."""
        commit = revision.id.partition(":")[2]
        with self._cache.locked():
            bundle = self._cache.healed(lambda: self._read(revision, commit))
            self._cache.remember(revision.ref, commit)
        return bundle

    def _resolve_ref(self) -> ResolvedRef:
        url, ref = self._requirement.url, self._requirement.ref
        if self._package.tag:
            tags = self._remote.matching_refs("refs/tags/*")
            return refs.find_newest_tag(url, self._package.tag, self._package.tag_prefix, tags)
        if refs.is_commit(ref):
            return ResolvedRef(ref, ref)
        try:
            return refs.find(url, ref, self._remote.refs(*refs.names_of(ref)))
        except UnknownRef:
            if previous := self._cache.remembered(ref):
                raise RefVanished(url, ref, previous) from None
            if ref in ("", "HEAD") and (branches := self._branches()):
                raise NoDefaultBranch(url, branches) from None
            raise

    def _branches(self) -> list[str]:
        prefix = "refs/heads/"
        names = self._remote.matching_refs(f"{prefix}*")
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def _read(self, revision: Revision, commit: str) -> Bundle:
        ref = "" if refs.is_commit(revision.ref) else revision.ref or "HEAD"
        self._cache.prepare(commit)
        if not self._cache.has_commit(commit):
            self._cache.fetch_commit(commit, ref)
        self._verify(revision.ref, commit)
        self._notes = (*self._notes, *self._check_older_commit(revision.ref, commit))
        revision = replace(revision, subject=subject_of(self._cache.object("commit", commit)))
        try:
            return self._bundle(revision, commit)
        except CommitNotServed:
            self._cache.fetch_whole(commit, ref)
            return self._bundle(revision, commit)

    def _verify(self, ref: str, commit: str) -> None:
        """Raises a SignatureRefused before anything of the tree is read."""
        verification = self._package.verify
        if verification is None:
            return
        if verification.mode != "commit":
            name = ref.removeprefix("refs/tags/") or "HEAD"
            tag = split_tag(self._cache.tag_object(f"refs/tags/{name}", commit))
            verify(f"tag {name}", tag, verification, self._base)
            confirm_tag_name(name, tag)
        if verification.mode != "tag":
            signed = split_commit(self._cache.object("commit", commit))
            verify(f"commit {commit[:12]}", signed, verification, self._base)

    def _check_older_commit(self, ref: str, commit: str) -> tuple[str, ...]:
        """Whether a signed commit was made before the one that its ref named last. Raises RolledBack."""
        previous = self._cache.remembered(ref)
        if self._package.verify is None or previous in ("", commit) or not self._cache.has_commit(previous):
            return ()
        times = [committed_at(self._cache.object("commit", name)) for name in (commit, previous)]
        if times[0] >= times[1]:
            return ()
        url, names = self._requirement.url, [f"commit {name[:12]}" for name in (previous, commit)]
        return check_rollback(RolledBack(url, names[0], names[1]), self._package.rollback)

    def _bundle(self, revision: Revision, commit: str) -> Bundle:
        tree = self._cache.tree(commit)
        if self._package.build:
            return self._built(revision, tree)
        located = self._locate(tree)
        projects = project_files(tree, located.directory)
        ids = {source_path: tree[source_path][1] for source_path in (*located.files.values(), *projects)}
        data = self._cache.contents(list(ids.values()), at_most=self._package.limits.bytes)
        contents = {path: data[ids[source_path]] for path, source_path in located.files.items()}
        stated = {path: data[ids[path]] for path in projects}
        version, notes = self._version(revision.ref, stated)
        notes = (*self._notes, *notes, *notes_on_generated_files(stated, tree))
        bundle = make_bundle(self._package, revision, contents, version=version, notes=notes)
        return replace(bundle, directory=located.directory)

    def _built(self, revision: Revision, tree: Mapping[str, tuple[Kind, str]]) -> Bundle:
        """The bundle of the wheel that the project builds to."""
        prefix = f"{self._requirement.subdirectory}/" if self._requirement.subdirectory else ""
        files = {path: name for path, (kind, name) in tree.items() if path.startswith(prefix) and kind is Kind.FILE}
        data = self._cache.contents(list(files.values()), at_most=self._package.limits.download)
        project = {path.removeprefix(prefix): data[name] for path, name in files.items()}
        stated = {"pyproject.toml": project["pyproject.toml"]} if "pyproject.toml" in project else {}
        version, notes = self._version(revision.ref, stated)
        return bundle_of_project(self._package, revision, project, version=version, notes=(*self._notes, *notes))

    def _locate(self, tree: Mapping[str, tuple[Kind, str]]) -> Located:
        located = locate(
            entries(tree, partial(self._cache.contents, at_most=self._package.limits.bytes)),
            self._package.module_name,
            subdirectory=self._requirement.subdirectory,
            include=self._package.include,
            exclude=self._package.exclude,
        )
        refuse_too_many(self._package, len(located.files))
        return located

    def _version(self, ref: str, projects: Mapping[str, bytes]) -> tuple[str, tuple[str, ...]]:
        """The version that the nearest pyproject states, else the one that the tag is; and what to tell about it."""
        statements = [(path, stated_version(data)) for path, data in projects.items()]
        tag = ref.removeprefix("refs/tags/")
        statements.append((f"tag {tag}", tagged_version(tag)))
        return confirmed_version(self._package, statements)
