"""A source whose questions are timed and whose failures are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from secretsync import signs
from secretsync.errors import SecretSyncError
from secretsync.model import Bundle, Revision, Source


class Watched:
    """*source*, the same to whoever asks it."""

    def __init__(self, module: str, source: Source) -> None:
        self._module, self._source = module, source

    def resolve(self) -> Revision:
        with self._watching("resolve"):
            return self._source.resolve()

    def fetch(self, revision: Revision) -> Bundle:
        with self._watching("fetch"):
            return self._source.fetch(revision)

    @contextmanager
    def _watching(self, stage: str) -> Iterator[None]:
        try:
            with signs.stage(stage, package=self._module):
                yield
        except SecretSyncError as error:
            signs.tell(signs.SourceFailed(self._module, error))
            raise
