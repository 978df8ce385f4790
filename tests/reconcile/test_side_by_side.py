"""Workloads of a wave are restarted side by side: a kill, a conflict or a stop among them loses and doubles nothing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from secretsync.cluster.errors import Conflict
from secretsync.core import shutdown
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Ref
from secretsync.plan.state import from_secret
from secretsync.reconcile.lock import LeaseLost
from tests.reconcile.test_reconciler import Died, Site

NAMES = [f"daemon-{number}" for number in range(12)]


@pytest.fixture
def site() -> Site:
    """A site that ran well, whose source then brings something new."""
    site = Site(*NAMES)
    site.cluster.calls_at_once = 4
    site.sync()
    site.source.push(init="2")
    site.cluster.calls.clear()
    return site


def stamps(site: Site) -> set[str]:
    return {site.stamp(name) for name in NAMES}


def restarts(site: Site) -> Counter[str]:
    return Counter(name for verb, name in site.cluster.calls if verb == "annotate")


def fail_at(site: Site, number: int, error: Callable[[], BaseException]) -> None:
    """The restart with this number raises *error*."""
    lock, seen = threading.Lock(), []

    def before(verb: str, name: str) -> None:
        with lock:
            if verb != "annotate":
                return
            seen.append(name)
            mine = len(seen) == number
        if mine:
            raise error()

    site.cluster.before = before


def forget_the_failure(site: Site) -> None:
    site.cluster.before = lambda verb, name: None


@pytest.mark.parametrize("number", range(1, len(NAMES) + 1))
def test_after_a_kill_at_any_restart_the_next_run_restarts_exactly_the_rest(site: Site, number: int) -> None:
    fail_at(site, number, Died)
    with pytest.raises(Died):
        site.sync()
    before = restarts(site)
    site.live_on()
    assert not site.sync().failed
    assert before + restarts(site) == Counter(NAMES)
    assert len(stamps(site)) == 1
    assert site.preview().plan.idle


@pytest.mark.parametrize("number", range(1, len(NAMES) + 1))
def test_after_a_conflict_the_run_plans_again_and_restarts_none_twice(site: Site, number: int) -> None:
    fail_at(site, number, lambda: Conflict(Ref("Deployment", "rucio", "daemon"), "was changed by someone else"))
    assert not site.sync().failed
    assert restarts(site) == Counter(NAMES)
    assert len(stamps(site)) == 1


def test_a_stop_among_them_ends_the_run_with_the_lease_released_and_what_was_done_remembered(site: Site) -> None:
    fail_at(site, 5, lambda: shutdown.Stopped("SIGTERM"))
    with pytest.raises(shutdown.Stopped):
        site.sync()
    forget_the_failure(site)
    done = restarts(site)
    assert 0 < len(done) < len(NAMES)
    assert site.cluster.objects["Lease", "secretsync"]["spec"]["holderIdentity"] == ""
    state = from_secret(site.cluster.secrets["secretsync-state"])
    assert {ref for ref, number in state.of("atlas").restarts.items() if number == 2} == {
        f"Deployment rucio/{name}" for name in done
    }
    site.sync()
    assert restarts(site) == Counter(NAMES)


def test_a_lost_lease_among_them_is_no_verdict_on_a_workload(site: Site) -> None:
    fail_at(site, 5, lambda: LeaseLost("rucio"))
    with pytest.raises(LeaseLost):
        site.sync()
    assert len(restarts(site)) < len(NAMES)


def test_one_that_is_refused_stops_none_of_the_others(site: Site) -> None:
    fail_at(site, 5, lambda: SecretSyncError("denied by a policy"))
    report = site.sync()
    assert len(restarts(site)) >= len(NAMES) - 1
    assert "could not be restarted: denied by a policy" in report.failure
