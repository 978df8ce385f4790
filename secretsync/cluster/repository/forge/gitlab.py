"""GitLab: https://docs.gitlab.com/api/merge_requests/."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from secretsync.cluster.repository.forge import Request, newest
from secretsync.cluster.repository.forge.rest import Api, nothing


def api_url(host: str, scheme: str) -> str:
    """Where GitLab serves its API."""
    return f"{scheme}://{host}/api/v4"


def headers(token: str) -> dict[str, str]:
    """The header with which GitLab takes a token."""
    return {"PRIVATE-TOKEN": token}


class Forge:
    """Merge requests of the project at *path* (``group/subgroup/name``)."""

    def __init__(self, api: Api, path: str) -> None:
        self._api, self._path = api, f"/projects/{quote(path, safe='')}/merge_requests"

    def find(self, branch: str, base: str) -> Request | None:
        """The merge request from *branch* into *base*: one that is open, else the last one."""
        query = {"source_branch": branch, "target_branch": base, "order_by": "created_at", "sort": "desc"}
        return self._api.request("GET", self._path, "list merge requests", _first, params=query)

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        """Open a merge request, and return it."""
        request = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        return self._api.request("POST", self._path, "open a merge request", _request, json=request)

    def update(self, request: Request, title: str, body: str) -> None:
        """Give the merge request another title and description."""
        changes = {"title": title, "description": body}
        action = f"update merge request {request.number}"
        self._api.request("PUT", f"{self._path}/{request.number}", action, nothing, json=changes)

    def close(self, request: Request, reason: str) -> None:
        """Close the merge request, with *reason* as its last note."""
        action = f"close merge request {request.number}"
        self._api.request("POST", f"{self._path}/{request.number}/notes", action, nothing, json={"body": reason})
        self._api.request("PUT", f"{self._path}/{request.number}", action, nothing, json={"state_event": "close"})


def _first(answer: Any) -> Request | None:
    # in a fork, anybody may give a branch the name of ours
    return newest(
        [
            _request(merge_request)
            for merge_request in answer or ()
            if merge_request.get("source_project_id") == merge_request.get("target_project_id")
        ]
    )


def _request(answer: Any) -> Request:
    state = answer.get("state", "opened")
    return Request(
        int(str(answer["iid"])),
        str(answer.get("web_url", "")),
        str(answer.get("sha") or ""),
        is_open=state in ("opened", "locked"),
        merged=state == "merged",
    )
