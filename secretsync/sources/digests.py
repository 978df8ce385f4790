"""The digest of the files of each revision that was fetched, kept in the cache: what is live is compared with it.

A pass in which nothing changed then reads neither the source nor the cached objects.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path

from secretsync.core.files import write_atomically
from secretsync.core.model import Revision
from secretsync.sources.cache import CacheFailed, mark_used, private_folder, prune_cache

_DIGEST = re.compile("[0-9a-f]{64}")
_MOST_BYTES = 1024 * 1024


class FetchedDigests:
    """A folder with a file for each revision and recipe. Where it cannot be used, nothing is known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digest_of(self, revision: Revision, recipe: str) -> str:
        """The digest of the files that were fetched; empty where that is not known."""
        with suppress(OSError, ValueError, CacheFailed):
            path = self._path(revision, recipe)
            if path.exists() and private_folder(self._folder):
                digest = mark_used(path).read_text(encoding="ascii")
                return digest if _DIGEST.fullmatch(digest) else ""
        return ""

    def remember(self, revision: Revision, recipe: str, digest: str) -> None:
        """Remember the *digest* of what was fetched of *revision* just now."""
        with suppress(OSError, CacheFailed):
            prune_cache(private_folder(self._folder), limit=_MOST_BYTES)
            write_atomically(self._path(revision, recipe), digest)

    def _path(self, revision: Revision, recipe: str) -> Path:
        key = json.dumps([revision.source, revision.id, recipe])
        return self._folder / hashlib.sha256(key.encode()).hexdigest()
