"""What can go wrong, as facts; the sentence in ``str()`` names the thing and the remedy.

Rooms that touch the world keep errors of their own beside the code that raises them; all are SecretSyncErrors.
"""

from __future__ import annotations

from collections.abc import Iterable

FAILED = 1
USAGE = 2
CHANGES_PENDING = 3
ROLLOUT_FAILED = 4


def worst(codes: Iterable[int]) -> int:
    """The exit code of several outcomes: a failure says more than changes that are pending."""
    order = [0, CHANGES_PENDING, FAILED, USAGE, ROLLOUT_FAILED]
    return max(codes, key=order.index, default=0)


class SecretSyncError(Exception):
    """An expected failure: the operator reads its sentence, never a traceback."""

    exit_code = FAILED


class ConfigError(SecretSyncError):
    """The configuration or the command line cannot be used."""

    exit_code = USAGE
