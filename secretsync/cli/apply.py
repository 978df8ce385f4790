"""One pass, and no more: by hand, in CI, in a CronJob."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import structlog

from secretsync import config
from secretsync.core import instrumentation
from secretsync.core.errors import SecretSyncError
from secretsync.reconcile import factory
from secretsync.reconcile.all_targets import Outcome, reconcile_targets
from secretsync.reconcile.reconciler import preview, sync
from secretsync.reconcile.recording import Notify, record_outcome

log = structlog.get_logger()

Tell = Callable[[Outcome], None]


def preview_all(configuration: config.Config, base: Path, tell: Tell) -> list[Outcome]:
    """What a run would come to at each target; nothing is written and nobody else is told."""
    return _told(reconcile_targets(factory.destinations(configuration, base), preview), tell)


def sync_all(configuration: config.Config, base: Path, tell: Tell) -> list[Outcome]:
    """Bring each target to what its packages are now. What it comes to is recorded, told, and pushed."""
    remember = partial(record_outcome, notify=_notifier(configuration, base))
    with _pushing(configuration, base) as hear:
        return _told(reconcile_targets(factory.destinations(configuration, base), sync, remember), tell, hear)


def _notifier(configuration: config.Config, base: Path) -> Notify | None:
    if not configuration.notify:
        return None
    # imported here: most tell nobody
    from secretsync.service.notify import notifier

    return notifier(configuration, base)


def _told(came: Iterable[Outcome], *tell: Tell) -> list[Outcome]:
    told = []
    for outcome in came:
        for one in tell:
            one(outcome)
        told.append(outcome)
    return told


@contextmanager
def _pushing(configuration: config.Config, base: Path) -> Iterator[Tell]:
    """What happens in here is measured, and pushed at its end where there is a Pushgateway."""
    if not configuration.pushgateway:
        yield lambda _: None
        return
    # imported here: most runs push nothing
    from secretsync.service.notify.pushgateway import push
    from secretsync.service.registry import Registry

    registry = Registry()
    with instrumentation.listening_to(registry.sign):
        yield registry.outcome
    try:
        push(configuration.pushgateway, base, configuration.installation, registry.text())
    except SecretSyncError as error:
        log.warning("the metrics could not be pushed", why=str(error))
