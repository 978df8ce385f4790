"""The refusal of a plan: something live must not be touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from secretsync.core.errors import SecretSyncError
from secretsync.plan.diff import PackagePlan


@dataclass(eq=False)
class Refused(SecretSyncError):
    """Live objects stand in the way; *problems* has a sentence for each, with its remedy.

    *packages* say how Secrets that somebody else has differ, for a person who decides about taking them over.
    """

    code = "refused"

    problems: Sequence[str]
    packages: Sequence[PackagePlan] = ()

    def __str__(self) -> str:
        return "\n".join(self.problems)
