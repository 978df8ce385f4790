"""What this installation stands on, for ``--version`` and for whoever reads a bug report."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

from secretsync import __version__

LIBRARIES = ("kubernetes", "gitpython", "pydantic", "packaging", "pypi-simple", "requests", "structlog", "click")
PROGRAMS = ("git", "ssh", "gpg")
_ASKED = {"ssh": "-V"}


def versions() -> str:
    """A line for secretsync, one for the interpreter, one for the libraries, and one for each program."""
    libraries = ", ".join(f"{name} {_library(name)}" for name in LIBRARIES)
    programs = [f"{name}: {_program(name)}" for name in PROGRAMS]
    return "\n".join([f"secretsync {__version__}", f"Python {platform.python_version()}", libraries, *programs])


def _library(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _program(name: str) -> str:
    """The first line of what it says of itself."""
    path = shutil.which(name)
    if path is None:
        return "not on PATH"
    try:
        completed = subprocess.run(
            [path, "-V" if name == "ssh" else "--version"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not run"
    return (completed.stdout or completed.stderr).partition("\n")[0].strip()
