"""A wheel built from a project's tree (PEP 517), where the tree alone cannot be imported. Runs the project's code."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from secretsync.config import Package
from secretsync.core import sandbox
from secretsync.core.errors import SourceError
from secretsync.core.model import Bundle, Revision
from secretsync.sources.bundle import make_bundle
from secretsync.sources.locate import locate
from secretsync.sources.tree import Entry

# What pip needs to find build backends; nothing that may be a credential of ours goes along.
_PASSED_ON = (
    *("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_INDEX_URL", "PIP_NO_INDEX"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)


@dataclass(eq=False)
class BuildFailed(SourceError):
    """The project's build backend did not give a wheel; *reason* is a sentence."""

    code = "build_failed"

    module: str
    reason: str

    def __str__(self) -> str:
        return f"{self.module} cannot be built: {self.reason}; try 'pip wheel --no-deps' on its source by hand"


def bundle_of_project(
    package: Package, revision: Revision, project: Mapping[str, bytes], *, version: str, notes: tuple[str, ...]
) -> Bundle:
    """The bundle of what *project* builds to. Raises BuildFailed, UnusableWheel and what locating it can raise."""
    contents = build_wheel(
        package.module_name,
        project,
        version=version or package.version,
        timeout=package.timeout,
        most_bytes=package.limits.bytes,
    )
    located = locate(map(Entry, contents), package.module_name, include=package.include, exclude=package.exclude)
    files = {path: contents[source_path] for path, source_path in located.files.items()}
    return make_bundle(package, revision, files, version=version, notes=notes)


def build_wheel(
    module: str, project: Mapping[str, bytes], *, version: str, timeout: float, most_bytes: int
) -> dict[str, bytes]:
    """The files of the wheel that *project*, by path from its pyproject.toml, builds to.

    *version* is told to setuptools_scm and its like, which would ask a git that is not there. At most *timeout*
    seconds. Raises BuildFailed, UnusableWheel.
    """
    # Reading wheels is rare for git, and costs an import.
    from secretsync.sources.wheel import read_wheel

    with tempfile.TemporaryDirectory(prefix="secretsync-") as name:
        folder = Path(name)
        for path, data in project.items():
            (folder / "project" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "project" / path).write_bytes(data)
        _run_pip(module, folder, version, timeout)
        wheels = list((folder / "wheels").glob("*.whl"))
        if len(wheels) != 1:
            raise BuildFailed(module, f"{len(wheels)} wheels came out of it")
        return read_wheel(wheels[0], most_bytes=most_bytes)


def _run_pip(module: str, folder: Path, version: str, timeout: float) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "--quiet"]
    environment = {
        **{name: value for name in _PASSED_ON if (value := os.environ.get(name))},
        **({"SETUPTOOLS_SCM_PRETEND_VERSION": version, "PDM_BUILD_SCM_VERSION": version} if version else {}),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    completed = sandbox.run(
        [*command, "--wheel-dir", str(folder / "wheels"), str(folder / "project")],
        environment,
        folder,
        seconds=timeout,
        network=True,
    )
    if completed.code is None:
        raise BuildFailed(module, f"it did not end within {timeout:g} s")
    if completed.code == -signal.SIGXFSZ:
        raise BuildFailed(module, f"it wrote more than {sandbox.MOST_WRITTEN:,} bytes")
    if completed.code != 0:
        raise BuildFailed(module, _last_error_line(completed.complaint.decode(errors="replace")))


def _last_error_line(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()] or ["pip failed without a word"]
    errors = [line for line in lines if line.startswith("ERROR") or "Error" in line] or lines
    return "".join(letter if letter.isprintable() else "?" for letter in errors[0])[:300]
