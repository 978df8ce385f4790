"""One pass over the targets, and no more: by hand, in CI, in a CronJob."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from secretsync import config
from secretsync.cli.settings import fits
from secretsync.core import instrumentation
from secretsync.core.errors import SecretSyncError
from secretsync.reconcile import factory
from secretsync.reconcile.all_targets import Outcome, reconcile_targets
from secretsync.reconcile.destination import Destination, Report
from secretsync.reconcile.reconciler import preview, sync
from secretsync.reconcile.recording import Notify, record_outcome

if TYPE_CHECKING:
    from secretsync.plan.approval import PlanDocument

log = structlog.get_logger()

Show = Callable[[Outcome], None]
"""Called with each outcome as soon as it is known."""

Act = Callable[[config.Config, Path, Show, str | None], list[Outcome]]
"""`preview_all` or `sync_all`."""


def preview_all(configuration: config.Config, base: Path, show: Show, target_name: str | None = None) -> list[Outcome]:
    """What an apply would do at each target, or at those that *target_name* names. Nothing is written or sent."""
    return _shown(_destinations(configuration, base, target_name), preview, show)


def sync_all(
    configuration: config.Config,
    base: Path,
    show: Show,
    target_name: str | None = None,
    *,
    approved: PlanDocument | None = None,
) -> list[Outcome]:
    """Bring each target, or those that *target_name* names, to what its packages are now, or to what was *approved*.
    The outcome is recorded in the cluster, sent to people, and its metrics are pushed.
    """
    remember = partial(record_outcome, notify=_notifier(configuration, base))
    with _pushing(configuration, base) as measure:
        destinations = _approved(_destinations(configuration, base, target_name), approved)
        return _shown(destinations, sync, show, measure, record=remember)


def _destinations(configuration: config.Config, base: Path, target_name: str | None) -> Sequence[Destination]:
    opened = zip(configuration.targets, factory.destinations(configuration, base), strict=True)
    return [
        replace(destination, describe=request_description)
        for target, destination in opened
        if fits(target, target_name)
    ]


def request_description(report: Report) -> str:
    """The Markdown below a request that proposes what *report* has; without contents."""
    # imported here: most targets are clusters
    from secretsync.cli.output import markdown
    from secretsync.cli.output.describe import describe_pass, report_on_targets
    from secretsync.cli.output.sentences import proposes

    target = describe_pass(report, dry_run=True, actions=True)
    return markdown.render(report_on_targets((replace(target, summary=proposes(target)),), "plan"))


def _approved(destinations: Sequence[Destination], approved: PlanDocument | None) -> Sequence[Destination]:
    """Each with what was approved for it."""
    if approved is None:
        return destinations
    targets = {(target.target, target.namespace): target for target in approved.targets}
    return [
        replace(destination, approved=targets[destination.name, destination.namespace]) for destination in destinations
    ]


def _notifier(configuration: config.Config, base: Path) -> Notify | None:
    if not configuration.notify:
        return None
    # imported here: most notify nobody
    from secretsync.service.notify import notifier

    return notifier(configuration, base)


def _shown(
    destinations: Sequence[Destination],
    act: Callable[[Destination], Report],
    *shows: Show,
    record: Show = lambda _: None,
) -> list[Outcome]:
    """The outcomes in the order of *destinations*, each of which was shown as soon as it was known."""
    outcomes = []
    for outcome in reconcile_targets(destinations, act, record):
        for show in shows:
            show(outcome)
        outcomes.append(outcome)
    places = {id(destination): place for place, destination in enumerate(destinations)}
    return sorted(outcomes, key=lambda outcome: places[id(outcome.destination)])


@contextmanager
def _pushing(configuration: config.Config, base: Path) -> Iterator[Show]:
    """What happens in here is measured, and pushed at its end where there is a Pushgateway."""
    if not configuration.pushgateway:
        yield lambda _: None
        return
    # imported here: most runs push nothing
    from secretsync.service.notify.pushgateway import push
    from secretsync.service.registry import Registry

    registry = Registry()
    with instrumentation.listening_to(registry.record):
        yield registry.outcome
    try:
        push(configuration.pushgateway, base, configuration.installation, registry.text())
    except SecretSyncError as error:
        log.warning("the metrics could not be pushed", why=str(error))
