"""What can go wrong between a commit and the request to take it."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.errors import ClusterError, ConfigError


@dataclass(eq=False)
class BranchMissing(ClusterError):
    """The branch that changes go to does not exist."""

    code = "branch_missing"

    url: str
    branch: str

    def __str__(self) -> str:
        return f"{self.url} has no branch {self.branch!r}: make it, or correct 'repository' of the target"


@dataclass(eq=False)
class PushRefused(ClusterError):
    """The server does not take a push."""

    code = "push_refused"

    url: str
    branch: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.url} does not take a push to {self.branch}: {self.reason}; nothing was changed. Let the token push "
            "there, or choose 'propose: merge-request'"
        )


@dataclass(eq=False)
class BranchOfOthers(ClusterError):
    """Somebody pushed onto the branch of the request."""

    code = "branch_of_others"

    branch: str
    commit: str
    author: str

    def __str__(self) -> str:
        return (
            f"branch {self.branch} has commit {self.commit[:12]} by {self.author}, which is not overwritten: merge the "
            "request, or delete the branch, and the next run proposes what is left"
        )


@dataclass(eq=False)
class ForgeRefused(ClusterError):
    """The forge's API does not do what was asked; the branch was pushed all the same."""

    code = "forge_refused"

    url: str
    action: str
    reason: str

    def __str__(self) -> str:
        return f"{self.url} cannot {self.action}: {self.reason}; the branch is pushed, and the next run tries again"


@dataclass(eq=False)
class ForgeUnknown(ConfigError):
    """The host's name does not tell which forge it is."""

    code = "forge_unknown"

    host: str

    def __str__(self) -> str:
        return f"which forge {self.host} is cannot be told from its name: write 'forge: github', 'gitlab' or 'gitea'"
