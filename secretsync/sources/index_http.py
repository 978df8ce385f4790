"""An index, spoken to over HTTP: its lists of files, and the files, each verified by its hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

import requests
from pydantic import ValidationError
from pypi_simple import (
    DistributionPackage,
    NoSuchProjectError,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from secretsync.config import Package
from secretsync.errors import SecretSyncError
from secretsync.sources.choosing import Candidate
from secretsync.sources.credentials import authorization

DEFAULT_INDEX = "https://pypi.org/simple/"
_CHUNK = 1 << 16


class IndexFailed(SecretSyncError):
    """The index did not answer, or not with what was asked for."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(url, detail)
        self.url, self.detail = url, detail

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; check the URL, the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE"


class IndexAccessRefused(IndexFailed):
    """The index wants credentials, or others."""

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; check 'access' of the package"


class UnknownDistribution(SecretSyncError):
    """The index has no distribution of that name."""

    def __init__(self, name: str, index: str) -> None:
        super().__init__(name, index)
        self.name, self.index = name, index

    def __str__(self) -> str:
        return f"{self.index} has no distribution {self.name!r}; correct 'requirement', or set 'index' of the package"


class HashMismatch(SecretSyncError):
    """A file is not the one that its hash names."""

    def __init__(self, file: str, expected: str, found: str) -> None:
        super().__init__(file, expected, found)
        self.file, self.expected, self.found = file, expected, found

    def __str__(self) -> str:
        return (
            f"{self.file} has sha256 {self.found}, not {self.expected}; it was damaged or replaced on its way: "
            "do not use it before you know why"
        )


class DownloadTooLarge(SecretSyncError):
    """A file is larger than any policy package."""

    def __init__(self, file: str, limit: int) -> None:
        super().__init__(file, limit)
        self.file, self.limit = file, limit

    def __str__(self) -> str:
        return f"{self.file} has more than {self.limit:,} bytes; raise 'limits.download' of the package if it must be"


class Index:
    """The index of one package; the wheels that it gave lie in *folder*, by their sha256."""

    def __init__(self, package: Package, folder: Path, base: Path) -> None:
        self._folder, self._limit = folder, package.limits.download
        self._url = package.index or os.environ.get("PIP_INDEX_URL") or DEFAULT_INDEX
        self._timeout, self._access, self._base = package.timeout, package.access, base

    def files(self, name: str) -> list[DistributionPackage]:
        """All files of the distribution *name*. Raises UnknownDistribution, IndexFailed."""
        try:
            with self._session() as session, _told_apart(self._url):
                page = PyPISimple(self._url, session=session).get_project_page(name, timeout=self._timeout)
                return page.packages
        except NoSuchProjectError:
            raise UnknownDistribution(name, self._url) from None
        except (UnsupportedContentTypeError, UnsupportedRepoVersionError, ValidationError, ValueError):
            raise IndexFailed(self._url, "what it answered is not the simple API of PEP 503 or PEP 691") from None

    def hashed(self, candidate: Candidate) -> Candidate:
        """The candidate with its sha256; where nobody tells one, the file is downloaded to learn it."""
        if candidate.sha256:
            return candidate
        path = self._get(candidate)
        return replace(candidate, sha256=path.parent.name)

    def download(self, candidate: Candidate) -> Path:
        """The wheel, from the folder where it is there. Raises HashMismatch, DownloadTooLarge, IndexFailed."""
        path = self._folder / candidate.sha256 / candidate.file
        if path.is_file() and _sha256(path) == candidate.sha256:
            return path
        return self._get(candidate)

    def _session(self) -> requests.Session:
        """Requests reads .netrc, REQUESTS_CA_BUNDLE and the proxies' variables by itself; PIP_CERT is pip's own."""
        session, access = _Session(), self._access
        bundle = access.ca or (os.environ.get("PIP_CERT") if not os.environ.get("REQUESTS_CA_BUNDLE") else None)
        if bundle:
            session.verify = str(self._base / bundle)
        if access.client_certificate:
            key = access.client_key or access.client_certificate
            session.cert = str(self._base / access.client_certificate), str(self._base / key)
        if allowed := authorization(access, self._url, self._base, default_user="__token__"):
            session.auth = _OnlyFor(self._url, allowed.header)
        return session

    def _get(self, candidate: Candidate) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._folder, prefix="partial-") as partial:
            with _told_apart(candidate.url):
                for chunk in self._chunks(candidate):
                    partial.write(chunk)
            partial.flush()
            found = _sha256(Path(partial.name))
            if candidate.sha256 and found != candidate.sha256:
                raise HashMismatch(candidate.file, candidate.sha256, found)
            path = self._folder / found / candidate.file
            path.parent.mkdir(exist_ok=True)
            _link(Path(partial.name), path)
        return path

    def _chunks(self, candidate: Candidate) -> Iterator[bytes]:
        total = 0
        with (
            self._session() as session,
            session.get(candidate.url, stream=True, timeout=self._timeout) as response,
        ):
            response.raise_for_status()
            for chunk in response.iter_content(_CHUNK):
                total += len(chunk)
                if total > self._limit:
                    raise DownloadTooLarge(candidate.file, self._limit)
                yield chunk


class _Session(requests.Session):
    """Requests would let REQUESTS_CA_BUNDLE win over what the session was told (psf/requests#3829)."""

    def merge_environment_settings(  # type: ignore[no-untyped-def]  # the stubs give it no types either
        self, url, proxies, stream, verify, cert
    ):
        told = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, told, cert)


class _OnlyFor(requests.auth.AuthBase):
    """Sends the header to the index itself; its files often lie on another host, which must not see it."""

    def __init__(self, url: str, header: str) -> None:
        self._origin, self._header = _origin(url), header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if _origin(request.url or "") == self._origin:
            request.headers["Authorization"] = self._header
        return request


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


@contextmanager
def _told_apart(url: str) -> Iterator[None]:
    """What requests can raise, as errors of ours. Its own text may hold the URL it was redirected to: not repeated."""
    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code
        refused = status in (401, 403)
        raise (IndexAccessRefused if refused else IndexFailed)(url, f"it answered {status}") from None
    except requests.exceptions.SSLError:
        raise IndexFailed(url, "its certificate is not trusted") from None
    except requests.Timeout:
        raise IndexFailed(url, "it did not answer in time") from None
    except requests.TooManyRedirects:
        raise IndexFailed(url, "it redirects for ever") from None
    except requests.ConnectionError:
        raise IndexFailed(url, "it cannot be reached") from None
    except requests.RequestException as error:
        raise IndexFailed(url, f"the download broke off ({type(error).__name__})") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(partial: Path, path: Path) -> None:
    """Give the finished file its name; another process may have done so a moment ago."""
    finished = path.with_name(f"{partial.name}-done")
    os.link(partial, finished)
    finished.replace(path)
