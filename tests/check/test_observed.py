"""The situation, as a cluster tells it."""

from __future__ import annotations

from typing import Any

from secretsync.check.observed import observed
from secretsync.model import Workload
from tests.build import PLACEMENT, desired, live, workload
from tests.check.build import GOOD

WANTED = desired({**GOOD, "tests/test_it.py": ""})


def running(image: str, *secrets: str, name: str = "server") -> Workload:
    made = workload(*secrets, name=name)
    containers: list[dict[str, Any]] = made.template["spec"]["containers"]
    containers[0]["image"] = image
    return made


def test_versions_and_kinds_come_from_the_images_that_mount_the_package() -> None:
    workloads = [
        running("docker.io/rucio/rucio-server:41.5.1", "atlas"),
        running("registry:5000/site/rucio-daemons:release-40.4.2@sha256:00", "atlas", name="daemons"),
        running("rucio/rucio-ui:37.0.0", "other", name="ui"),
    ]
    situation = observed(WANTED.bundle, PLACEMENT, (), workloads)
    assert situation.rucio == ("41.5.1", "release-40.4.2")
    assert situation.images == ("server", "daemons")
    assert situation.live is None


def test_what_is_live_is_read_from_the_secrets() -> None:
    situation = observed(WANTED.bundle, PLACEMENT, list(live(WANTED).values()), [])
    assert situation.live
    assert situation.live.digest == WANTED.bundle.digest
    assert situation.live.module == PLACEMENT.module


def test_directories_are_mounted_where_every_workload_mounts_them() -> None:
    half = [running("rucio-server:41", "atlas", "atlas-tests"), running("rucio-daemons:41", "atlas", name="d")]
    assert observed(WANTED.bundle, PLACEMENT, (), half).mounted == frozenset({""})
    assert observed(WANTED.bundle, PLACEMENT, (), half[:1]).mounted == frozenset({"", "tests"})
    assert observed(WANTED.bundle, PLACEMENT, (), []).mounted is None
