"""A source's answer, shared by all targets of a pass."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial

from secretsync.core.concurrency import result_of, value_or_raise
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle, Revision, Source
from secretsync.reconcile.destination import Delivery, Destination


class AskedOncePerPass:
    """A source that is asked once a pass, however many targets want its package; what fails is not tried again.

    Targets of two clusters may want it in the same moment: the second waits for the answer to the first.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._asked = threading.Lock()
        self._revision: Revision | SecretSyncError | None = None
        self._bundles: dict[Revision, Bundle | SecretSyncError] = {}

    def resolve(self) -> Revision:
        """The revision that the source names, asked once; what it raised is raised again."""
        with self._asked:
            if self._revision is None:
                self._revision = result_of(self._source.resolve)
        return value_or_raise(self._revision)

    def fetch(self, revision: Revision) -> Bundle:
        """The bundle at *revision*, fetched once; what was raised is raised again."""
        with self._asked:
            if revision not in self._bundles:
                self._bundles[revision] = result_of(partial(self._source.fetch, revision))
        return value_or_raise(self._bundles[revision])

    def refreshed(self) -> AskedOncePerPass:
        """The same source, which is asked again what it holds now; what failed is not tried again."""
        fresh = AskedOncePerPass(self._source)
        with self._asked:
            fresh._bundles = dict(self._bundles)
            fresh._revision = self._revision if isinstance(self._revision, SecretSyncError) else None
        return fresh


def with_refreshed_sources(destination: Destination) -> Destination:
    """*destination*, whose sources are asked again what they hold now."""
    return replace(destination, deliveries=[_refreshed(delivery) for delivery in destination.deliveries])


def _refreshed(delivery: Delivery) -> Delivery:
    source = delivery.source
    return replace(delivery, source=source.refreshed()) if isinstance(source, AskedOncePerPass) else delivery
