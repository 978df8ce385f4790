"""Every row of docs/owners.md, walked on a real control plane."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import helms
from tests.e2e.owners.owners import ArgoCD, Flux, owners
from tests.e2e.owners.page import PAGE, page, row
from tests.e2e.owners.walk import walk
from tests.on_demand import ON_DEMAND
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


@pytest.fixture(scope="module")
def both_helms() -> tuple[str, str]:
    found = {Path(program).name: program for program in helms()}
    if not {"helm3", "helm4"} <= found.keys():
        pytest.skip("Helm 3 and 4 are needed: run .ci/helm")
    return found["helm3"], found["helm4"]


ALIKE = {
    ("Helm 3", False),
    ("Flux", False),
    ("Argo CD", False),
    ("Argo CD, `ServerSideApply=true`", True),
    ("Argo CD, `ServerSideApply=true`", False),
    ("`kubectl replace`", True),
    ("`kubectl replace`", False),
}
"""Rows whose calls are those of another row: they are walked on demand."""
ROWS = [(owner, wired) for owner in owners("", "") for wired in (True, False)]


@pytest.mark.parametrize(
    ("owner", "wired"),
    [pytest.param(*row, marks=[ON_DEMAND] if row in ALIKE else []) for row in ROWS],
    ids=[f"{owner} {'wired' if wired else 'by its values'}" for owner, wired in ROWS],
)
def test_a_row_of_the_page_is_what_happens(
    control_plane: ControlPlane, both_helms: tuple[str, str], namespace: str, tmp_path: Path, owner: str, wired: bool
) -> None:
    cells = walk(control_plane, namespace, tmp_path / "owner", owners(*both_helms)[owner], wired=wired)
    assert row(owner, cells, wired=wired) in PAGE.read_text().splitlines()


def built(name: str, folder: Path) -> Path:
    """The program of the folder *name* beside this file; its modules come from the Go module proxy."""
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"Go is needed to build what applies as {name} does")
    shutil.copytree(Path(__file__).with_name(name), folder / name)
    ended = subprocess.run(
        [go, "build", "-mod=mod", "-o", "program", "."], cwd=folder / name, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return folder / name / "program"


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that applies by Flux's own library, built once."""
    return built("flux", tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def argo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that syncs by Argo CD's own engine, built once."""
    return built("argo", tmp_path_factory.mktemp("built"))


@ON_DEMAND
@pytest.mark.network
@pytest.mark.parametrize("wired", [True, False], ids=["wired", "by its values"])
def test_fluxs_own_library_leaves_what_the_page_says(
    control_plane: ControlPlane, both_helms: tuple[str, str], flux: Path, namespace: str, tmp_path: Path, wired: bool
) -> None:
    cells = walk(control_plane, namespace, tmp_path / "owner", Flux(both_helms[1], flux), wired=wired)
    assert row("Flux", cells, wired=wired) in PAGE.read_text().splitlines()


@ON_DEMAND
@pytest.mark.network
@pytest.mark.parametrize("wired", [True, False], ids=["wired", "by its values"])
@pytest.mark.parametrize("option", ["", "ServerSideApply=true", "Replace=true"])
def test_argo_cds_own_engine_leaves_what_the_page_says(
    control_plane: ControlPlane,
    both_helms: tuple[str, str],
    argo: Path,
    namespace: str,
    tmp_path: Path,
    option: str,
    wired: bool,
) -> None:
    owner = f"Argo CD, `{option}`" if option else "Argo CD"
    engine = ArgoCD(both_helms[1], argo, [option] if option else [])
    cells = walk(control_plane, namespace, tmp_path / "owner", engine, wired=wired)
    assert row(owner, cells, wired=wired) in PAGE.read_text().splitlines()


def test_the_page_is_made_of_a_row_for_each_owner_wired_or_not() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    assert PAGE.read_text() == page(rows)
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows] == [owner for owner, _ in ROWS]
