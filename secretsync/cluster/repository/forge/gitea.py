"""Gitea and Forgejo, whose API is much like GitHub's: https://docs.gitea.com/api."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from secretsync.cluster.repository.forge import Request, github, newest

_PER_PAGE = 50
"""The most that Gitea lists at once, unless its administrator says otherwise: a shorter page may not be the last."""

_MOST_PAGES = 40


def api_url(host: str, scheme: str) -> str:
    """Where Gitea and Forgejo serve their API."""
    return f"{scheme}://{host}/api/v1"


def headers(token: str) -> dict[str, str]:
    """The header with which Gitea and Forgejo take a token."""
    return {"Authorization": f"token {token}"}


@dataclass(frozen=True)
class _Pull:
    """A pull request from the branch *head* into *base*."""

    head: str
    base: str
    request: Request


class Forge(github.Forge):
    """Pull requests of the repository at *path* (``owner/name``); they are not found by their branch."""

    def find(self, branch: str, base: str) -> Request | None:
        """The pull request from *branch* into *base*: one that is open, else the last of the newest that are closed."""
        for page in range(1, _MOST_PAGES + 1):
            pulls = self._list("open", page)
            if request := _matching(pulls, branch, base):
                return request
            if not pulls:
                break
        return _matching(self._list("closed", 1), branch, base)

    def _list(self, state: str, page: int) -> list[_Pull]:
        query: dict[str, str | int] = {"state": state, "limit": _PER_PAGE, "page": page}
        return self._api.request("GET", f"{self._path}/pulls", "list pull requests", _pulls, params=query)


def _pulls(answer: Any) -> list[_Pull]:
    return [
        _Pull(
            str(pull["head"]["ref"]) if github.is_own(pull) else "", str(pull["base"]["ref"]), github.request_of(pull)
        )
        for pull in answer or ()
    ]


def _matching(pulls: list[_Pull], branch: str, base: str) -> Request | None:
    return newest([pull.request for pull in pulls if (pull.head, pull.base) == (branch, base)])
