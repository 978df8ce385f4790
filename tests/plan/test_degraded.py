"""A source that is away: what is live of its package stays, the others go on, and every pass says so."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest

from secretsync.cli.output.describe import describe_pass
from secretsync.cli.output.text import render_target
from secretsync.config.check import Check
from secretsync.config.target import Rollout
from secretsync.core.errors import FAILED, SecretSyncError
from secretsync.core.model import Bundle, File, Placement, Revision, Workload
from secretsync.operations import releases
from secretsync.plan.degraded import Degraded, waits_for_degraded
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.asked_once import AskedOncePerPass
from secretsync.reconcile.destination import Clock, Delivery, Destination, Report
from secretsync.reconcile.reasons import reason
from secretsync.reconcile.reconciler import preview, sync
from secretsync.service.metrics import samples
from tests.build import PLACEMENT, desired, pod, workload
from tests.memory_cluster import MemoryCluster


class Package:
    """A source that a test fills, and may take away."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.away: SecretSyncError | None = None
        self.asked = 0
        self.push("1")

    def push(self, text: str) -> None:
        self.text = text.encode()
        self.revision = Revision("memory", "main", f"commit:{self.text.hex():0>40}")

    def resolve(self) -> Revision:
        self.asked += 1
        if self.away:
            raise self.away
        return self.revision

    def fetch(self, revision: Revision) -> Bundle:
        return Bundle(self.module, "", revision, (File("__init__.py", self.text), File("sub/x.py", self.text)))


