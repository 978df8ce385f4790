"""A Python with Rucio, in a virtual environment of its own: Rucio and the Kubernetes client exclude each other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from secretsync.core.errors import ProofError
from secretsync.rucio.check.rucio import image_bases, rucio

_WITH_RUCIO = ("jinja2",)
"""What the images install beside Rucio and its drivers."""

_INSTALL_SECONDS = 1800

_FIRST_WHEEL = Version("37")
_SETUPTOOLS = "setuptools<70"
"""The build of older releases imports pkg_resources, which later ones do not bring."""


@dataclass(frozen=True, slots=True)
class RucioEnvironment:
    """A Python in which Rucio can be imported; *version* is the one that was asked for, empty: what it has."""

    version: str
    python: Path


@dataclass(eq=False)
class CannotInstallRucio(ProofError):
    """No environment with that Rucio could be made; *reason* is pip's or Python's last word."""

    code = "cannot_install_rucio"

    version: str
    python: str
    reason: str

    def __str__(self) -> str:
        return (
            f"cannot install Rucio {self.version} with {self.python}: {self.reason}; check the version and the "
            "index that pip uses, or name a Python that has Rucio with --rucio-python"
        )


def rucio_environment(version: str, cache: Path, python: str | None = None) -> RucioEnvironment:
    """The environment for Rucio *version*: *python* if it is given, else one that is made below *cache* and kept.

    Two processes may ask at once: each builds in a folder of its own, and the first to finish gives it the name.
    Raises CannotInstallRucio.
    """
    if python is not None:
        return RucioEnvironment(version, Path(python).absolute())
    interpreter = _interpreter(version)
    directory = cache / "rucio" / f"{version}-{Path(interpreter).name}"
    if not directory.exists():
        _install(version, interpreter, directory)
    return RucioEnvironment(version, directory / "bin" / "python")


def _interpreter(version: str) -> str:
    """The Python of that release's images, else another of Rucio's images, else the one that runs this."""
    pythons = dict.fromkeys([rucio(version).image_base.python, *(base.python for base in image_bases())])
    found = (shutil.which(f"python{python}") for python in pythons)
    return next((path for path in found if path and _runs(path)), sys.executable)


def _runs(python: str) -> bool:
    """A version manager puts names on PATH for Pythons that it does not start."""
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0


def _install(version: str, interpreter: str, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f".{kept.name}-", ignore_cleanup_errors=True) as building:
        folder = Path(building) / "venv"
        for command in _commands(version, interpreter, folder):
            _run(command, version, interpreter, _constrained(version, Path(building)))
        try:
            folder.rename(kept)
        except OSError:
            if not kept.exists():  # else another process was faster, with the same result
                raise


def _commands(version: str, interpreter: str, folder: Path) -> Iterator[list[str]]:
    yield [interpreter, "-m", "venv", str(folder)]
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    yield [*pip, "install", "--quiet", f"rucio[oracle,mysql,postgresql]=={version}", *_WITH_RUCIO]


def _constrained(version: str, folder: Path) -> dict[str, str]:
    """The process's environment, with a setuptools that builds the release: before 37 there are no wheels."""
    if Version(version) >= _FIRST_WHEEL:
        return dict(os.environ)
    constraints = folder / "constraints.txt"
    constraints.write_text(f"{_SETUPTOOLS}\n", encoding="utf-8")
    return {**os.environ, "PIP_CONSTRAINT": str(constraints)}


def _run(command: list[str], version: str, interpreter: str, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except OSError as error:
        raise CannotInstallRucio(version, interpreter, error.strerror or str(error)) from None
    except subprocess.TimeoutExpired:
        raise CannotInstallRucio(version, interpreter, f"not done after {_INSTALL_SECONDS} s") from None
    if done.returncode:
        raise CannotInstallRucio(version, interpreter, _last_word(done.stderr or done.stdout))


def _last_word(output: str) -> str:
    """Pip's ERROR lines say what is wrong; without one, and where pip itself broke, the last line does."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    errors = [error for error in errors if error != "Exception:"]
    return (errors or lines or ["no reason was given"])[-1][:300]
