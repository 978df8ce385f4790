"""GitHub: https://docs.github.com/en/rest/pulls/pulls."""

from __future__ import annotations

from typing import Any

from secretsync.cluster.repository.forge import Request, newest
from secretsync.cluster.repository.forge.rest import Api, nothing


def api_url(host: str, scheme: str) -> str:
    """GitHub's own API, or that of an Enterprise Server."""
    return "https://api.github.com" if host == "github.com" else f"{scheme}://{host}/api/v3"


def headers(token: str) -> dict[str, str]:
    """The headers with which GitHub takes a token."""
    return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}


class Forge:
    """Pull requests of the repository at *path* (``owner/name``)."""

    def __init__(self, api: Api, path: str) -> None:
        self._api, self._path, self._owner = api, f"/repos/{path}", path.partition("/")[0]

    def find(self, branch: str, base: str) -> Request | None:
        """The pull request from *branch* into *base*: one that is open, else the last one."""
        query = {"head": f"{self._owner}:{branch}", "base": base, "state": "all"}
        newest_first = {"sort": "created", "direction": "desc"}
        return self._api.request(
            "GET", f"{self._path}/pulls", "list pull requests", _first, params={**query, **newest_first}
        )

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open a pull request, and return it."""
        request = {"title": title, "head": branch, "base": base, "body": body}
        return self._api.request("POST", f"{self._path}/pulls", "open a pull request", request_of, json=request)

    def update(self, request: Request, title: str, body: str) -> None:
        """Give the pull request another title and body."""
        path = f"{self._path}/pulls/{request.number}"
        changes = {"title": title, "body": body}
        self._api.request("PATCH", path, f"update pull request {request.number}", nothing, json=changes)

    def close(self, request: Request, reason: str) -> None:
        """Close the pull request, with *reason* as its last comment."""
        action = f"close pull request {request.number}"
        self._api.request(
            "POST", f"{self._path}/issues/{request.number}/comments", action, nothing, json={"body": reason}
        )
        self._api.request("PATCH", f"{self._path}/pulls/{request.number}", action, nothing, json={"state": "closed"})


def _first(answer: Any) -> Request | None:
    return newest([request_of(pull) for pull in answer or () if is_own(pull)])


def is_own(pull: Any) -> bool:
    """Whether the branch is one of the repository itself: in a fork, anybody may give one our branch's name."""
    head, base = (((pull.get(side) or {}).get("repo") or {}).get("id") for side in ("head", "base"))
    return bool(head == base)


def request_of(answer: Any) -> Request:
    """The pull request as the API describes it."""
    return Request(
        int(str(answer["number"])),
        str(answer.get("html_url", "")),
        str((answer.get("head") or {}).get("sha", "")),
        is_open=answer.get("state", "open") == "open",
        merged=bool(answer.get("merged_at")),
    )
