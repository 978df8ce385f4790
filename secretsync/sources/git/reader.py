"""A policy package's files at a commit: fetched into the cache, verified, located, and made a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from secretsync.config import Package
from secretsync.config.requirement import GitRequirement
from secretsync.core.model import Bundle, Revision
from secretsync.sources.build import bundle_of_project
from secretsync.sources.bundle import bundle_of_tree
from secretsync.sources.git import refs
from secretsync.sources.git.cache import GitCache, entries
from secretsync.sources.git.commit import committed_at, subject_of
from secretsync.sources.git.errors import CommitNotServed
from secretsync.sources.git.fetched_refs import FetchedRefs
from secretsync.sources.git.refs import NotACommit, RolledBack, check_rollback
from secretsync.sources.git.signature import confirm_tag_name, split_commit, split_tag, verify
from secretsync.sources.tree import Kind
from secretsync.sources.version import confirmed_version, stated_version, tagged_version


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
            self._refuse_what_is_no_commit(revision.ref or "HEAD", commit)
        self._verify(revision.ref, commit)
        notes = (*notes, *self._check_older_commit(revision.ref, commit))
        revision = replace(revision, subject=subject_of(self._cache.object("commit", commit)))
        try:
            return self._bundle(revision, commit, notes)
        except CommitNotServed:
            self._cache.fetch_whole(commit, ref)
            return self._bundle(revision, commit, notes)

    def _refuse_what_is_no_commit(self, ref: str, name: str) -> None:
        kind = self._cache.kind_of(name)
        if kind in ("tree", "blob"):
            raise NotACommit(self._requirement.url, ref, kind)

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
        return bundle_of_tree(
            self._package,
            revision,
            entries(tree, partial(self._cache.contents, at_most=self._package.limits.bytes)),
            partial(self._contents, tree, at_most=self._package.limits.bytes),
            subdirectory=self._requirement.subdirectory,
            tag=_tag(revision.ref),
            notes=notes,
        )

    def _built(self, revision: Revision, tree: Mapping[str, tuple[Kind, str]], notes: tuple[str, ...]) -> Bundle:
        """The bundle of the wheel that the project builds to."""
        below = f"{self._requirement.subdirectory}/" if self._requirement.subdirectory else ""
        paths = [path for path, (kind, _) in tree.items() if path.startswith(below) and kind is Kind.FILE]
        contents = self._contents(tree, paths, at_most=self._package.limits.download)
        project = {path.removeprefix(below): data for path, data in contents.items()}
        stated = stated_version(project.get("pyproject.toml", b""))
        version, on_version = confirmed_version(self._package, [("pyproject.toml", stated), _tag(revision.ref)])
        return bundle_of_project(self._package, revision, project, version=version, notes=(*notes, *on_version))

    def _contents(
        self, tree: Mapping[str, tuple[Kind, str]], paths: Sequence[str], *, at_most: int
    ) -> dict[str, bytes]:
        """The files at *paths*, which may have *at_most* bytes in all."""
        data = self._cache.contents([tree[path][1] for path in paths], at_most=at_most)
        return {path: data[tree[path][1]] for path in paths}


def _tag(ref: str) -> tuple[str, str]:
    """The version that *ref* is where it is a tag, and what it is called in a message."""
    tag = ref.removeprefix("refs/tags/")
    return f"tag {tag}", tagged_version(tag)
