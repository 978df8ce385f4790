"""The metrics as prometheus-client serves them: gauges from each outcome, counters and durations from signs of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from secretsync import __version__
from secretsync.core.instrumentation import CallEnded, Notified, Signal, SourceFailed, StageEnded
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.reasons import reason
from secretsync.service.metrics import COUNTERS, DURATIONS, GAUGES, PROCESS, SUCCESS, Sample, samples

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)


class OutcomeCollector(Collector):
    """The last samples of each target; what a target no longer tells is no longer there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_target: dict[str, dict[tuple[str, tuple[str, ...]], Sample]] = {}

    def update(self, outcome: Outcome, at: float) -> None:
        """A failure without a report tells nothing new but that it was one: the rest stays as it was."""
        new = {(sample.name, sample.labels): sample for sample in samples(outcome, at)}
        with self._lock:
            previous = self._by_target.get(outcome.destination.name, {})
            remaining = {key: sample for key, sample in previous.items() if outcome.report is None or key[0] == SUCCESS}
            self._by_target[outcome.destination.name] = {**remaining, **new}

    def only(self, targets: Collection[str]) -> None:
        """Forget targets that are no longer configured."""
        with self._lock:
            self._by_target = {target: samples for target, samples in self._by_target.items() if target in targets}

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges with their newest samples, when Prometheus asks."""
        families = {
            name: GaugeMetricFamily(name, metric.meaning, labels=metric.labels) for name, metric in GAUGES.items()
        }
        with self._lock:
            samples = [sample for by_key in self._by_target.values() for sample in by_key.values()]
        for sample in samples:
            families[sample.name].add_metric(sample.labels, float(sample.value))
        return families.values()


class Registry:
    """What is scraped, or pushed, and the ways in which it learns."""

    def __init__(self, utc: Callable[[], float] = time.time) -> None:
        disable_created_metrics()  # a second time series for each counter, which nobody asks for
        self._utc = utc
        self.registry = CollectorRegistry()
        self._told = OutcomeCollector()
        self.registry.register(self._told)
        ProcessCollector(registry=self.registry)
        self._counters = {
            name: Counter(name, metric.meaning, metric.labels, registry=self.registry)
            for name, metric in COUNTERS.items()
        }
        (self._seconds,) = (
            Histogram(name, metric.meaning, metric.labels, buckets=_SECONDS, registry=self.registry)
            for name, metric in DURATIONS.items()
        )
        build, self._usable, self._leader = (
            Gauge(name, metric.meaning, metric.labels, registry=self.registry) for name, metric in PROCESS.items()
        )
        build.labels(__version__).set(1)

    def record(self, signal: Signal) -> None:
        """Learn from a sign of work."""
        match signal:
            case StageEnded(stage, seconds, target, package):
                self._seconds.labels(stage, target, package).observe(seconds)
            case CallEnded(verb, resource, code):
                self._counters["secretsync_api_calls_total"].labels(verb, resource, code).inc()
            case SourceFailed(package, error):
                self._counters["secretsync_source_errors_total"].labels(package, error.code).inc()
            case Notified(channel, result):
                self._counters["secretsync_notifications_total"].labels(channel, result).inc()

    def outcome(self, outcome: Outcome) -> None:
        """Learn what became of a target."""
        self._told.update(outcome, self._utc())
        if failure_reason := reason(outcome):
            self.failed(failure_reason, outcome.destination.name)

    def failed(self, reason: str, target: str = "") -> None:
        """A pass failed for one of REASONS, before it came to a target where none is named."""
        self._counters["secretsync_failures_total"].labels(target, reason).inc()

    def only(self, targets: Collection[str]) -> None:
        """Forget targets that are no longer configured."""
        self._told.only(targets)

    def requested(self, by: str) -> None:
        """Somebody asked for a pass."""
        self._counters["secretsync_sync_requests_total"].labels(by).inc()

    def process(self, *, usable: Callable[[], bool], leads: Callable[[], bool]) -> None:
        """Where to look, when asked, whether the configuration is usable and whether this process leads."""
        self._usable.set_function(usable)
        self._leader.set_function(leads)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
