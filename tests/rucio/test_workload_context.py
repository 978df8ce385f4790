"""Where a package is to run, as a cluster tells it."""

from __future__ import annotations

from typing import Any

from secretsync.core.model import Workload
from secretsync.rucio.workload_context import workload_context
from tests.build import PLACEMENT, workload

DIRECTORIES = {"atlas": "", "atlas-tests": "tests"}


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
    found = workload_context(PLACEMENT, DIRECTORIES, workloads)
    assert found.versions == ("41.5.1", "release-40.4.2")
    assert found.images == ("server", "daemons")


def test_an_image_without_a_tag_and_a_foreign_image_tell_no_version() -> None:
    workloads = [running("rucio-server", "atlas"), running("nginx:1.2", "atlas", name="proxy")]
    assert workload_context(PLACEMENT, DIRECTORIES, workloads).versions == ()


def test_directories_are_mounted_where_every_workload_mounts_them() -> None:
    half = [running("rucio-server:41", "atlas", "atlas-tests"), running("rucio-daemons:41", "atlas", name="d")]
    assert workload_context(PLACEMENT, DIRECTORIES, half).mounted == frozenset({""})
    assert workload_context(PLACEMENT, DIRECTORIES, half[:1]).mounted == frozenset({"", "tests"})
    assert workload_context(PLACEMENT, DIRECTORIES, []).mounted is None


def test_the_variables_are_those_that_every_container_with_rucio_sets() -> None:
    server, daemon = running("rucio-server:41", "atlas"), running("rucio-daemons:41", "atlas", name="d")
    server.template["spec"]["containers"][0]["env"] = [{"name": "EXPERIMENT", "value": "x"}, {"name": "ONLY_HERE"}]
    daemon.template["spec"]["containers"][0]["env"] = [{"name": "EXPERIMENT", "value": "x"}]
    assert workload_context(PLACEMENT, DIRECTORIES, [server, daemon]).environment == frozenset({"EXPERIMENT"})
    assert workload_context(PLACEMENT, DIRECTORIES, []).environment == frozenset()


def file_by_file(*files: str, name: str = "server") -> Workload:
    made = running("rucio-server:41", "atlas", name=name)
    (container,) = made.template["spec"]["containers"]
    container["volumeMounts"] = [
        {"name": "v0", "mountPath": f"/policy/atlas_rucio_policy/{file}", "subPath": file} for file in files
    ]
    return made


def test_files_are_mounted_where_every_workload_that_mounts_file_by_file_has_them() -> None:
    workloads = [file_by_file("a.py", "b.py"), file_by_file("a.py", name="judge"), running("rucio-server:41", "atlas")]
    assert workload_context(PLACEMENT, DIRECTORIES, workloads).mounted_files == frozenset({"a.py"})


def test_where_all_mount_the_directory_no_file_is_looked_at() -> None:
    assert workload_context(PLACEMENT, DIRECTORIES, [running("rucio-server:41", "atlas")]).mounted_files is None