class Site:
    """Two packages; *mounts* tells by a workload's name which of them it has."""

    def __init__(self, mounts: Mapping[str, tuple[str, ...]], *, wired: bool = False) -> None:
        self.packages = {name: Package(name) for name in ("atlas", "cms")}
        self.cluster = MemoryCluster(*(self._workload(name, modules) for name, modules in mounts.items()))
        self.cluster.live_pods = [pod(name, name=f"{name}-1", created="2025-12-31T00:00:00Z") for name in mounts]
        self.time = 0.0
        deliveries = [
            Delivery(
                Placement("secretsync", "rucio", name, name, vo=name if wired else "", wired=wired),
                package,
                "recipe",
                Check(fail="never"),
            )
            for name, package in self.packages.items()
        ]
        self.destination = Destination(
            "memory", self.cluster, "secretsync", "rucio", deliveries, rollout=Rollout(timeout=60)
        )

    def _workload(self, name: str, modules: tuple[str, ...]) -> Workload:
        secrets = [secret for module in modules for secret in (module, f"{module}-sub")]
        return workload(*secrets, name=name, probe=True)

    @property
    def once(self) -> Destination:
        deliveries = [replace(one, source=AskedOncePerPass(one.source)) for one in self.destination.deliveries]
        return replace(self.destination, deliveries=deliveries)

    def sync(self) -> Report:
        return sync(self.once, Clock(lambda: self.time, self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def live(self, name: str) -> bytes:
        return self.cluster.secrets[name].data["__init__.py"]

    def take_away(self, name: str) -> None:
        self.packages[name].away = SecretSyncError(f"{name} cannot be reached")


APART = {"server": ("atlas",), "judge": ("cms",)}
TOGETHER = {**APART, "ui": ("atlas", "cms")}


@pytest.fixture
def apart() -> Site:
    site = Site(APART)
    site.sync()
    site.take_away("cms")
    return site


def test_the_other_package_and_its_workloads_go_on(apart: Site) -> None:
    apart.packages["atlas"].push("2")
    told = apart.sync()
    assert (apart.live("atlas"), apart.live("cms")) == (b"2", b"1")
    assert [one.workload.ref.name for one in told.plan.restarts] == ["server"]


def test_each_pass_says_so_and_fails(apart: Site) -> None:
    for _ in range(2):
        told = apart.sync()
        outcome = Outcome(apart.destination, told)
        assert (outcome.exit_code, reason(outcome)) == (FAILED, "source")
        text = render_target(describe_pass(told, dry_run=False))
        assert "degraded: cms stays at commit 000000000000: cms cannot be reached" in " ".join(text.split())
        (degraded,) = describe_pass(told, dry_run=False).degraded
        assert (degraded.module, degraded.commit) == ("cms", f"commit:{'31':0>40}")
        assert degraded.problem.message == "cms cannot be reached"


def test_the_pass_is_a_success_for_the_other_package_alone(apart: Site) -> None:
    told = {(one.name, one.labels): one.value for one in samples(Outcome(apart.destination, apart.sync()), at=1000)}
    name = "secretsync_last_success_timestamp_seconds"
    assert {labels for told_name, labels in told if told_name == name} == {("memory", "atlas")}
    assert told["secretsync_degraded", ("memory", "cms")] == 1


def test_nothing_of_it_is_touched_not_even_what_somebody_edited(apart: Site) -> None:
    apart.cluster.edit("cms", **{"by_hand.py": b""})
    before = dict(apart.cluster.secrets)
    apart.packages["atlas"].push("2")
    apart.sync()
    assert {name: apart.cluster.secrets[name] for name in ("cms", "cms-sub")} == {
        name: before[name] for name in ("cms", "cms-sub")
    }


def test_it_is_followed_again_when_its_source_is_back(apart: Site) -> None:
    apart.sync()
    apart.packages["cms"].away = None
    apart.packages["cms"].push("3")
    told = apart.sync()
    assert (apart.live("cms"), told.plan.degraded) == (b"3", ())


def test_a_source_that_fails_is_asked_once_a_pass(apart: Site) -> None:
    apart.packages["atlas"].push("2")
    apart.packages["cms"].asked = 0
    apart.sync()
    assert apart.packages["cms"].asked == 1


def test_where_nothing_was_deployed_yet_the_other_package_is() -> None:
    site = Site(APART)
    site.take_away("cms")
    told = site.sync()
    assert site.live("atlas") == b"1"
    assert str(told.plan.degraded[0]).startswith("cms is not deployed: ")


def test_what_a_workload_mounts_beside_it_waits() -> None:
    site = Site(TOGETHER)
    site.sync()
    site.take_away("cms")
    site.packages["atlas"].push("2")
    site.cluster.calls.clear()
    told = site.sync()
    assert (site.live("atlas"), site.cluster.writes) == (b"1", [])
    assert [str(one) for one in told.plan.degraded][1] == (
        "atlas stays at commit 000000000000: Deployment rucio/ui mounts cms as well, which cannot be deployed just "
        "now: both go out together"
    )
    assert "degraded: cms, atlas stay as they are" in render_target(describe_pass(told, dry_run=False))


def test_what_is_unchanged_beside_it_is_not_said_to_wait() -> None:
    site = Site(TOGETHER)
    site.sync()
    site.take_away("cms")
    told = site.sync()
    assert [one.placement.module for one in told.plan.degraded] == ["cms"]
    assert [one.placement.module for one in told.plan.packages] == ["atlas"]


def test_stamps_of_it_stay_on_workloads_that_are_restarted_for_another() -> None:
    site = Site(TOGETHER)
    site.sync()
    stamps = {ref.name: dict(one.template_annotations) for ref, one in site.cluster.live_workloads.items()}
    site.take_away("cms")
    site.cluster.live_workloads = {ref: one for ref, one in site.cluster.live_workloads.items() if ref.name != "ui"}
    site.packages["atlas"].push("2")
    site.sync()
    judge = next(one for ref, one in site.cluster.live_workloads.items() if ref.name == "judge")
    assert judge.template_annotations == stamps["judge"]


@pytest.fixture
def wired() -> Site:
    site = Site({"server": ()}, wired=True)
    site.sync()
    site.take_away("cms")
    return site


def test_where_we_wire_new_content_waits_as_each_workload_gets_every_package(wired: Site) -> None:
    (before,) = wired.cluster.live_workloads.values()
    wired.packages["atlas"].push("2")
    told = wired.sync()
    assert [one.placement.module for one in told.plan.degraded] == ["cms", "atlas"]
    assert list(wired.cluster.live_workloads.values()) == [before]


def test_where_we_wire_a_package_that_is_not_whole_holds_up_all(wired: Site) -> None:
    half = [name for name, one in wired.cluster.secrets.items() if name.startswith("cms") and "x.py" in one.data]
    for name in half:
        del wired.cluster.secrets[name]
    assert half
    (before,) = wired.cluster.live_workloads.values()
    told = wired.sync()
    assert [one.placement.module for one in told.plan.degraded] == ["cms", "atlas"]
    assert "the live Secrets of cms are not whole" in str(told.plan.degraded[1])
    assert list(wired.cluster.live_workloads.values()) == [before]


@pytest.mark.parametrize("is_wired", [False, True])
def test_a_rollback_does_not_wait(is_wired: bool) -> None:
    site = Site({"server": ()} if is_wired else TOGETHER, wired=is_wired)
    site.sync()
    site.packages["atlas"].push("2")
    site.sync()
    site.take_away("cms")
    delivery = site.once.deliveries[0]
    told = releases.rollback(site.once, delivery, clock=Clock(lambda: site.time, site._sleep))
    assert not told.failed
    assert [one.placement.module for one in told.plan.degraded] == ["cms"]
    (atlas,) = [one for one in told.plan.packages if one.placement.module == "atlas"]
    assert {file.data for file in atlas.desired.bundle.files} == {b"1"}
    assert {one.workload.ref.name for one in told.plan.restarts} == ({"server"} if is_wired else {"server", "ui"})


def test_a_package_that_is_held_by_hand_is_not_degraded(apart: Site) -> None:
    delivery = apart.destination.deliveries[1]
    releases.suspend(apart.destination, delivery, "a reason")
    assert apart.sync().plan.degraded == ()


def test_sources_are_asked_side_by_side() -> None:
    site = Site(APART)
    both = threading.Barrier(2, timeout=30)
    for package in site.packages.values():
        package.resolve = lambda package=package: (both.wait(), package.revision)[1]  # type: ignore[method-assign,misc]
    assert preview(site.once).plan.degraded == ()


def test_the_warnings_of_a_package_are_in_the_report() -> None:
    site = Site(APART)
    package = site.packages["cms"]
    fetch = package.fetch
    package.fetch = lambda revision: replace(fetch(revision), notes=("its tag moved",))  # type: ignore[method-assign]
    assert "its tag moved" in site.sync().plan.notes


@pytest.mark.parametrize("changed", ["__init__.py", "sub/a.py"])
def test_new_content_waits_though_only_one_of_its_secrets_changes(changed: str) -> None:
    before = {"__init__.py": "1", "sub/a.py": "1"}
    live = {secret.name: secret for secret in desired(before).secrets}
    cms = Placement("secretsync", "rucio", "cms", "cms_policy")
    waiting = waits_for_degraded(
        [desired({**before, changed: "2"})],
        [Degraded(cms, SecretSyncError("its source cannot be reached"), None)],
        {PLACEMENT: ["atlas"], cms: ["cms"]},
        live,
        [workload("atlas", "cms")],
    )
    assert waiting.keys() == {PLACEMENT}
