"""HTTP as the index needs it: bounded in time and bytes, credentials for one host alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError as BrokenStream
from urllib3.exceptions import ReadTimeoutError

from secretsync.config.access import Access
from secretsync.config.credentials import Authorization
from secretsync.sources.index.errors import IndexAccessRefused, IndexFailed

_CHUNK = 1 << 16


def open_session(access: Access, allowed: Authorization | None, url: str, base: Path) -> requests.Session:
    """A session that shows what it is allowed to the host of *url* alone.

    Requests reads .netrc, REQUESTS_CA_BUNDLE and the proxies' variables by itself; PIP_CERT is pip's own.
    """
    session = _Session()
    bundle = access.ca or (os.environ.get("PIP_CERT") if not os.environ.get("REQUESTS_CA_BUNDLE") else None)
    if bundle:
        session.verify = str(base / bundle)
    session.cert = client_certificate(access, base)
    if allowed:
        session.auth = _OnlyFor(url, allowed.header)
    return session


def client_certificate(access: Access, base: Path) -> tuple[str, str] | None:
    """The files of the certificate that is shown, and of its key."""
    if not access.client_certificate:
        return None
    key = access.client_key or access.client_certificate
    return str(base / access.client_certificate), str(base / key)


@contextmanager
def get(
    session: requests.Session, url: str, timeout: float, headers: Mapping[str, str] | None = None
) -> Iterator[tuple[requests.Response, Iterator[bytes]]]:
    """What *url* answers, and its content piece by piece; all of it must come within *timeout* seconds.

    Raises IndexFailed, IndexAccessRefused. A 404 and a 304 are answers.
    """
    deadline = time.monotonic() + timeout
    with _told_apart(url), _ask(session, url, timeout, headers) as response:
        if response.status_code != 404:
            response.raise_for_status()
        yield response, _pieces(response, url, deadline)


def _ask(session: requests.Session, url: str, timeout: float, headers: Mapping[str, str] | None) -> requests.Response:
    try:
        return session.get(url, stream=True, timeout=timeout, headers=headers)
    except requests.RequestException:
        raise
    except OSError as error:
        # what requests says where a file that it needs, an authority's for instance, is not there
        raise IndexFailed(url, str(error)) from None


def _pieces(response: requests.Response, url: str, deadline: float) -> Iterator[bytes]:
    # read() would wait for a whole chunk, however slowly its bytes drip in.
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        if time.monotonic() > deadline:
            raise IndexFailed(url, "it did not answer in time")
        yield piece


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
    except ReadTimeoutError:
        raise IndexFailed(url, "it did not answer in time") from None
    except (requests.RequestException, BrokenStream) as error:
        raise IndexFailed(url, f"the download broke off ({type(error).__name__})") from None
