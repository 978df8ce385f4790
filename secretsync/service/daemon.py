"""The long-running form, put together: the loop, all that may ask it for a pass, and what it tells of itself."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from secretsync import __version__
from secretsync.config import credentials
from secretsync.core import instrumentation
from secretsync.core.errors import SecretSyncError
from secretsync.core.machine import expected_failure
from secretsync.reconcile import factory
from secretsync.reconcile.all_targets import Outcome, reconcile_targets
from secretsync.reconcile.destination import Destination, Report
from secretsync.reconcile.reasons import BUG
from secretsync.reconcile.reconciler import sync
from secretsync.reconcile.recording import Notify, record_outcome
from secretsync.service import health_port, webhook
from secretsync.service.config_watch import WatchedConfig
from secretsync.service.http_server import RateLimitedLog, listening
from secretsync.service.leader import Election
from secretsync.service.loop import Loop, PassRequest, Schedule
from secretsync.service.probes import Health, stuck_after
from secretsync.service.registry import Registry

log = structlog.get_logger()

LOOK = 5
"""Seconds between two looks at the configuration's file; the kubelet takes up to a minute to change it."""


class Service:
    """The parts of the long-running form of *path*; each outcome is passed to *on_outcome* too.

    *page* makes the page on the last passes of the targets with the names that it is given, *describe* the Markdown
    below a request to a repository.
    """

    def __init__(
        self,
        path: Path,
        on_outcome: Callable[[Outcome], None],
        page: Callable[[Collection[str]], str] | None = None,
        describe: Callable[[Report], str] | None = None,
    ) -> None:
        self._base, self._tell, self._page, self._describe = path.parent, on_outcome, page, describe
        self._names: tuple[str, ...] = ()
        self._followed, self._bell, self._registry = WatchedConfig(path), PassRequest(), Registry()
        self._started_with = self._followed.current
        self._election = self._candidate()
        self._health = Health(lambda: stuck_after(self._followed.current), self._follows)
        self._registry.process(usable=lambda: self._followed.usable, leads=self._leads)

    def run(self) -> None:
        """Go on until asked to stop, which raises Stopped. Raises PortUnusable."""
        signal.signal(signal.SIGUSR1, lambda *_: self._bell.request())
        loop = Loop(self._one_pass, self._rhythm, leads=self._leads)
        loop.poll_between_passes(LOOK, self._poll)
        with ExitStack() as stack:
            stack.enter_context(instrumentation.listening_to(self._registry.record))
            stack.enter_context(instrumentation.listening_to(self._health.record))
            stack.enter_context(self._health_server())
            stack.enter_context(self._webhook_server())
            if self._election:
                stack.enter_context(self._election.campaigning())
            log.info("started", version=__version__, interval=self._followed.current.interval)
            loop.run(self._wait)

    def _candidate(self) -> Election | None:
        started_with = self._started_with
        if not started_with.election:
            return None
        # imported here: a single process needs no election
        from secretsync.service.leader import candidate

        return candidate(started_with.election, started_with.installation, self._base, self._bell.request)

    def _leads(self) -> bool:
        return self._election is None or self._election.leads

    def _follows(self) -> bool | None:
        return self._election.follows if self._election else None

    def _wait(self, seconds: float) -> bool:
        """Until somebody asks for a pass; a follower passes that on."""
        rang = self._bell.wait(seconds)
        if rang and not self._leads():
            self._pass_on()
        return rang

    def _pass_on(self) -> None:
        try:
            self._request_pass()
        except SecretSyncError as error:
            log.error("the request for a pass did not reach the leader", why=str(error))

    def _request_pass(self) -> None:
        """A pass shall come at once. Raises SecretSyncError."""
        if self._election:
            self._election.request_pass()
        else:
            self._bell.request()

    def _poll(self) -> bool:
        self._health.turning()
        if not self._leads():
            self._registry.only(())  # what it saw as the leader is no longer its to tell
        changed = self._followed.poll()
        for key in ("health", "webhook", "election"):
            if changed and getattr(self._followed.current, key) != getattr(self._started_with, key):
                log.warning("a changed key takes effect when secretsync is started anew", key=key)
        return changed

    def _health_server(self) -> AbstractContextManager[object]:
        """The port for probes and Prometheus, where there is one."""
        health = self._started_with.health
        if not health:
            return nullcontext()
        make = self._page
        page = (lambda: make(self._names)) if make and health.page else None
        return listening(health.port, lambda request: health_port.respond(request, self._health, self._registry, page))

    def _webhook_server(self) -> AbstractContextManager[object]:
        """The port for whoever may ask for a pass, where there is one."""
        rules = self._started_with.webhook
        if not rules:
            return nullcontext()
        secret = partial(credentials.read, rules.secret, self._base, "webhook.secret")
        limited_log = RateLimitedLog()
        return listening(rules.port, lambda request: webhook.respond(request, secret, self._on_request, limited_log))

    def _on_request(self, by: webhook.By) -> None:
        self._registry.requested(by)
        if by is not webhook.By.REFUSED:
            self._request_pass()

    def _one_pass(self) -> bool:
        try:
            with instrumentation.stage("pass"):
                destinations = factory.destinations(self._followed.current, self._base)
                return self._visit([replace(destination, describe=self._describe) for destination in destinations])
        except Exception as error:
            failure = expected_failure(error)
            self._registry.failed(failure.category if failure else BUG)
            if failure is None:
                raise
            log.error("this pass could not begin", why=str(failure))
            return False

    def _notifier(self) -> Notify | None:
        if not self._followed.current.notify:
            return None
        # imported here: most tell nobody
        from secretsync.service.notify import notifier

        return notifier(self._followed.current, self._base)

    def _visit(self, destinations: list[Destination]) -> bool:
        self._names = tuple(destination.name for destination in destinations)
        self._registry.only(self._names)
        succeeded = True
        notify = self._notifier()
        for outcome in reconcile_targets(destinations, sync, partial(record_outcome, notify=notify)):
            self._registry.outcome(outcome)
            self._tell(outcome)
            succeeded = succeeded and outcome.exit_code == 0
        self._health.completed()
        return succeeded

    def _rhythm(self) -> Schedule:
        current = self._followed.current
        return Schedule(interval=current.interval, jitter=current.jitter, longest=current.max_interval)
