"""The bare cache of one remote: what was fetched stays until it grows too large. No work tree, no hooks."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from secretsync.core import files
from secretsync.core.errors import SourceError
from secretsync.core.files import write_atomically
from secretsync.sources.cache import FORGOTTEN_AFTER, CacheFailed, NotOurs, private_folder
from secretsync.sources.git import batch
from secretsync.sources.git.errors import CommitNotServed, GitFailed
from secretsync.sources.git.fetched_refs import FetchedRefs, folder_of
from secretsync.sources.git.process import LARGEST_ANSWER, AnswerTooLarge, GitResult, run
from secretsync.sources.tree import Entry, Kind

if TYPE_CHECKING:
    from secretsync.core.model import Bundle
    from secretsync.sources.git.remote import Remote

# Enough for any package; a tree of more paths than this is not listed further.
MOST_PATHS = 100_000
_LARGEST_TREE = 32 * 1024 * 1024
_READING_TIMEOUT = 60.0
# What git itself makes in a bare repository; anything else, as commondir or info/grafts, would have a say in it.
_OF_GIT = frozenset({"HEAD", "config", "objects", "refs", "packed-refs", "shallow"})
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_BORROWED = ("objects/info/alternates", "objects/info/http-alternates")
_KINDS = {"120000": Kind.SYMLINK, "160000": Kind.SUBMODULE}


@dataclass(eq=False)
class TooManyPaths(SourceError):
    """The repository's tree is too large to be looked through."""

    code = "too_many_paths"

    url: str
    limit: int

    def __str__(self) -> str:
        return f"{self.url} holds more than {self.limit:,} paths; keep the policy package in a repository of its own"


@dataclass(eq=False)
class TooMuchFetched(SourceError):
    """A fetch brought more than the limit and was ended."""

    code = "too_much_fetched"

    url: str
    limit: int

    def __str__(self) -> str:
        return f"{self.url} sent more than {self.limit:,} bytes; raise 'limits.download' of the package if it must be"


@dataclass(eq=False)
class TooMuchToRead(SourceError):
    """The package's files are larger than a package may be."""

    code = "too_much_to_read"

    url: str
    found: int
    limit: int

    def __str__(self) -> str:
        return (
            f"{self.url}: the files that the package needs have {self.found:,} bytes, more than the {self.limit:,} "
            "they may have; exclude what does not belong to it, or raise 'limits.bytes' of the package"
        )


@dataclass(eq=False)
class CacheBusy(CacheFailed):
    """Another process has held the cache's lock for too long."""

    code = "cache_busy"
    reason = "another process holds it"

    folder: Path

    def __str__(self) -> str:
        return f"{self.folder} is in use by another process; wait for it, or give this one a 'cache' of its own"


@dataclass(eq=False)
class BrokenCache(CacheFailed):
    """What lies in the cache cannot be read; it is made anew."""

    code = "broken_cache"
    reason = "it is damaged and could not be made anew"

    folder: Path

    def __str__(self) -> str:
        return f"{self.folder} is damaged and could not be made anew; delete it"


