"""What stops an apply of an approved plan."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.errors import CHANGES_PENDING, SecretSyncError

_NAMED = 10


@dataclass(eq=False)
class NotApproved(SecretSyncError):
    """What would be done now is not what was approved; *differ* says where, and is empty where only ids are known.

    *written* names Secrets that hold what was approved, and *restarted* workloads that need no restart for it any more:
    an earlier apply, or this one, came that far.
    """

    exit_code = CHANGES_PENDING
    code = "not_approved"

    approved: str
    current: str
    differ: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"what would be done now is not the plan that was approved: {self.approved} -> {self.current}"]
        lines += [f"differs: {difference}" for difference in self.differ[:_NAMED]]
        if len(self.differ) > _NAMED:
            lines.append(f"and {len(self.differ) - _NAMED} more differences")
        return "\n".join([*lines, f"{self._done()}: make and approve a new plan with 'secretsync plan --out'"])

    def _done(self) -> str:
        if not self.written:
            return "nothing was written"
        secrets = f"Secret {', '.join(self.written)} has what was approved"
        if not self.restarted:
            return f"{secrets}, nothing else was written"
        return f"{secrets}, {', '.join(self.restarted)} was restarted for it, nothing else was written"
