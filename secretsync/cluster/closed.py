"""A cluster that could not be opened: its targets fail, each with the same sentence, and others go on."""

from __future__ import annotations

from typing import NoReturn

from secretsync.core.errors import SecretSyncError


class ClosedCluster:
    """Stands where the cluster would; whatever is asked of it raises why it could not be opened."""

    runs_pods = True
    calls_at_once = 1

    def __init__(self, cause: SecretSyncError) -> None:
        self._why = cause

    def __getattr__(self, verb: str) -> NoReturn:
        raise self._why
