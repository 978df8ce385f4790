"""An index, spoken to over HTTP: its lists of files, and the files, each verified by its hash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

import requests
from packaging.utils import canonicalize_name

from secretsync.config import Package
from secretsync.config.credentials import Authorization, CredentialsOverPlainHttp, authorization, of_url
from secretsync.core.files import write_atomically
from secretsync.core.foreign import read_json
from secretsync.sources.cache import CacheFailed, mark_used, private_folder, prune_cache
from secretsync.sources.http import get, open_session, refuse_detour, shown_url
from secretsync.sources.index.errors import DownloadTooLarge, HashMismatch, IndexFailed, UnknownDistribution
from secretsync.sources.index.page import LARGEST, Listed, files_of
from secretsync.sources.index.select import Candidate
from secretsync.sources.redirects import ANYWHERE

DEFAULT_INDEX = "https://pypi.org/simple/"
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
"""As PEP 691 has it, the best form first."""
_CODINGS_NOT_READ = ("br", "zstd", "compress")


class Index:
    """The index of one package; what it gave lies in *folder*: files by their sha256, pages by their URL."""

    def __init__(self, package: Package, folder: Path, base: Path) -> None:
        self._folder, self._limit = folder, package.limits.download
        index_url = package.index or os.environ.get("PIP_INDEX_URL") or DEFAULT_INDEX
        self._url, self._in_the_url = of_url(index_url)
        self._further = tuple(of_url(url)[0] for url in package.extra_indexes)
        self._timeout, self._access, self._base = package.timeout, package.access, base

    def files(self, name: str) -> tuple[str, list[Listed]]:
        """All files of the distribution *name* on the first index that has it, never a mixture; and that index's page.

        Raises UnknownDistribution, IndexFailed.
        """
        for index in (self._url, *self._further):
            if (files := self._page(index, name)) is not None:
                return _page_url(index, name), files
        raise UnknownDistribution(name, ", ".join((self._url, *self._further)))

    def hashed(self, candidate: Candidate) -> Candidate:
        """The candidate with its sha256; where nobody gives one, the file is downloaded to learn it."""
        if candidate.sha256:
            return candidate
        path = self._get(candidate)
        return replace(candidate, digests={**candidate.digests, "sha256": path.parent.name})

    def download(self, candidate: Candidate) -> Path:
        """The file, from the folder where it is there. Raises HashMismatch, DownloadTooLarge, IndexFailed."""
        path = private_folder(self._folder) / candidate.sha256 / candidate.file
        if path.is_file() and not _mismatch(path, candidate):
            return mark_used(path)
        return self._get(candidate)

    def _session(self, *redirects_to: str) -> requests.Session:
        allowed = self._authorization()
        return open_session(self._access, allowed, self._url, self._base, redirects_to)

    def _authorization(self) -> Authorization | None:
        credentials = authorization(self._access, self._url, self._base, default_user="__token__")
        if self._in_the_url and self._url.startswith("http:") and not self._access.allow_plain_http:
            raise CredentialsOverPlainHttp(self._url)
        return credentials or self._in_the_url

    def _page(self, index: str, name: str) -> list[Listed] | None:
        """The distribution's files; asks only whether the page changed where we have it. None: not there."""
        url = _page_url(index, name)
        if not url.startswith(("http://", "https://")):
            raise IndexFailed(
                url, "an index is read over https:// or http:// alone; './dir' names a package's directory"
            )
        cache_file = private_folder(self._folder) / "pages" / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.json"
        cached = _cached_page(cache_file)
        headers = {"Accept": _ACCEPT, **({"If-None-Match": cached["etag"]} if cached else {})}
        with (
            self._session() as session,
            get(session, url, self._timeout, headers, decode=True) as (response, pieces),
        ):
            if response.status_code == 404:
                return None
            if response.status_code != 304 or not cached:
                coding = response.headers.get("Content-Encoding", "").lower()
                if coding in _CODINGS_NOT_READ:
                    raise _no_index(url, f"it is coded as {coding!r}, though that was not asked for")
                body = b"".join(_at_most(pieces, LARGEST, url))
                cached = {
                    "etag": response.headers.get("ETag", ""),
                    "type": response.headers.get("Content-Type", "text/html"),
                    "url": response.url,
                    "body": body.decode(errors="replace"),
                }
                if cached["etag"]:
                    write_atomically(cache_file, json.dumps(cached))
            else:
                mark_used(cache_file)
        page_url = cached["url"]
        refusal = partial(_no_index, shown_url(page_url))
        return files_of(name, cached["type"], page_url, cached["body"], refusal)

    def _get(self, candidate: Candidate) -> Path:
        private_folder(self._folder)
        if candidate.page.startswith("https:") and candidate.url.startswith("http:"):
            refuse_detour(candidate.page, candidate.url, self._access.redirects_to, "names a file at")
        # a digest of the configuration's own says more than the place where the file lies
        redirects_to = (ANYWHERE,) if candidate.sha256 and not candidate.page else ()
        with NamedTemporaryFile(dir=self._folder, prefix="partial-") as download:
            with (
                self._session(*redirects_to) as session,
                get(session, candidate.url, self._timeout, decode=False) as (response, pieces),
            ):
                if response.status_code == 404:
                    raise IndexFailed(shown_url(candidate.url), "it answered 404")
                for piece in _at_most(pieces, self._limit, candidate.file):
                    download.write(piece)
            download.flush()
            if mismatch := _mismatch(Path(download.name), candidate):
                raise mismatch
            path = self._folder / _digest(Path(download.name), "sha256") / candidate.file
            path.parent.mkdir(exist_ok=True)
            _link(Path(download.name), path)
        prune_cache(self._folder, limit=self._limit)
        return path


def _page_url(index: str, name: str) -> str:
    return f"{index.rstrip('/')}/{canonicalize_name(name)}/"


def _no_index(url: str, reason: str) -> IndexFailed:
    return IndexFailed(url, f"what it answered is not the simple API of PEP 503 or PEP 691: {reason}")


def _at_most(pieces: Iterable[bytes], limit: int, label: str) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise DownloadTooLarge(label, limit)
        yield piece


def _cached_page(path: Path) -> dict[str, str] | None:
    try:
        content = read_json(path.read_bytes(), lambda _: CacheFailed(), most_bytes=8 * LARGEST)
    except (OSError, CacheFailed):
        return None
    fields = {"etag", "type", "url", "body"}
    if not isinstance(content, dict) or not all(isinstance(content.get(field), str) for field in fields):
        return None
    return {field: content[field] for field in fields}


def _mismatch(path: Path, candidate: Candidate) -> HashMismatch | None:
    """The first digest that was given for the file and that it does not have."""
    for algorithm, expected in candidate.digests.items():
        if (actual := _digest(path, algorithm)) != expected:
            return HashMismatch(candidate.file, expected, actual, algorithm)
    return None


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _link(partial: Path, path: Path) -> None:
    """Give the finished file its name; another process may have done so a moment ago."""
    finished = path.with_name(f"{partial.name}-done")
    os.link(partial, finished)
    finished.replace(path)
