"""Every policy package that the community publishes: from the index into the mounted directory of a pod."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from tests.e2e.site import Site
from tests.servers.control_plane import ControlPlane
from tests.sources.index.test_wheels_of_the_index import WHEELS

pytestmark = [pytest.mark.control_plane, pytest.mark.network, pytest.mark.slow]


@pytest.mark.parametrize(("distribution", "module"), WHEELS.items())
def test_a_published_package_reaches_a_pod_byte_for_byte(
    distribution: str, module: str, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    wheel = downloaded(distribution, tmp_path)
    files = module_files(wheel, module)
    site = Site(
        control_plane,
        namespace,
        tmp_path,
        module,
        f"{distribution}=={parse_wheel_filename(wheel.name)[1]}",
        distribution,
        directories=sorted({"", *(path.rpartition("/")[0] for path in files)}),
        check="never",  # three of them are packages that Rucio would not load whole, and the check says so
    )
    site.add("rucio-server", probe=True)

    run = site.run()

    assert run.code == 0, run
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    assert list(site.imported().values()) == [digests]


def downloaded(distribution: str, folder: Path) -> Path:
    """The newest wheel, as pip gets it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", distribution]
    downloading = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if downloading.returncode:
        pytest.skip(f"pip cannot get {distribution} here: {downloading.stderr.strip().splitlines()[-1]}")
    return next(folder.glob("*.whl"))


def module_files(wheel: Path, module: str) -> dict[str, bytes]:
    """The files of the module itself, by their path in it."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name.removeprefix(f"{module}/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith(f"{module}/") and not name.endswith("/")
        }
