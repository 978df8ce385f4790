"""Published policy packages, from the index: the fixture ``published``, for all rooms."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync.core.model import Bundle, File, Revision

Fetch = Callable[[str], Bundle]

GOOD = (
    "atlas-rucio-policy-package==0.8.6",
    "ctao-bdms-rucio-policy==0.6.0",
    "pic-rucio-policy-package==0.1.1",
    "test-policy-package==0.0.1",
)
"""Releases that every Rucio loads as their authors meant."""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Fetch:
    """``published("atlas-rucio-policy-package==0.8.6")`` is that wheel as a bundle; skips where there is no index."""
    folder = tmp_path_factory.mktemp("wheels")
    kept: dict[str, Bundle] = {}

    def fetch(requirement: str) -> Bundle:
        if requirement not in kept:
            into = folder / requirement
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into)]
            done = subprocess.run([*command, requirement], capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"the index does not give {requirement}: {done.stderr.strip().splitlines()[-1:]}")
            kept[requirement] = _bundle(next(into.glob("*.whl")))
        return kept[requirement]

    return fetch


def _bundle(wheel: Path) -> Bundle:
    with zipfile.ZipFile(wheel) as opened:
        names = [name for name in opened.namelist() if ".dist-info/" not in name and not name.endswith("/")]
        files = tuple(sorted(File(name.partition("/")[2], opened.read(name)) for name in names))
    return Bundle(names[0].partition("/")[0], "", Revision(wheel.name, "", ""), files)
