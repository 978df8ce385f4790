"""Static rules, proof and Rucio agree on each row of the failure matrix, or the row says where knowledge ends.

By default every fourth row with one Rucio, as a row takes seconds: ``SECRETSYNC_TEST_ALL=1`` runs all rows, and
``RUCIO_VERSIONS="38.5.5 40.0.0 41.5.1"`` more versions.
"""

from __future__ import annotations

import os

import pytest

from secretsync.rucio.prove import CannotInstallRucio, rucio_environment
from tests.on_demand import ALL
from tests.rucio.prove.conftest import CACHE, RUCIO
from tests.rucio.prove.matrix.rows import Row, rows
from tests.rucio.prove.matrix.run import run

ROWS = rows() if ALL else rows()[::4]
VERSIONS = os.environ.get("RUCIO_VERSIONS", RUCIO).split()


@pytest.mark.network
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_the_proof_sees_what_rucio_does_and_the_rules_foresee_it(row: Row, version: str) -> None:
    try:
        rucio = rucio_environment(version, CACHE, os.environ.get("RUCIO_PYTHON"))
    except CannotInstallRucio as error:
        pytest.skip(str(error))
    outcome = run(row, rucio)
    assert outcome.direct is outcome.expected, outcome.seen
    assert outcome.proof is outcome.expected
    assert outcome.static_agrees or row.beyond, f"static: {outcome.static or 'no error'}"


def test_each_row_has_a_name_of_its_own() -> None:
    names = [row.row for row in rows()]
    assert len(set(names)) == len(names) > 50


@pytest.mark.parametrize("version", ["36.5.0", "37.7.1", "38.5.5", "40.0.0", "41.5.1"])
def test_each_row_says_what_is_expected_of_each_version(version: str) -> None:
    assert all(row.expected(version) for row in rows())
