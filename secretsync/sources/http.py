"""HTTP as the index needs it: bounded in time and bytes, credentials for one host alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import requests
import structlog
from urllib3.exceptions import HTTPError as BrokenStream
from urllib3.exceptions import ReadTimeoutError

from secretsync.config.access import Access
from secretsync.config.credentials import Authorization, describe_credential, refuse_unusable_certificates
from secretsync.core.http_patience import TooManyPieces, all_within, pieces_of
from secretsync.core.log import INDEX_CALL
from secretsync.sources import certificates
from secretsync.sources.index.errors import IndexAccessRefused, IndexFailed, IndexRefused, RedirectedElsewhere
from secretsync.sources.redirects import may_follow, origin, shown

log = structlog.get_logger()

_OK = (200, 203)  # the latter of a proxy that changes what it passes on
_PROXY_PASSWORD = "the proxy wants a user and a password: put them into HTTPS_PROXY"  # noqa: S105 - no password


def open_session(
    access: Access, allowed: Authorization | None, url: str, base: Path, redirects_to: Iterable[str] = ()
) -> requests.Session:
    """A session that shows what it is allowed to the host of *url* alone, and follows redirects to known hosts alone.

    These are *redirects_to*, and those of *access*.

    Requests reads .netrc, REQUESTS_CA_BUNDLE and the proxies' variables by itself; PIP_CERT is pip's own.
    """
    refuse_unusable_certificates(access, base)
    sent = (
        describe_credential(access, url)
        if access.credential or not allowed
        else "sent the user and password of the URL"
    )
    session = _Session((*access.redirects_to, *redirects_to), origin(url), sent)
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
    session: requests.Session, url: str, timeout: float, headers: Mapping[str, str] | None = None, *, decode: bool
) -> Iterator[tuple[requests.Response, Iterator[bytes]]]:
    """What *url* answers, and its content piece by piece; all of it must come within *timeout* seconds.

    With *decode* the coding is undone that the answer says it has: a page's, never a file's.

    Raises IndexFailed, IndexAccessRefused. A 404 and a 304 are answers.
    """
    # a mirror may name a coding for an archive, whose bytes are the file's own: nothing is asked for in one
    headers = {"Accept-Encoding": "identity", **(headers or {})}
    sent = session.sent_to(url) if isinstance(session, _Session) else ""
    name = shown_url(url)
    with _translated_errors(name, sent), all_within(timeout), _send(session, url, timeout, headers) as response:
        _refuse_status(name, response, asked_if_changed="If-None-Match" in headers)
        yield response, pieces_of(response.raw, decode=decode)


def shown_url(url: str) -> str:
    """*url* as messages and logs have it: registries hand out URLs whose query or user opens the file."""
    try:
        return shown(url)
    except ValueError:
        raise IndexFailed(url.partition(":")[0], "it names a file by what is no URL") from None


def _refuse_status(url: str, response: requests.Response, *, asked_if_changed: bool) -> None:
    """An answer that is none of HTTP's for a GET (a 206, a redirect to nowhere) holds no page, and no empty one."""
    status = response.status_code
    if status == 404 or (status == 304 and asked_if_changed):
        return
    response.raise_for_status()
    if status not in _OK:
        raise IndexFailed(url, f"it answered {status}")


def _send(session: requests.Session, url: str, timeout: float, headers: Mapping[str, str] | None) -> requests.Response:
    try:
        response = session.get(url, stream=True, timeout=timeout, headers=headers)
    except requests.RequestException:
        raise
    except OSError as error:
        # what requests says where a file that it needs, an authority's for instance, is not there
        raise IndexFailed(shown_url(url), str(error)) from None
    log.debug(INDEX_CALL, url=shown_url(url), status=response.status_code)
    return response


def refuse_detour(start: str, target: str, allowed: Iterable[str], verb: str) -> None:
    """Raises RedirectedElsewhere where *start* leads to another place, *target*, that is not among the *allowed*."""
    if not may_follow(start, target, allowed):
        scheme, host, port = origin(target)
        raise RedirectedElsewhere(shown_url(start), f"it {verb} {scheme}://{host}:{port}")


