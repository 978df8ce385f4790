"""An index, spoken to over HTTP: its lists of files, and the files, each verified by its hash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import requests
from packaging.utils import canonicalize_name
from pydantic import ValidationError
from pypi_simple import ACCEPT_ANY, DistributionPackage, ProjectPage, UnsupportedRepoVersionError

from secretsync.config import Package
from secretsync.config.credentials import Authorization, CredentialsOverPlainHttp, authorization, of_url
from secretsync.core.files import write_atomically
from secretsync.sources.cache import mark_used, prune_cache
from secretsync.sources.http import get, open_session
from secretsync.sources.index.errors import DownloadTooLarge, HashMismatch, IndexFailed, UnknownDistribution
from secretsync.sources.index.select import Candidate

DEFAULT_INDEX = "https://pypi.org/simple/"
_LARGEST_PAGE = 32 * 1024 * 1024
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")


class Index:
    """The index of one package; what it gave lies in *folder*: files by their sha256, pages by their URL."""

    def __init__(self, package: Package, folder: Path, base: Path) -> None:
        self._folder, self._limit = folder, package.limits.download
        written = package.index or os.environ.get("PIP_INDEX_URL") or DEFAULT_INDEX
        self._url, self._in_the_url = of_url(written)
        self._further = package.extra_indexes
        self._timeout, self._access, self._base = package.timeout, package.access, base

    def files(self, name: str) -> list[DistributionPackage]:
        """All files of the distribution *name* on the first index that has it: never a mixture of several.

        Raises UnknownDistribution, IndexFailed.
        """
        for url in (self._url, *self._further):
            if (page := self._page(url, name)) is not None:
                return page.packages
        raise UnknownDistribution(name, ", ".join((self._url, *self._further)))

    def hashed(self, candidate: Candidate) -> Candidate:
        """The candidate with its sha256; where nobody tells one, the file is downloaded to learn it."""
        if candidate.sha256:
            return candidate
        path = self._get(candidate)
        return replace(candidate, sha256=path.parent.name)

    def download(self, candidate: Candidate) -> Path:
        """The file, from the folder where it is there. Raises HashMismatch, DownloadTooLarge, IndexFailed."""
        path = self._folder / candidate.sha256 / candidate.file
        if path.is_file() and _sha256(path) == candidate.sha256:
            return mark_used(path)
        return self._get(candidate)

    def _session(self) -> requests.Session:
        allowed = self._authorization()
        return open_session(self._access, allowed, self._url, self._base)

    def _authorization(self) -> Authorization | None:
        named = authorization(self._access, self._url, self._base, default_user="__token__")
        if self._in_the_url and self._url.startswith("http:") and not self._access.allow_plain_http:
            raise CredentialsOverPlainHttp(self._url)
        return named or self._in_the_url

    def _page(self, index: str, name: str) -> ProjectPage | None:
        """The list of the distribution's files; asks only whether it changed where we have it. None: not there."""
        url = f"{index.rstrip('/')}/{canonicalize_name(name)}/"
        kept = self._folder / "pages" / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.json"
        known = _kept_page(kept)
        headers = {"Accept": ACCEPT_ANY, **({"If-None-Match": known["etag"]} if known else {})}
        with self._session() as session, get(session, url, self._timeout, headers) as (response, pieces):
            if response.status_code == 404:
                return None
            if response.status_code != 304 or not known:
                body = b"".join(_at_most(pieces, _LARGEST_PAGE, url))
                known = {
                    "etag": response.headers.get("ETag", ""),
                    "type": response.headers.get("Content-Type", "text/html"),
                    "url": response.url,
                    "body": body.decode(errors="replace"),
                }
                if known["etag"]:
                    write_atomically(kept, json.dumps(known))
            else:
                mark_used(kept)
        return _parsed(name, known)

    def _get(self, candidate: Candidate) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._folder, prefix="partial-") as partial:
            with self._session() as session, get(session, candidate.url, self._timeout) as (response, pieces):
                if response.status_code == 404:
                    raise IndexFailed(candidate.url, "it answered 404")
                for piece in _at_most(pieces, self._limit, candidate.file):
                    partial.write(piece)
            partial.flush()
            found = _sha256(Path(partial.name))
            if candidate.sha256 and found != candidate.sha256:
                raise HashMismatch(candidate.file, candidate.sha256, found)
            path = self._folder / found / candidate.file
            path.parent.mkdir(exist_ok=True)
            _link(Path(partial.name), path)
        prune_cache(self._folder, limit=self._limit)
        return path


def _at_most(pieces: Iterable[bytes], limit: int, what: str) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise DownloadTooLarge(what, limit)
        yield piece


def _kept_page(path: Path) -> dict[str, str] | None:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) and {"etag", "type", "url", "body"} <= known.keys() else None


def _parsed(name: str, page: Mapping[str, str]) -> ProjectPage:
    kind = page["type"].partition(";")[0].strip().lower()
    try:
        if kind == _JSON:
            return ProjectPage.from_json_data(json.loads(page["body"]), page["url"])
        if kind in _HTML:
            return ProjectPage.from_html(name, page["body"], page["url"])
    except (UnsupportedRepoVersionError, ValidationError, ValueError):
        pass
    raise IndexFailed(page["url"], "what it answered is not the simple API of PEP 503 or PEP 691")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(partial: Path, path: Path) -> None:
    """Give the finished file its name; another process may have done so a moment ago."""
    finished = path.with_name(f"{partial.name}-done")
    os.link(partial, finished)
    finished.replace(path)
