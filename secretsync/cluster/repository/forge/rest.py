"""A forge's REST API: one answer to one question, and its refusals in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

from secretsync.cluster.repository.errors import ForgeRefused
from secretsync.config.access import Access
from secretsync.core.foreign import read_json, reading
from secretsync.core.http_patience import PatientRetry, all_within, pieces_of

_TIMEOUT = (5, 30)
_LONGEST_WAIT = 20
"""Seconds that a pass waits when a forge asks for it with Retry-After."""

_RETRIES = PatientRetry(
    total=3,
    backoff_factor=1,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("GET",),
    retry_after_max=_LONGEST_WAIT,
    raise_on_status=False,  # its status and its words are said
)
_WHOLE_SECONDS = 60
_LARGEST = 4 * 1024 * 1024
_LONGEST_WHY = 200
_MOST_PARTS = 3
_REMEDIES = {
    401: "the token is not accepted: renew it",
    403: "the token may not do this, or the repository is archived: give it the right to write merge requests",
    404: "there is no such repository, or the token may not see it, or merge requests are turned off there",
    409: "it does not fit what is there, or somebody else changed that at the same time",
    410: "merge requests are turned off there, or it is gone",
    422: "it is not accepted",
}
_MOVED = (301, 302, 303, 307, 308)
_ABOUT_THE_TOKEN = (401, 403, 404)


T = TypeVar("T")


def nothing(_: Any) -> None:
    """What is read of an answer that says no more than that it was done."""


@dataclass(frozen=True)
class Answer:
    """What came over HTTP."""

    status: int
    body: bytes = field(repr=False)
    limited: bool = False
    """Whether it says that there were too many requests; GitHub does so with 403 as well."""

    wait: str = ""
    """For how many seconds, where it says so."""


@dataclass(frozen=True)
class Api:
    """The API at *url*; *headers* carry the token, and no redirect is followed with it.

    *sent* says where that token is configured.
    """

    url: str
    headers: Mapping[str, str]
    access: Access
    base: Path
    sent: str = ""

    def request(self, method: str, path: str, action: str, read: Callable[[Any], T], **arguments: Any) -> T:
        """What *read* makes of the JSON that answers, None where nothing is said. Raises ForgeRefused.

        Whatever *read* raises says that no forge gives such an answer.
        """
        answer = self.send(method, path, action, **arguments)
        if not 200 <= answer.status < 300:
            raise ForgeRefused(self.url, action, _reason(answer, self.sent))
        strange = ForgeRefused(self.url, action, "what answers is not its API")
        content = read_json(answer.body, lambda _: strange) if answer.body else None
        with reading(lambda _: strange):
            return read(content)

    def send(self, method: str, path: str, action: str, **arguments: Any) -> Answer:
        """What answers, whatever it is. Raises ForgeRefused where nothing does, or more than a forge has to say."""
        try:
            with all_within(_WHOLE_SECONDS), requests.Session() as session:
                session.mount("https://", HTTPAdapter(max_retries=_RETRIES))
                response = session.request(
                    method,
                    f"{self.url}{path}",
                    headers=dict(self.headers),
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                    verify=str(self.base / self.access.ca) if self.access.ca else True,
                    stream=True,
                    **arguments,
                )
                body = b""
                for piece in pieces_of(response.raw):
                    body += piece
                    if len(body) > _LARGEST:
                        raise ForgeRefused(self.url, action, "its answer is too large")
                wait = response.headers.get("Retry-After", "")
                exhausted = response.headers.get("X-RateLimit-Remaining") == "0"
                limited = response.status_code == 429 or (response.status_code == 403 and bool(wait or exhausted))
                return Answer(response.status_code, body, limited, wait if wait.isdecimal() else "")
        except (requests.Timeout, ReadTimeoutError):
            raise ForgeRefused(self.url, action, "it did not answer in time") from None
        except (requests.RequestException, HTTPError) as error:
            raise ForgeRefused(self.url, action, f"it cannot be reached ({type(error).__name__})") from None


def _reason(answer: Answer, sent: str) -> str:
    credential = f"; {sent}" if sent and answer.status in _ABOUT_THE_TOKEN and not answer.limited else ""
    remedy = _remedy(answer)
    words = _words(answer.body)
    return f"HTTP {answer.status}, {remedy}" + (f" ({words})" if words else "") + credential


def _remedy(answer: Answer) -> str:
    if answer.limited:
        return "too many requests" + (f", it asks to wait for {answer.wait} s" if answer.wait else "")
    if answer.status in _MOVED:
        return "the repository was renamed or moved: correct 'repository' of the target"
    return _REMEDIES.get(answer.status, "it failed" if answer.status >= 500 else "it refuses")


def _words(body: bytes) -> str:
    """What the forge says itself, on one line: GitHub has details in ``errors``, GitLab lists in ``message``."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # a page of a proxy, for instance
        return ""
    if not isinstance(content, dict):
        return ""
    parts = [*_texts(content.get("message") or content.get("error")), *_texts(content.get("errors"))]
    return " ".join(": ".join(parts).split())[:_LONGEST_WHY]


def _texts(content: Any, levels: int = 3) -> list[str]:
    if isinstance(content, dict):
        content = content.get("message") or list(content.values())
    if isinstance(content, list) and levels:
        return [text for item in content[:_MOST_PARTS] for text in _texts(item, levels - 1)]
    return [content] if isinstance(content, str) and content else []
