"""A policy package in a git repository."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from secretsync.config import Package
from secretsync.config.requirement import GitRequirement
from secretsync.core.model import Bundle, Revision
from secretsync.sources.git import refs
from secretsync.sources.git.fetched_refs import FetchedRefs, folder_of
from secretsync.sources.git.refs import NoDefaultBranch, RefVanished, ResolvedRef, UnknownRef, check_moved_tag
from secretsync.sources.git.remote import Remote


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
        self._root, self._fetched = cache, FetchedRefs(folder_of(cache, requirement.url))
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
        moved = check_moved_tag(revision, self._fetched.commit_of(resolved_ref.ref), self._package.tag_moved)
        self._notes = (*self._lasting_notes, *moved)
        return revision

    def fetch(self, revision: Revision) -> Bundle:
        """The package's files at *revision*; from the cache where they are there."""
        # imported here: an idle pass reads no files
        from secretsync.sources.git.cache import GitCache
        from secretsync.sources.git.reader import CommitReader

        package = self._package
        cache = GitCache(self._root, self._remote, timeout=package.timeout, limit=package.limits.download)
        reader = CommitReader(package, self._requirement, cache, self._fetched, self._base)
        with cache.locked():
            bundle = cache.healed(partial(reader.read, revision, self._notes))
            self._fetched.keep(revision.ref, revision.id.partition(":")[2])
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
            if previous := self._fetched.commit_of(ref):
                raise RefVanished(url, ref, previous) from None
            if ref in ("", "HEAD") and (branches := self._branches()):
                raise NoDefaultBranch(url, "", branches) from None
            raise

    def _branches(self) -> list[str]:
        prefix = "refs/heads/"
        names = self._remote.matching_refs(f"{prefix}*")
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))
