"""What stops an apply of an approved plan."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.errors import CHANGES_PENDING, SecretSyncError

_NAMED = 10


@dataclass(eq=False)
class NotApproved(SecretSyncError):
    """What would be done now is not what was approved; *differ* says where, and is empty where only ids are known.

    *written* names Secrets that hold what was approved: an earlier apply, or this one, came that far.
    """

    exit_code = CHANGES_PENDING
    code = "not_approved"

    approved: str
    current: str
    differ: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"what would be done now is not the plan that was approved: {self.approved} -> {self.current}"]
        lines += [f"differs: {difference}" for difference in self.differ[:_NAMED]]
        if len(self.differ) > _NAMED:
            lines.append(f"and {len(self.differ) - _NAMED} more differences")
        written = f"Secret {', '.join(self.written)} has what was approved, nothing else" if self.written else "nothing"
        return "\n".join([*lines, f"{written} was written: make and approve a new plan with 'secretsync plan --out'"])
