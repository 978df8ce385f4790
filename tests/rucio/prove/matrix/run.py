"""A row, run: what the static rules say, what the proof says, and what Rucio does by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from secretsync.rucio import prove
from secretsync.rucio.check import Severity, Situation, check
from secretsync.rucio.prove import RucioEnvironment, Verdict
from secretsync.rucio.prove.layout import lay_out
from tests.rucio.prove.matrix.direct import import_directly
from tests.rucio.prove.matrix.rows import Row


@dataclass(frozen=True)
class Outcome:
    """*static* are the rules that find an error, *warned* those that find less."""

    row: Row
    expected: Verdict
    static: tuple[str, ...]
    warned: tuple[str, ...]
    proof: Verdict
    direct: Verdict
    seen: str

    @property
    def static_agrees(self) -> bool:
        return bool(self.static) == (self.expected is not Verdict.LOADS)


def run(row: Row, rucio: RucioEnvironment) -> Outcome:
    """Run *row* with that Rucio. Mode 0400 is another user's: root gives the files away and up its power over them."""
    errors, warned = static(row, rucio.version)
    with tempfile.TemporaryDirectory(prefix="matrix-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        used = RucioEnvironment(rucio.version, _python(row, rucio.python, folder))
        path = _laid_out(row, folder)
        proof = prove.prove_in_place(
            row.bundle, path, folder, rucio=used, vo=row.vo, timeout=300, memory=prove.MEMORY
        ).verdict
        environment = prove.environment_of(row.bundle.module, path, folder, row.vo)
        direct, seen = import_directly(row, used.python, environment, folder)
    return Outcome(row, row.expected(rucio.version), errors, warned, proof, direct, seen)


def static(row: Row, version: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rules that find an error with that Rucio, and those that warn."""
    findings = check(row.bundle, Situation(rucio=(version,), vo=row.vo))
    errors = dict.fromkeys(one.rule for one in findings if one.severity is Severity.ERROR)
    warned = dict.fromkeys(one.rule for one in findings if one.severity is Severity.WARNING)
    return tuple(errors), tuple(warned)


def _laid_out(row: Row, folder: Path) -> Path:
    place = folder / "policy"
    if row.absent:
        place.mkdir()
        return place
    layout = row.layout.partition(" ")[0]
    path = lay_out(row.bundle, place, layout=layout, mode=0o400 if row.unreadable else 0o644)
    if row.layout == "zip without folders":
        _drop_folders(path)
    if row.unreadable:
        _give_away(place)
    return path


def _drop_folders(archive: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        files = {name: packed.read(name) for name in packed.namelist() if not name.endswith("/")}
    with zipfile.ZipFile(archive.resolve(), "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)


def _give_away(place: Path) -> None:
    for file in (path for path in place.rglob("*") if path.is_file() and not path.is_symlink()):
        if os.geteuid() == 0:
            os.chown(file, 65534, 65534)
        else:
            file.chmod(0)


def _python(row: Row, python: Path, folder: Path) -> Path:
    """Rucio's Python; with another package in its site-packages, or without root's power over files."""
    if row.installed:
        return _with_installed(row, python, folder / "venv")
    if row.unreadable and os.geteuid() == 0:
        return _without_power(python, folder / "python")
    return python


def _with_installed(row: Row, python: Path, venv: Path) -> Path:
    """An environment of its own that holds the copy, and after it all that Rucio's holds."""
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(venv)], check=True, capture_output=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (behind,) = python.parent.parent.glob("lib/python*/site-packages")
    (site / "rucio.pth").write_text(f"{behind}\n")
    copy = site / row.bundle.module
    copy.mkdir()
    for name, text in {"__init__.py": "", **row.installed}.items():
        (copy / name).write_text(text or "")
    return venv / "bin" / "python"


def _without_power(python: Path, wrapper: Path) -> Path:
    setpriv = shutil.which("setpriv")
    assert setpriv, "setpriv (util-linux) is needed to run this row as root"
    wrapper.write_text(f'#!/bin/sh\nexec {setpriv} --bounding-set=-dac_override,-dac_read_search {python} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper
