"""Gitea and Forgejo, whose API is much like GitHub's: https://docs.gitea.com/api."""

from __future__ import annotations

from typing import Any

from secretsync.cluster.repository.forge import Request, github, newest

_PER_PAGE = 50
"""The most that Gitea lists at once, unless its administrator says otherwise."""

_MOST_PAGES = 40


def api_url(host: str, scheme: str) -> str:
    """Where Gitea and Forgejo serve their API."""
    return f"{scheme}://{host}/api/v1"


def headers(token: str) -> dict[str, str]:
    """The header with which Gitea and Forgejo take a token."""
    return {"Authorization": f"token {token}"}


class Forge(github.Forge):
    """Pull requests of the repository at *path* (``owner/name``); they are not found by their branch."""

    def find(self, branch: str, base: str) -> Request | None:
        """The pull request from *branch* into *base*: one that is open, else the last of the newest that are closed."""
        for page in range(1, _MOST_PAGES + 1):
            pulls = self._list("open", page)
            if request := _matching(pulls, branch, base):
                return request
            if len(pulls) < _PER_PAGE:
                break
        return _matching(self._list("closed", 1), branch, base)

    def _list(self, state: str, page: int) -> list[Any]:
        query: dict[str, str | int] = {"state": state, "limit": _PER_PAGE, "page": page}
        return self._api.request("GET", f"{self._path}/pulls", "list pull requests", _pulls, params=query)


def _pulls(answer: Any) -> list[Any]:
    return [pull for pull in answer or () if pull["head"]["ref"] and pull["base"]["ref"]]


def _matching(pulls: list[Any], branch: str, base: str) -> Request | None:
    matching = [pull for pull in pulls if pull["head"]["ref"] == branch and pull["base"]["ref"] == base]
    return newest([github.request_of(pull) for pull in matching])
