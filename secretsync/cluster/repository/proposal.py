"""A change on its way into a branch: pushed, or on a branch of its own with a request that a person merges."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from secretsync.cluster.repository.errors import BranchOfOthers
from secretsync.cluster.repository.forge import Forge
from secretsync.cluster.repository.git import GitRepository
from secretsync.core.files import write_atomically

log = structlog.get_logger()

TRAILER = "Secretsync-Target"
"""The trailer of our commits: a branch whose newest commit lacks it was pushed to by others."""


PLAN_TRAILER = "Secretsync-Plan"
"""The trailer that has the id of the plan, as ``secretsync plan --out`` prints it for this target."""


@dataclass(frozen=True)
class Message:
    """A commit's message; its *title* is also that of the request."""

    title: str
    body: str
    trailers: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.title}\n\n{self.body}\n\n" + "".join(f"{key}: {value}\n" for key, value in self.trailers.items())


@dataclass(frozen=True)
class Proposal:
    """What became of a change: the *commit* on *branch*, and the *url* of its request (empty: pushed, no request).

    *state* ``nothing`` says that the branch holds everything already, ``unchanged`` that the request brings it.
    """

    state: Literal["pushed", "proposed", "updated", "unchanged", "closed", "nothing"]
    branch: str
    commit: str = ""
    url: str = ""


class OpenRequest:
    """The branch of a request into *into*, and the request itself where there is a *forge*.

    *memory* is a file that keeps what was proposed last, so that nobody is asked again while nothing changes.
    """

    def __init__(
        self, repository: GitRepository, branch: str, into: str, forge: Callable[[], Forge] | None, memory: Path
    ) -> None:
        self.branch, self._into = branch, into
        self._repository, self._forge, self._memory = repository, forge, memory

    def known(self, head: str, base: str, key: str) -> Proposal | None:
        """The proposal that *head* still is, if it was made of *base* for *key*; None where that is not known."""
        remembered = self._remembered()
        if not head or (remembered.get("commit"), remembered.get("base"), remembered.get("key")) != (head, base, key):
            return None
        return Proposal("unchanged", self.branch, head, remembered.get("url", ""))

    def bring(self, head: str, base: str, tree: str, message: Message, description: str, key: str) -> Proposal:
        """Have the branch, which is at *head*, bring *tree* on top of *base*.

        Raises Conflict where somebody pushed meanwhile, PushRefused, BranchOfOthers, ForgeRefused.
        """
        if head and self._is_proposed(head, base, tree):
            return self._request("unchanged", head, base, message.title, description, key)
        repository = self._repository
        commit = repository.commit(tree, base, str(message))
        repository.push(commit, self.branch, head)
        log.info("pushed", repository=repository.url, branch=self.branch, commit=commit[:12])
        return self._request("updated" if head else "proposed", commit, base, message.title, description, key)

    def withdraw(self, head: str) -> Proposal:
        """The branch holds everything already: a request that is still open is closed, and its branch deleted."""
        if not head:
            return Proposal("nothing", self.branch)
        self._refuse_commit_of_others(head)
        url = ""
        forge = self._forge() if self._forge else None
        if forge and (request := forge.find(self.branch, self._into)):
            forge.close(request, "The branch holds all of this already: nothing is left to propose.")
            url = request.url
        self._repository.push("", self.branch, head)
        self._memory.unlink(missing_ok=True)
        return Proposal("closed", self.branch, url=url)

    def _is_proposed(self, head: str, base: str, tree: str) -> bool:
        """Whether the branch brings this very change. Raises BranchOfOthers."""
        self._refuse_commit_of_others(head)
        repository = self._repository
        parents = repository.parents(head)
        proposed = repository.changed(parents[0], head) if parents else ""
        return bool(proposed) and proposed == repository.changed(base, tree)

    def _refuse_commit_of_others(self, head: str) -> None:
        """Raises BranchOfOthers where the newest commit of the branch is not ours."""
        self._repository.fetch(head, self.branch)
        author, message = self._repository.author(head)
        if f"\n{TRAILER}: " not in message:
            raise BranchOfOthers(self.branch, head, author)

    def _request(
        self,
        state: Literal["proposed", "updated", "unchanged"],
        commit: str,
        base: str,
        title: str,
        body: str,
        key: str,
    ) -> Proposal:
        """Open or update the request for *commit*; one that is known to be there is not asked for again."""
        remembered = self._remembered()
        url = remembered.get("url", "")
        if self._forge and not (state == "unchanged" and remembered.get("commit") == commit):
            forge = self._forge()
            request = forge.find(self.branch, self._into)
            if request is None:
                request = forge.open(self.branch, self._into, title, body)
            else:
                forge.update(request, title, body)
            url = request.url
        write_atomically(self._memory, json.dumps({"commit": commit, "url": url, "base": base, "key": key}))
        return Proposal(state, self.branch, commit, url)

    def _remembered(self) -> dict[str, str]:
        try:
            known = json.loads(self._memory.read_text())
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}
