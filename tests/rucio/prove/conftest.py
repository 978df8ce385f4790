"""A Python with Rucio: made once and kept in the cache, or the one that ``RUCIO_PYTHON`` names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync.rucio.prove import CannotInstallRucio, RucioEnvironment, rucio_environment

RUCIO = "41.5.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "secretsync-tests"


@pytest.fixture(scope="session")
def rucio() -> RucioEnvironment:
    """Rucio 41.5.1; tests that use it are marked network."""
    try:
        return rucio_environment(RUCIO, CACHE, os.environ.get("RUCIO_PYTHON"))
    except CannotInstallRucio as error:
        pytest.skip(str(error))