class _Session(requests.Session):
    """Stays with the host that it was sent to, and with the authorities that it was given.

    Requests would let REQUESTS_CA_BUNDLE win over what the session was told (psf/requests#3829).
    """

    def __init__(self, redirects_to: Iterable[str], home: tuple[str, str, int], sent: str) -> None:
        super().__init__()
        self._redirects_to, self._home, self._sent = redirects_to, home, sent

    def sent_to(self, url: str) -> str:
        """Which credential *url* is shown: that of the index goes to no other host."""
        return (
            self._sent if origin(url) == self._home else "no credential was sent, as this is not the index's own host"
        )

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where an answer leads; asked before anything is sent there. Raises RedirectedElsewhere."""
        target = super().get_redirect_target(resp)
        if target:
            refuse_detour(resp.url, _joined(resp.url, target), self._redirects_to, "redirects to")
        return target

    def merge_environment_settings(  # type: ignore[no-untyped-def]  # the stubs give it no types either
        self, url, proxies, stream, verify, cert
    ):
        verification = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, verification, cert)


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError:
        raise IndexFailed(shown_url(url), "it redirects to what is no URL") from None


class _OnlyFor(requests.auth.AuthBase):
    """Sends the header to the index itself; its files often lie on another host, which must not see it."""

    def __init__(self, url: str, header: str) -> None:
        self._origin, self._header = origin(url), header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if origin(request.url or "") == self._origin:
            request.headers["Authorization"] = self._header
        return request


def _of_no_url(url: str, error: requests.RequestException) -> IndexFailed:
    """What cannot be requested: because of its scheme or port, or those of the proxy."""
    if isinstance(error, requests.exceptions.InvalidProxyURL) or "SOCKS" in str(error):
        return IndexRefused(url, "its proxy cannot be used", "name one in HTTPS_PROXY as http://host:port")
    return IndexFailed(url, "it is no URL of https:// or http://, or a proxy's in HTTPS_PROXY is not")


def _of_status(url: str, status: int, sent: str) -> IndexFailed:
    """What an answer of *status* means; one that says whose fault it is has a remedy of its own."""
    answered = f"it answered {status}"
    if status in (401, 403):
        return IndexAccessRefused(url, answered, sent)
    if status == 407:
        return IndexRefused(url, answered, _PROXY_PASSWORD)
    if status == 429:
        return IndexRefused(url, answered, "too many requests (rate limit): raise 'interval', or give 'access' a token")
    if status >= 500 or status == 408:
        return IndexRefused(url, answered, "the index, or a proxy before it, failed: the next run tries again")
    return IndexFailed(url, answered)


@contextmanager
def _translated_errors(url: str, sent: str) -> Iterator[None]:
    """What requests can raise, as errors of ours. Its own text may hold the URL it was redirected to: not repeated."""
    try:
        yield
    except requests.HTTPError as error:
        raise _of_status(url, error.response.status_code, sent) from None
    except requests.exceptions.SSLError as error:
        fault = certificates.fault(str(error))
        raise IndexRefused(url, fault.detail, fault.remedy) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise _of_no_url(url, error) from None
    except requests.exceptions.ProxyError as error:
        if "407" in str(error):
            raise IndexRefused(url, "it cannot be reached", _PROXY_PASSWORD) from None
        raise IndexFailed(url, "the proxy does not lead to it") from None
    except (requests.Timeout, ReadTimeoutError, TooManyPieces):
        raise IndexFailed(url, "it did not answer in time") from None
    except requests.TooManyRedirects:
        raise IndexFailed(url, "it redirects for ever") from None
    except requests.ConnectionError:
        raise IndexFailed(url, "it cannot be reached") from None
    except (requests.RequestException, BrokenStream) as error:
        raise IndexFailed(url, f"the download broke off ({type(error).__name__})") from None
