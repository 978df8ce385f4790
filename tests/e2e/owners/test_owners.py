"""Every row of docs/owners.md, walked on a real control plane."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import helms
from tests.e2e.owners.owners import owners
from tests.e2e.owners.page import PAGE, row
from tests.e2e.owners.walk import walk
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.slow]


@pytest.fixture(scope="module")
def both_helms() -> tuple[str, str]:
    found = {Path(program).name: program for program in helms()}
    if not {"helm3", "helm4"} <= found.keys():
        pytest.skip("Helm 3 and 4 are needed: run .ci/helm")
    return found["helm3"], found["helm4"]


@pytest.mark.parametrize("wired", [True, False], ids=["wired", "values"])
@pytest.mark.parametrize("owner", owners("", ""))
def test_a_row_of_the_page_is_what_happens(
    control_plane: ControlPlane, both_helms: tuple[str, str], namespace: str, tmp_path: Path, owner: str, wired: bool
) -> None:
    cells = walk(control_plane, namespace, tmp_path / "owner", owners(*both_helms)[owner], wired=wired)
    assert row(owner, cells, wired=wired) in PAGE.read_text().splitlines()


def test_the_page_has_a_row_for_each_owner_wired_or_not() -> None:
    rows = [line.split(" | ")[:2] for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    assert [row[0].removeprefix("| ") for row in rows] == [owner for owner in owners("", "") for _ in (1, 2)]
