"""What can go wrong, as facts; the sentence in ``str()`` names the thing and the remedy.

Rooms that touch the world keep errors of their own beside the code that raises them; all are SecretSyncErrors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

FAILED = 1
USAGE = 2
CHANGES_PENDING = 3
ROLLOUT_FAILED = 4
INTERRUPTED = 130  # by Ctrl-C, as a shell says it of any program
TERMINATED = 143  # by SIGTERM, the same


def worst(codes: Iterable[int]) -> int:
    """The exit code of several outcomes: a failure says more than changes that are pending."""
    order = [0, CHANGES_PENDING, FAILED, USAGE, ROLLOUT_FAILED]
    return max(codes, key=order.index, default=0)


class SecretSyncError(Exception):
    """An expected failure: the operator reads its sentence, never a traceback.

    *code* is its stable name, in metrics, reports and documentation; *category* is the kind of failure that it counts
    as, one of `reconcile.reasons.REASONS`.
    """

    exit_code: ClassVar[int] = FAILED
    code: ClassVar[str] = "error"
    category: ClassVar[str] = "refused"


class ConfigError(SecretSyncError):
    """The configuration or the command line cannot be used."""

    exit_code = USAGE
    code = "config_error"
    category = "configuration"


class SourceError(SecretSyncError):
    """A package could not be fetched, or what was fetched is no policy package."""

    category = "source"


class ClusterError(SecretSyncError):
    """The API refused a call, or did not answer."""

    category = "cluster"


class ProofError(SecretSyncError):
    """A package was not proven to load in the real Rucio."""

    category = "proof"
