"""Fixtures that several rooms share."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from secretsync.core import shutdown
from tests import ROOT
from tests.on_demand import ALL
from tests.servers import control_plane as plane
from tests.servers.control_plane import ControlPlane

if ALL:
    os.environ.setdefault("PYTEST_TIMEOUT", "3600")  # the soak of two thousand passes is no test that hangs

pytest_plugins = ["tests.published"]

# how long an example takes says something of the machine and of what else runs on it, nothing of the code
settings.register_profile("thorough", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "thorough"))

_numbers = itertools.count(1)


def helms() -> list[str]:
    """Every Helm there is: $HELM names them, else build/helm/helm3 and helm4, else helm on PATH."""
    if named := os.environ.get("HELM"):
        return named.split()
    built = sorted(str(path) for path in (ROOT / "build" / "helm").glob("helm*") if os.access(path, os.X_OK))
    return built or [path for path in [shutil.which("helm")] if path]


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """A test that configures the process's log, often to a stream that is closed soon, does so for itself alone."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def credentials_of_its_own() -> Iterator[None]:
    """The password of one test may be a word in the sentences of another."""
    yield
    if log := sys.modules.get("secretsync.core.log"):
        log._credentials.clear()


@pytest.fixture(autouse=True)
def discovery_of_its_own() -> Iterator[None]:
    """What one test's server has, another's on the same port need not have."""
    yield
    if connection := sys.modules.get("secretsync.cluster.connection"):
        connection._DISCOVERED.clear()


@pytest.fixture
def signal_handlers() -> Iterator[None]:
    """The handlers that secretsync installs; after the test, those of before."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    shutdown.install_signal_handlers()
    yield
    shutdown.restore_signal_handlers()
    shutdown.install_signal_handlers()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(params=helms() or [None], ids=lambda path: Path(path).name if path else "none")
def helm(request: pytest.FixtureRequest) -> str:
    if request.param is None:
        pytest.skip("no Helm: set HELM to one or more programs, or run .ci/helm")
    return str(request.param)


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