class GitCache:
    """The objects of one remote. All verbs but *open* want its lock to be held (``with cache.locked()``)."""

    def __init__(self, root: Path, remote: Remote, *, timeout: float, limit: int) -> None:
        self.folder = folder_of(root, remote.url)
        self._remote, self._timeout, self._limit = remote, timeout, limit
        self._lock: int | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the cache for ourselves. The kernel lets go when we, and the git we started, have ended."""
        private_folder(self.folder.parent)
        with ExitStack() as locks:
            try:
                self._lock = locks.enter_context(files.locked(self.folder.with_suffix(".lock"), self._timeout))
            except TimeoutError:
                raise CacheBusy(self.folder) from None
            locks.callback(setattr, self, "_lock", None)
            os.utime(self._lock)
            _forget_unused(self.folder.parent)
            yield

    def healed(self, read: Callable[[], Bundle]) -> Bundle:
        """What *read* gives; when the cache is in its way, once more with a new one."""
        try:
            return read()
        except BrokenCache:
            self.discard()
        except GitFailed as error:
            # Those that have a name of their own are the server's fault, or the network's.
            if type(error) is not GitFailed:
                raise
            self.discard()
        return read()

    def prepare(self, commit: str) -> None:
        """Make the repository where there is none for *commit*; take away what git has not put there, or left behind.

        Raises NotOurs.
        """
        settings = _settings(self._remote.url, commit)
        try:
            private_folder(self.folder)
        except NotOurs:
            self.discard()
        if not (self._fits() and _is_sha256(self.folder) == _is_sha256_id(commit) and (self.folder / "HEAD").is_file()):
            self.discard()
            private_folder(self.folder)
            own_format = f"--object-format={'sha256' if _is_sha256_id(commit) else 'sha1'}"
            self._local("init", "--quiet", "--bare", "--template=", own_format, str(self.folder))
        for path in self.folder.iterdir():
            if path.name not in _OF_GIT:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for borrowed in _BORROWED:
            (self.folder / borrowed).unlink(missing_ok=True)
        if _read_text(self.folder / "config") != settings:
            write_atomically(self.folder / "config", settings)
        # Nobody else is at work, the lock says so: every lock file and half pack is a dead process's.
        for pattern in ("**/*.lock", "objects/pack/tmp_*", "objects/??/tmp_obj_*"):
            for stale in self.folder.glob(pattern):
                stale.unlink(missing_ok=True)

    def _fits(self) -> bool:
        return _size(self.folder) <= self._limit

    def discard(self) -> None:
        """Delete the repository on this disk, whatever is in its place."""
        if self.folder.is_file() or self.folder.is_symlink():
            self.folder.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def has_commit(self, commit: str) -> bool:
        """Whether the commit and its tree are on this disk."""
        return self._run_git("rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}^{{tree}}").status == 0

    def kind_of(self, name: str) -> str:
        """Whether the object of that id is a ``commit``, ``tree`` or ``blob``; empty where it is not on this disk."""
        return self._run_git("cat-file", "-t", f"{name}^{{}}").stdout.decode().strip()

    def fetch_commit(self, commit: str, ref: str) -> None:
        """Bring one commit and its trees, without history and, where the server can, without files.

        Raises CommitNotServed and other GitFailed.
        """
        shallow = ("--depth=1", "--filter=blob:none")
        if self._brings([*shallow, self._remote.url, commit]):
            return
        # Some servers serve what a ref names, but no bare commit id.
        name = ref or self._remote.name_of(commit)
        if name and self._brings([*shallow, self._remote.url, name]) and self.has_commit(commit):
            return
        self._bring(["--filter=blob:none", self._remote.url, *([ref] if ref else _EVERYTHING)])
        if not self.has_commit(commit):
            raise CommitNotServed(self._remote.url, f"it did not send commit {commit}")

    def fetch_whole(self, commit: str, ref: str) -> None:
        """Bring one commit with all its files: for servers that serve refs alone (ssh without protocol 2)."""
        full = ("--refetch", "--no-filter")
        name = ref or self._remote.name_of(commit)
        if name and self._brings(["--depth=1", *full, self._remote.url, name]) and self.has_commit(commit):
            return
        self._bring([*full, self._remote.url, *([ref] if ref else _EVERYTHING)])

    def _brings(self, options: Sequence[str]) -> bool:
        """Whether the server gives what *options* ask for. Raises GitFailed where it would give nothing else either."""
        result = self._fetch(options)
        failure = None if result.status == 0 else self._remote.failure(result)
        if failure and type(failure) not in (CommitNotServed, GitFailed):
            raise failure
        return failure is None

    def _bring(self, options: Sequence[str]) -> None:
        result = self._fetch(options)
        if result.status != 0:
            raise self._remote.failure(result)

    def object(self, kind: str, name: str) -> bytes:
        """The raw object: what a signature is over."""
        return self._local("cat-file", kind, name)

    def tag_object(self, name: str, commit: str) -> bytes:
        """The annotated tag *name* of *commit* as the server has it now; empty where it is another kind of ref."""
        own_ref = "refs/secretsync/tag"
        result = self._fetch(["--depth=1", "--filter=blob:none", self._remote.url, f"+{name}:{own_ref}"])
        if result.status != 0:
            failure = self._remote.failure(result)
            if isinstance(failure, CommitNotServed):
                return b""
            raise failure
        peeled = self._run_git("rev-parse", "--quiet", "--verify", f"{own_ref}^{{commit}}").stdout.decode().strip()
        is_tag = self._run_git("cat-file", "-t", own_ref).stdout.strip() == b"tag"
        return self.object("tag", own_ref) if is_tag and peeled == commit else b""

    def tree(self, commit: str) -> dict[str, tuple[Kind, str]]:
        """Each path of *commit* with its kind and the id of its content."""
        try:
            listing = self._local("ls-tree", "-r", "-z", "--full-tree", commit, largest=_LARGEST_TREE)
        except AnswerTooLarge:
            raise TooManyPaths(self._remote.url, MOST_PATHS) from None
        if listing.count(b"\0") > MOST_PATHS:
            raise TooManyPaths(self._remote.url, MOST_PATHS)
        with self._as_git_writes():
            found = batch.tree(listing)
        return {path: (_KINDS.get(mode, Kind.FILE), name) for path, (mode, name) in found.items()}

    def contents(self, ids: Sequence[str], *, at_most: int) -> dict[str, bytes]:
        """The bytes of these objects, *at_most* so many in all; those not here yet are asked for in one fetch.

        Raises TooMuchToRead before anything is read into memory.
        """
        object_ids = sorted(set(ids))
        sizes = self._sizes()
        if missing := [name for name in object_ids if name not in sizes]:
            options = ["--filter=blob:none", "--stdin", self._remote.url]
            result = self._fetch(options, batch.request(missing), noop=True)
            if result.status != 0:
                raise self._remote.failure(result)
            sizes = self._sizes()
        if not sizes.keys() >= set(object_ids):
            raise BrokenCache(self.folder)
        if (total := sum(sizes[name] for name in object_ids)) > at_most:
            raise TooMuchToRead(self._remote.url, total, at_most)
        output = self._local("cat-file", "--batch", text=batch.request(object_ids))
        with self._as_git_writes():
            return dict(zip(object_ids, batch.blobs(output, object_ids), strict=True))

    @contextmanager
    def _as_git_writes(self) -> Iterator[None]:
        """What git printed is taken apart in here. Raises BrokenCache where it is not what git prints."""
        try:
            yield
        except ValueError:
            raise BrokenCache(self.folder) from None

    def _sizes(self) -> dict[str, int]:
        """The size of every object that is here."""
        # Asking for each object alone ends git where one is missing from a repository with a promisor.
        form = "--batch-check=%(objectname) %(objectsize)"
        listing = self._local("cat-file", "--batch-all-objects", "--unordered", form)
        with self._as_git_writes():
            return batch.sizes(listing)

    def _fetch(self, options: Sequence[str], text: bytes = b"", *, noop: bool = False) -> GitResult:
        settings = ("-c", "fetch.negotiationAlgorithm=noop") if noop else ()
        quietly = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance")
        result = self._remote.execute(
            [*settings, "fetch", *quietly, *options],
            text=text,
            repository=self.folder,
            keep_open=self._held(),
            watch=self._refuse_too_much,
        )
        # a quick fetch ends between two looks
        self._refuse_too_much()
        return result

    def _refuse_too_much(self) -> None:
        if _size(self.folder) > self._limit:
            raise TooMuchFetched(self._remote.url, self._limit)

    def _run_git(self, *arguments: str, text: bytes = b"", largest: int = LARGEST_ANSWER) -> GitResult:
        environment: Mapping[str, str] = {
            **self._remote.settings(),
            "GIT_DIR": str(self.folder),
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "",
        }
        return run(
            arguments,
            environment=environment,
            timeout=_READING_TIMEOUT,
            text=text,
            keep_open=self._held(),
            largest=largest,
        )

    def _local(self, *arguments: str, text: bytes = b"", largest: int = LARGEST_ANSWER) -> bytes:
        """Read without the network. Raises BrokenCache, AnswerTooLarge."""
        result = self._run_git(*arguments, text=text, largest=largest)
        if result.status != 0:
            raise BrokenCache(self.folder)
        return result.stdout

    def _held(self) -> tuple[int, ...]:
        return () if self._lock is None else (self._lock,)


def _is_sha256_id(commit: str) -> bool:
    return len(commit) == 64


def _is_sha256(folder: Path) -> bool:
    """Whether the repository names its objects by SHA-256 (git-config, extensions.objectFormat)."""
    return "objectformat = sha256" in _read_text(folder / "config").lower()


def _settings(url: str, commit: str) -> str:
    """The repository's own configuration, whole: objects that are missing are *url*'s to send."""
    name = url.replace("\\", "\\\\").replace('"', '\\"')
    own_format = "\tobjectFormat = sha256\n" if _is_sha256_id(commit) else ""
    return (
        f"[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n[extensions]\n{own_format}"
        f'[remote "{name}"]\n\tpromisor = true\n\tpartialclonefilter = blob:none\n'
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _forget_unused(folder: Path) -> None:
    """Remove the caches of remotes that nobody has asked for in a month."""
    oldest = time.time() - FORGOTTEN_AFTER
    for lock in folder.glob("*.lock"):
        # Another process may be tidying up as well.
        with suppress(FileNotFoundError):
            if lock.stat().st_mtime < oldest:
                shutil.rmtree(lock.with_suffix(".git"), ignore_errors=True)
                FetchedRefs(lock.with_suffix(".git")).forget()
                lock.unlink()


def _size(folder: Path) -> int:
    """Bytes of all files below; those that vanish meanwhile count nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def entries(tree: Mapping[str, tuple[Kind, str]], read: Callable[[Sequence[str]], Mapping[str, bytes]]) -> list[Entry]:
    """The tree as entries; where symlinks lead is their content, read in one go."""
    targets = read([name for kind, name in tree.values() if kind is Kind.SYMLINK])
    return [
        Entry(path, kind, targets[name].decode(errors="surrogateescape") if kind is Kind.SYMLINK else "")
        for path, (kind, name) in tree.items()
    ]
