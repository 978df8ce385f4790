"""Which commit each ref was when it was last fetched, kept beside the cache of its repository."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from secretsync.core.files import write_atomically


def folder_of(root: Path, url: str) -> Path:
    """The bare repository below the cache *root* that keeps what was fetched from *url*."""
    return root / "git" / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.git"


class FetchedRefs:
    """A moved tag, a vanished branch and an older commit are noticed by it; *folder* is the bare repository."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.with_suffix(".refs.json")

    def commit_of(self, ref: str) -> str:
        """The commit that *ref* was when it was last fetched; empty where nobody knows."""
        return self._known().get(ref, "")

    def keep(self, ref: str, commit: str) -> None:
        """Remember that *ref* is *commit*."""
        known = self._known()
        if known.get(ref) != commit:
            write_atomically(self._path, json.dumps({**known, ref: commit}, indent=1, sort_keys=True))

    def forget(self) -> None:
        """Nothing was ever fetched."""
        self._path.unlink(missing_ok=True)

    def _known(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text())
        except (OSError, ValueError, RecursionError):
            return {}
        return {str(ref): str(commit) for ref, commit in known.items()} if isinstance(known, dict) else {}
