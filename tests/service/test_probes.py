"""Alive and ready, on a clock of the test's own."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import pytest

from secretsync import config
from secretsync.core.instrumentation import CallEnded, StageEnded
from secretsync.service.health_port import respond
from secretsync.service.http_server import Request
from secretsync.service.probes import Health, stuck_after
from secretsync.service.registry import Registry


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def asked(path: str, health: Health, method: str = "GET") -> tuple[HTTPStatus, str]:
    told = respond(Request(method, path, {}, b"", "127.0.0.1"), health, Registry())
    return told.status, told.text


def test_a_loop_without_a_sign_of_work_is_stuck(clock: Clock) -> None:
    health = Health(lambda: 300, now=clock)
    clock.seconds = 301
    assert asked("/healthz", health) == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the loop is stuck: no sign of work for 301 s\n",
    )


def test_any_sign_of_work_keeps_it_alive(clock: Clock) -> None:
    health = Health(lambda: 300, now=clock)
    for clock.seconds in range(0, 5000, 250):
        health.record(StageEnded("compare", 1.0))
    assert asked("/healthz", health)[0] == HTTPStatus.OK


def test_a_lease_that_is_renewed_is_no_sign_that_a_pass_goes_on(clock: Clock) -> None:
    health = Health(lambda: 300, now=clock)
    for clock.seconds in range(0, 500, 5):
        health.record(CallEnded("update", "leases.coordination.k8s.io", "200"))
    assert asked("/healthz", health)[0] == HTTPStatus.SERVICE_UNAVAILABLE


def test_it_is_ready_after_its_first_pass(clock: Clock) -> None:
    health = Health(lambda: 300, now=clock)
    assert asked("/readyz", health) == (HTTPStatus.SERVICE_UNAVAILABLE, "its first pass goes on\n")
    health.completed()
    assert asked("/readyz", health) == (HTTPStatus.OK, "made a pass\n")


@pytest.mark.parametrize(("reads_the_lease", "status"), [(True, 200), (False, 503)])
def test_a_follower_is_ready_when_it_can_read_the_lease(clock: Clock, reads_the_lease: bool, status: int) -> None:
    health = Health(lambda: 300, follows=lambda: reads_the_lease, now=clock)
    assert asked("/readyz", health)[0] == status


def test_patience_outlasts_the_slowest_question_to_a_source() -> None:
    packages = [{"moduleName": name, "requirement": "./a", "timeout": told} for name, told in (("a", "10m"), ("b", 5))]
    targets = [{"cluster": {"directory": "./cluster"}, "namespace": "rucio"}]
    told = config.parse({"packages": packages, "targets": targets}, Path("secretsync.yaml"))
    assert stuck_after(told) > 4 * 600


def test_what_is_asked_elsewhere_or_otherwise_is_refused(clock: Clock) -> None:
    health = Health(lambda: 300, now=clock)
    assert asked("/", health)[0] == HTTPStatus.NOT_FOUND
    assert asked("/healthz", health, "POST")[0] == HTTPStatus.METHOD_NOT_ALLOWED
