"""A forge's REST API: one answer to one question, and its refusals in words."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from secretsync.cluster.repository.errors import ForgeRefused
from secretsync.config.access import Access
from secretsync.core.foreign import read_json, reading
from secretsync.core.http_patience import PatientRetry, all_within

_TIMEOUT = (5, 30)
_RETRIES = PatientRetry(
    total=3,
    backoff_factor=1,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("GET",),
    retry_after_max=30,
)
_WHOLE_SECONDS = 60
_PIECE = 64 * 1024
_LARGEST = 4 * 1024 * 1024
_LONGEST_WHY = 200
_REMEDIES = {
    401: "the token is not accepted: renew it",
    403: "the token may not do this: give it the right to write merge requests",
    404: "there is no such repository, or the token may not see it",
    409: "somebody else changed the request at the same time",
    422: "it is not accepted",
    429: "too many requests",
}
_ABOUT_THE_TOKEN = (401, 403, 404)


T = TypeVar("T")


def nothing(_: Any) -> None:
    """What is read of an answer that says no more than that it was done."""


@dataclass(frozen=True)
class Answer:
    """What came over HTTP."""

    status: int
    body: bytes = field(repr=False)


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
        deadline = time.monotonic() + _WHOLE_SECONDS
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
                # read() would wait for a whole piece, however slowly its bytes drip in
                while piece := response.raw.read1(_PIECE, decode_content=True):
                    body += piece
                    if len(body) > _LARGEST:
                        raise ForgeRefused(self.url, action, "its answer is too large")
                    if time.monotonic() > deadline:
                        raise ForgeRefused(self.url, action, f"it did not answer within {_WHOLE_SECONDS} s")
                return Answer(response.status_code, body)
        except (requests.RequestException, HTTPError) as error:
            raise ForgeRefused(self.url, action, f"it cannot be reached ({type(error).__name__})") from None


def _reason(answer: Answer, sent: str) -> str:
    remedy = _REMEDIES.get(answer.status, "it failed" if answer.status >= 500 else "it refuses")
    credential = f"; {sent}" if sent and answer.status in _ABOUT_THE_TOKEN else ""
    words = _words(answer.body)
    return f"HTTP {answer.status}, {remedy}" + (f" ({words})" if words else "") + credential


def _words(body: bytes) -> str:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # a page of a proxy, for instance
        return ""
    words = (content.get("message") or content.get("error") or "") if isinstance(content, dict) else ""
    return str(words)[:_LONGEST_WHY]
