"""A policy package's files at a commit: fetched into the cache, verified, located, and made a bundle."""

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
from secretsync.sources.git.commit import committed_at, subject_of
from secretsync.sources.git.errors import CommitNotServed
from secretsync.sources.git.fetched_refs import FetchedRefs
from secretsync.sources.git.refs import RolledBack, check_rollback
from secretsync.sources.git.signature import confirm_tag_name, split_commit, split_tag, verify
from secretsync.sources.locate import Located, locate
from secretsync.sources.tree import Kind
from secretsync.sources.version import (
    confirmed_version,
    notes_on_generated_files,
    project_files,
    stated_version,
    tagged_version,
)


class CommitReader:
    """Reads a package's files at a commit from *cache*, which has to be locked; what is missing is fetched."""

    def __init__(
        self, package: Package, requirement: GitRequirement, cache: GitCache, fetched: FetchedRefs, base: Path
    ) -> None:
        self._package, self._requirement, self._base = package, requirement, base
        self._cache, self._fetched = cache, fetched

    def read(self, revision: Revision, notes: tuple[str, ...]) -> Bundle:
        """The package's files at *revision*; *notes* go into the bundle.

        Raises SignatureRefused, RolledBack, GitFailed, GitTimedOut, BrokenCache.
        """
        commit = revision.id.partition(":")[2]
        ref = "" if refs.is_commit(revision.ref) else revision.ref or "HEAD"
        self._cache.prepare(commit)
        if not self._cache.has_commit(commit):
            self._cache.fetch_commit(commit, ref)
        self._verify(revision.ref, commit)
        notes = (*notes, *self._check_older_commit(revision.ref, commit))
        revision = replace(revision, subject=subject_of(self._cache.object("commit", commit)))
        try:
            return self._bundle(revision, commit, notes)
        except CommitNotServed:
            self._cache.fetch_whole(commit, ref)
            return self._bundle(revision, commit, notes)

    def _verify(self, ref: str, commit: str) -> None:
        """Raises a SignatureRefused before anything of the tree is read."""
        wanted = self._package.verify
        if wanted is None:
            return
        if wanted.mode != "commit":
            name = ref.removeprefix("refs/tags/") or "HEAD"
            tag = split_tag(self._cache.tag_object(f"refs/tags/{name}", commit))
            verify(f"tag {name}", tag, wanted, self._base)
            confirm_tag_name(name, tag)
        if wanted.mode != "tag":
            signed = split_commit(self._cache.object("commit", commit))
            verify(f"commit {commit[:12]}", signed, wanted, self._base)

    def _check_older_commit(self, ref: str, commit: str) -> tuple[str, ...]:
        """Whether a signed commit was made before the one that its ref named last. Raises RolledBack."""
        before = self._fetched.commit_of(ref)
        if self._package.verify is None or before in ("", commit) or not self._cache.has_commit(before):
            return ()
        times = [committed_at(self._cache.object("commit", name)) for name in (commit, before)]
        if times[0] >= times[1]:
            return ()
        url, names = self._requirement.url, [f"commit {name[:12]}" for name in (before, commit)]
        return check_rollback(RolledBack(url, names[0], names[1]), self._package.rollback)

    def _bundle(self, revision: Revision, commit: str, notes: tuple[str, ...]) -> Bundle:
        tree = self._cache.tree(commit)
        if self._package.build:
            return self._built(revision, tree, notes)
        located = self._locate(tree)
        projects = project_files(tree, located.directory)
        ids = {place: tree[place][1] for place in (*located.files.values(), *projects)}
        data = self._cache.contents(list(ids.values()), at_most=self._package.limits.bytes)
        contents = {path: data[ids[place]] for path, place in located.files.items()}
        stated = {place: data[ids[place]] for place in projects}
        version, on_version = self._version(revision.ref, stated)
        notes = (*notes, *on_version, *notes_on_generated_files(stated, tree))
        bundle = make_bundle(self._package, revision, contents, version=version, notes=notes)
        return replace(bundle, directory=located.directory)

    def _built(self, revision: Revision, tree: Mapping[str, tuple[Kind, str]], notes: tuple[str, ...]) -> Bundle:
        """The bundle of the wheel that the project builds to."""
        below = f"{self._requirement.subdirectory}/" if self._requirement.subdirectory else ""
        files = {path: name for path, (kind, name) in tree.items() if path.startswith(below) and kind is Kind.FILE}
        data = self._cache.contents(list(files.values()), at_most=self._package.limits.download)
        project = {path.removeprefix(below): data[name] for path, name in files.items()}
        stated = {"pyproject.toml": project["pyproject.toml"]} if "pyproject.toml" in project else {}
        version, on_version = self._version(revision.ref, stated)
        return bundle_of_project(self._package, revision, project, version=version, notes=(*notes, *on_version))

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
        statements = [(place, stated_version(data)) for place, data in projects.items()]
        tag = ref.removeprefix("refs/tags/")
        statements.append((f"tag {tag}", tagged_version(tag)))
        return confirmed_version(self._package, statements)
