"""A source whose questions are timed and whose failures are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from secretsync.core import instrumentation
from secretsync.core.machine import expected_failure
from secretsync.core.model import Bundle, Revision, Source


class InstrumentedSource:
    """*source*, the same to whoever asks it."""

    def __init__(self, module: str, source: Source) -> None:
        self._module, self._source = module, source

    def resolve(self) -> Revision:
        """The revision that the source names; the call is timed and counted."""
        with self._watching("resolve"):
            return self._source.resolve()

    def fetch(self, revision: Revision) -> Bundle:
        """The bundle at *revision*; the call is timed and counted."""
        with self._watching("fetch"):
            return self._source.fetch(revision)

    @contextmanager
    def _watching(self, stage: str) -> Iterator[None]:
        try:
            with instrumentation.stage(stage, package=self._module):
                yield
        except Exception as error:
            if (failure := expected_failure(error)) is None:
                raise
            instrumentation.emit(instrumentation.SourceFailed(self._module, failure))
            raise failure from None
