"""The contract's clusters: each test that asks for a place runs on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.places import Directory, Place, Real, Stub, stub
from tests.servers.kubernetes_minors import MINORS

REAL = pytest.param("control plane", marks=pytest.mark.control_plane)


@pytest.fixture(params=["directory", *(f"stub of 1.{minor}" for minor in MINORS), REAL])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A directory of manifests, a stub of the API of each minor, and a real API server."""
    if request.param == "directory":
        yield Directory(tmp_path)
    elif request.param.startswith("stub"):
        with stub(int(request.param.rpartition(".")[2])) as place:
            yield place
    else:
        yield from _api(request)


@pytest.fixture(params=["stub", REAL])
def api(request: pytest.FixtureRequest) -> Iterator[Stub | Real]:
    """Only those that speak HTTP."""
    yield from _api(request)


def _api(request: pytest.FixtureRequest) -> Iterator[Stub | Real]:
    if request.param == "stub":
        with stub() as place:
            yield place
    else:
        yield Real(request.getfixturevalue("control_plane"), request.getfixturevalue("namespace"))
