"""The repository itself: what its branches are, files of a commit, a commit made of trees and blobs, a push."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from secretsync.cluster.errors import Conflict, UnusableManifest
from secretsync.cluster.repository.errors import PushRefused
from secretsync.core.foreign import reading
from secretsync.core.model import Ref
from secretsync.sources.cache import private_folder
from secretsync.sources.git import batch
from secretsync.sources.git.commit import author_of, message_of, parents_of
from secretsync.sources.git.errors import GitFailed
from secretsync.sources.git.process import LARGEST_ANSWER, GitResult, run
from secretsync.sources.git.remote import Remote

_STALE = re.compile(r"! \[rejected\]|stale info|fetch first|non-fast-forward|cannot lock ref")
_REJECTED = re.compile(r"^ *! \[remote rejected\][^(\n]*\((?P<why>[^)\n]*)\)", re.MULTILINE)
_RACED = re.compile(r"cannot lock ref|failed to update ref|incorrect old value")
"""Of a push that the server rejected as another came first: between its reading and its writing of the branch."""

_REMOTE = re.compile(r"^remote: (?P<words>\S.*)$", re.MULTILINE)
_LONGEST_WHY = 200
_FILES, _FOLDER = frozenset({"100644", "100755"}), "040000"
_KINDS = {"120000": "a symlink, which is not followed", "160000": "a submodule"}
_OWN = {False: "the file itself", True: "a folder"}
_MANIFESTS = (".yaml", ".yml", "/Kustomization")
_LARGEST = 32 * 1024 * 1024
"""Bytes of the manifests of a site, with room to spare: they are held in memory."""

_DEPTH = 3
"""Commits that a fetch brings: a merge into the branch of a request, what was proposed, and what that was made of."""

_HISTORY = 100
"""Commits among which one is looked for that a branch should descend from."""


@dataclass(frozen=True)
class Identity:
    """Who commits, and the SSH key that signs (None: unsigned)."""

    name: str
    email: str
    signing_key: Path | None = None


class GitRepository:
    """The objects of one remote in a bare repository at *folder*."""

    def __init__(self, remote: Remote, folder: Path, identity: Identity, *, timeout: float) -> None:
        self.url = remote.url
        self._remote, self._folder, self._identity, self._timeout = remote, folder, identity, timeout

    def branches(self, *names: str) -> dict[str, str]:
        """The commits of these branches, in one question; those that there are not are left out. Raises GitFailed."""
        refs = self._remote.refs(*(f"refs/heads/{name}" for name in names))
        return {ref.removeprefix("refs/heads/"): commit for ref, commit in refs.items()}

    def fetch(self, commit: str, branch: str) -> None:
        """Bring *commit*, the newest of *branch*, with all its files and without its history. Raises GitFailed."""
        self._make(commit)
        if self._run("rev-parse", "--quiet", "--verify", f"{commit}^{{tree}}").status == 0:
            return
        self._fetch(branch, _DEPTH)

    def descends(self, commit: str, ancestor: str, branch: str) -> bool:
        """Whether *commit*, the newest of *branch*, has *ancestor* among its last 100 commits. Raises GitFailed."""
        if commit == ancestor:
            return True
        self._fetch(branch, _HISTORY)
        return self._run("merge-base", "--is-ancestor", ancestor, commit).status == 0

    def _fetch(self, branch: str, depth: int) -> None:
        quietly = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance")
        result = self._remote.execute(
            ["fetch", *quietly, f"--depth={depth}", self.url, f"+refs/heads/{branch}:refs/secretsync/{branch}"],
            repository=self._folder,
        )
        if result.status != 0:
            raise self._remote.failure(result)

    def files(self, commit: str, *paths: str) -> dict[str, bytes]:
        """The manifests of *commit* below *paths*, and the files at *paths* themselves, by their paths.

        Links, submodules and ``..`` are left out. Raises GitFailed, AnswerTooLarge.
        """
        listing = self._local("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
        with reading(lambda reason: GitFailed(self.url, f"{reason}: git's list of files at {', '.join(paths)}")):
            identities = {
                name: identity
                for name, (mode, identity) in batch.tree(listing).items()
                if mode in _FILES and ".." not in name.split("/") and (name in paths or f"/{name}".endswith(_MANIFESTS))
            }
            ids = list(identities.values())
            output = self._local("cat-file", "--batch", text=batch.request(ids), largest=_LARGEST) if ids else b""
            return dict(zip(identities, batch.blobs(output, ids), strict=True))

    def refuse_detours(self, commit: str, paths: Iterable[str]) -> None:
        """Raises UnusableManifest where one of *paths*, or what is above it, leads elsewhere in *commit*, or nowhere.

        git would put a folder in the place of a link, or of a file.
        """
        for name, mode in self._modes(commit, paths).items():
            is_above = any(path.startswith(f"{name}/") for path in paths)
            if (is_above or name in paths) and mode not in ({_FOLDER} if is_above else {_FOLDER, *_FILES}):
                kind = _KINDS.get(mode, "a file")
                raise UnusableManifest(f"{name} in {self.url}", f"is {kind}: put {_OWN[is_above]} there")

    def _modes(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """The modes of *paths* in *commit*, of the folders above them, and of what lies beside those."""
        names = set(paths) | {str(folder) for path in paths for folder in PurePosixPath(path).parents}
        listing = self._local("ls-tree", "-z", "-t", "--full-tree", commit, "--", *sorted(names - {"."}))
        return {name: mode for name, (mode, _) in batch.tree(listing).items()}

    def tree(self, commit: str, changes: Mapping[str, bytes | None]) -> str:
        """The tree of *commit* with *changes*: the bytes of each path, None for one that goes; empty: no other tree.

        Raises UnusableManifest where a link is in the way, GitFailed.
        """
        self.refuse_detours(commit, changes.keys())
        modes = self._modes(commit, changes.keys())
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            index = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}  # noqa: PTH118 - git wants text
            self._local("read-tree", commit, environment=index)
            null = b"0" * len(commit)
            lines = [self._index_line(path, changes[path], modes.get(path, "100644"), null) for path in sorted(changes)]
            self._local("update-index", "-z", "--index-info", text=b"".join(lines), environment=index)
            tree = self._local("write-tree", environment=index).decode().strip()
        return tree if self._paths_changed(commit, tree) else ""

    def _index_line(self, path: str, data: bytes | None, mode: str, null: bytes) -> bytes:
        name = path.encode(errors="surrogateescape")
        if data is None:
            return b"0 " + null + b"\t" + name + b"\0"
        identity = self._local("hash-object", "-w", "--stdin", "--no-filters", text=data).strip()
        return mode.encode() + b" " + identity + b"\t" + name + b"\0"

    def parents(self, commit: str) -> Sequence[str]:
        """The commits before *commit*."""
        return parents_of(self._local("cat-file", "commit", commit))

    def author(self, commit: str) -> tuple[str, str]:
        """The author of *commit*, and its message."""
        raw = self._local("cat-file", "commit", commit)
        return author_of(raw) or "somebody", message_of(raw)

    def changed(self, before: str, after: str) -> str:
        """What differs between two trees or commits, as text that is the same for the same difference."""
        return self._local("diff-tree", "-r", "--no-renames", "--full-index", before, after).decode(errors="replace")

    def holds(self, commit: str, before: str, after: str) -> bool:
        """Whether *commit* has the files that changed between *before* and *after* as *after* has them."""
        paths = self._paths_changed(before, after)
        return not paths or not self._local(
            "--literal-pathspecs", "diff-tree", "-r", "--name-only", commit, after, "--", *paths
        )

    def _paths_changed(self, before: str, after: str) -> set[str]:
        names = self._local("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after).split(b"\0")
        return {os.fsdecode(name) for name in names if name}

    def commit(self, tree: str, parent: str, message: str) -> str:
        """A commit of *tree* after *parent*, signed where a key is named; it is nowhere but here yet."""
        author = self._identity
        names = {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", author.name), ("EMAIL", author.email))
        }
        signing: tuple[str, ...] = ()
        if author.signing_key:
            signing = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={author.signing_key}")
        signed = ("-S",) if author.signing_key else ()
        commit = self._local(
            *signing, "commit-tree", *signed, "-p", parent, "-F", "-", tree, text=message.encode(), environment=names
        )
        return commit.decode().strip()

    def push(self, commit: str, branch: str, expected: str) -> None:
        """Make *branch* be *commit* (empty: delete it) where it still is *expected* (empty: where it is not there).

        Raises Conflict where it is not, PushRefused, GitFailed.
        """
        ref = f"refs/heads/{branch}"
        result = self._remote.execute(
            ["push", "--quiet", f"--force-with-lease={ref}:{expected}", self.url, f"{commit}:{ref}"],
            repository=self._folder,
        )
        if result.status == 0:
            return
        rejected = _REJECTED.search(result.complaint)
        if rejected and not _RACED.search(rejected["why"]):
            message = " ".join([rejected["why"], *_REMOTE.findall(result.complaint)])
            raise PushRefused(self.url, branch, message[:_LONGEST_WHY])
        if rejected or _STALE.search(result.complaint):
            raise Conflict(Ref("branch", self.url, branch), "was pushed to by somebody else")
        raise self._remote.failure(result)

    def _make(self, commit: str) -> None:
        private_folder(self._folder)
        if (self._folder / "HEAD").is_file():
            return
        form = "sha256" if len(commit) == 64 else "sha1"
        self._local("init", "--quiet", "--bare", "--template=", f"--object-format={form}", str(self._folder))

    def _run(
        self,
        *arguments: str,
        text: bytes = b"",
        environment: Mapping[str, str] | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> GitResult:
        settings = {**self._remote.settings(), "GIT_DIR": str(self._folder), "GIT_NO_LAZY_FETCH": "1"}
        variables = {**settings, **(environment or {})}
        return run(arguments, environment=variables, timeout=self._timeout, text=text, largest=largest)

    def _local(self, *arguments: str, **options: Any) -> bytes:
        result = self._run(*arguments, **options)
        if result.status != 0:
            raise GitFailed(self.url, (result.complaint.strip().splitlines() or ["git failed"])[-1])
        return result.stdout
