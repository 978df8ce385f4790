"""Gitea and Forgejo, whose API is much like GitHub's: https://docs.gitea.com/api."""

from __future__ import annotations

from typing import Any

from secretsync.cluster.repository.forge import Request, github


def api_url(host: str, scheme: str) -> str:
    """Where Gitea and Forgejo serve their API."""
    return f"{scheme}://{host}/api/v1"


def headers(token: str) -> dict[str, str]:
    """The header with which Gitea and Forgejo take a token."""
    return {"Authorization": f"token {token}"}


class Forge(github.Forge):
    """Pull requests of the repository at *path* (``owner/name``); they are not found by their branch."""

    def find(self, branch: str, base: str) -> Request | None:
        """The open pull request from *branch* into *base*, among the newest 50; None where there is none."""

        def matching(pulls: Any) -> Request | None:
            matching_pulls = (
                pull for pull in pulls or () if pull["head"]["ref"] == branch and pull["base"]["ref"] == base
            )
            return next(map(github.request_of, matching_pulls), None)

        query = {"state": "open", "limit": 50}
        return self._api.request("GET", f"{self._path}/pulls", "list pull requests", matching, params=query)
