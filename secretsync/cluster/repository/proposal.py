"""A change on its way into a branch: pushed, or on a branch of its own with a request that a person merges."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from secretsync.cluster.repository.errors import BranchOfOthers
from secretsync.cluster.repository.forge import Forge, Request
from secretsync.cluster.repository.git import GitRepository
from secretsync.core.errors import SecretSyncError
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

    *state* ``nothing`` says that the branch holds everything already, ``unchanged`` that the request brings it,
    ``declined`` that a person closed the request that brings it. Of a dry run: ``unproposed`` says that nothing
    proposes it yet, ``outdated`` that the request brings something else.
    """

    state: Literal[
        "pushed", "proposed", "updated", "unchanged", "declined", "closed", "nothing", "unproposed", "outdated"
    ]
    branch: str
    commit: str = ""
    url: str = ""


@dataclass(frozen=True)
class Proposed:
    """What the branch of a request would bring: its newest *commit*, and the *title* and the *plan* of ours there.

    *url* is that of the request, empty where none is known; *declined* says that a person closed it without a merge.
    *others* is the author of a commit there that is not ours.
    """

    branch: str
    commit: str
    title: str
    plan: str
    url: str = ""
    declined: bool = False
    others: str = ""


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
        if head and self._is_proposed(head, base, tree, str(message)):
            return self._request("unchanged", head, base, message.title, description, key)
        repository = self._repository
        commit = repository.commit(tree, base, str(message))
        repository.push(commit, self.branch, head)
        log.info("pushed", repository=repository.url, branch=self.branch, commit=commit[:12])
        return self._request("updated" if head else "proposed", commit, base, message.title, description, key)

    def withdraw(self, head: str, base: str) -> Proposal:
        """The branch holds everything already: a request that is still open is closed, and its branch deleted."""
        if not head:
            return Proposal("nothing", self.branch)
        self._own_commit(head, base)
        url = ""
        forge = self._forge() if self._forge else None
        if forge and (request := forge.find(self.branch, self._into)) and request.is_open:
            forge.close(request, "The branch holds all of this already: nothing is left to propose.")
            url = request.url
        self._repository.push("", self.branch, head)
        self._memory.unlink(missing_ok=True)
        return Proposal("closed", self.branch, url=url)

    def proposed(self, head: str, base: str) -> Proposed | None:
        """What the branch, which is at *head*, would bring to *base*; None where *base* has all of it.

        The forge is asked for the request; where it does not answer, what is remembered of it counts.
        """
        repository = self._repository
        others = ""
        try:
            own = self._own_commit(head, base)
        except BranchOfOthers as error:
            own, others = head, error.author
        parents = repository.parents(own)
        if not parents or repository.holds(base, parents[0], own):
            return None
        _, message = repository.author(own)
        request = self._found()
        remembered = self._remembered()
        return Proposed(
            branch=self.branch,
            commit=head,
            title=message.strip().partition("\n")[0],
            plan=_plan_of(message),
            url=request.url if request else remembered.get("url", "") if remembered.get("commit") == head else "",
            declined=bool(request and request.declines(head)),
            others=others,
        )

    def _found(self) -> Request | None:
        try:
            return self._forge().find(self.branch, self._into) if self._forge else None
        except SecretSyncError as error:
            log.debug("the forge does not say where the request is", why=str(error))
            return None

    def _is_proposed(self, head: str, base: str, tree: str, message: str) -> bool:
        """Whether the branch brings this very change, by the same plan, and nothing that *base* no longer has.

        Raises BranchOfOthers.
        """
        repository = self._repository
        own = self._own_commit(head, base)
        parents = repository.parents(own)
        if not parents or repository.changed(parents[0], own) != repository.changed(base, tree):
            return False
        if _plan_of(repository.author(own)[1]) != _plan_of(message):
            return False
        made_of = parents[0] if own == head else repository.parents(head)[1]
        if repository.descends(base, made_of, self._into):
            return True
        log.warning("the branch is made anew", branch=self.branch, why=f"{self._into} no longer has {made_of[:12]}")
        return False

    def _own_commit(self, head: str, base: str) -> str:
        """Our commit at *head*, or below the merge by which a forge updates the branch of a request.

        It is *head* too where *base* has all of that by now. Raises BranchOfOthers where somebody changed more.
        """
        repository = self._repository
        repository.fetch(head, self.branch)
        if self._is_ours(head):
            return head
        parents = repository.parents(head)
        if len(parents) == 2 and self._is_ours(parents[0]):
            own, merged = parents
            if repository.changed(repository.parents(own)[0], own) == repository.changed(merged, head):
                return own
        if repository.descends(base, head, self._into):
            return head
        raise BranchOfOthers(self.branch, head, repository.author(head)[0])

    def _is_ours(self, commit: str) -> bool:
        return f"\n{TRAILER}: " in self._repository.author(commit)[1]

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
            if request and request.is_open:
                forge.update(request, title, body)
            elif request and request.declines(commit):
                return Proposal("declined", self.branch, commit, request.url)
            else:
                request = forge.open(self.branch, self._into, title, body)
            url = request.url
        write_atomically(self._memory, json.dumps({"commit": commit, "url": url, "base": base, "key": key}))
        return Proposal(state, self.branch, commit, url)

    def _remembered(self) -> dict[str, str]:
        try:
            known = json.loads(self._memory.read_text())
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}


def _plan_of(message: str) -> str:
    """The id of the plan that a commit's message names; empty where it names none."""
    return next(iter(re.findall(rf"^{PLAN_TRAILER}: (\S+)$", message, re.MULTILINE)), "")
