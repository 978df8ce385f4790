"""Fixtures that several rooms share."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.servers import control_plane as plane
from tests.servers.control_plane import ControlPlane

pytest_plugins = ["tests.published"]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real control plane, one a session; tests that use it are marked control_plane."""
    try:
        with plane.control_plane(tmp_path_factory.mktemp("control-plane")) as started:
            yield started
    except plane.NoControlPlane as none:
        pytest.skip(str(none))


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of its own on the control plane."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    control_plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    control_plane.remove("Namespace", "", name)
