"""A forge's REST API: one answer to one question, and its refusals in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from secretsync.cluster.repository.errors import ForgeRefused
from secretsync.config.access import Access

_TIMEOUT = (5, 30)
_RETRIES = Retry(total=3, backoff_factor=1, status_forcelist=(429, 502, 503, 504), allowed_methods=("GET",))
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

    def request(self, method: str, path: str, action: str, **arguments: Any) -> Any:
        """The JSON that answers. Raises ForgeRefused."""
        try:
            with requests.Session() as session:
                session.mount("https://", HTTPAdapter(max_retries=_RETRIES))
                response = session.request(
                    method,
                    f"{self.url}{path}",
                    headers=dict(self.headers),
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                    verify=str(self.base / self.access.ca) if self.access.ca else True,
                    **arguments,
                )
        except requests.RequestException as error:
            raise ForgeRefused(self.url, action, f"it cannot be reached ({type(error).__name__})") from None
        if not response.ok or response.is_redirect:
            raise ForgeRefused(self.url, action, _reason(response, self.sent))
        if len(response.content) > _LARGEST:
            raise ForgeRefused(self.url, action, "its answer is too large")
        try:
            return response.json() if response.content else None
        except ValueError:
            raise ForgeRefused(self.url, action, "what answers is not its API") from None


def _reason(response: requests.Response, sent: str) -> str:
    message = ""
    if len(response.content) < _LARGEST:
        try:
            content = response.json()
            message = str(content.get("message") or content.get("error") or "") if isinstance(content, dict) else ""
        except ValueError:
            message = ""
    remedy = _REMEDIES.get(response.status_code, "it failed" if response.status_code >= 500 else "it refuses")
    credential = f"; {sent}" if sent and response.status_code in _ABOUT_THE_TOKEN else ""
    return f"HTTP {response.status_code}, {remedy}" + (f" ({message[:_LONGEST_WHY]})" if message else "") + credential
