"""The files of the package that this process sees."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from pathlib import Path


def files(module: str) -> dict[str, str | None]:
    """Sha256 of each file that this process sees in the package, by its path there; None: it cannot be read."""
    package = sys.modules.get(module)
    archive = getattr(getattr(package, "__loader__", None), "archive", None)
    if archive:
        return zipped_files(archive, f"{module}/")
    return {path: digest for root in getattr(package, "__path__", ()) for path, digest in folder_files(Path(root))}


def folder_files(root: Path) -> list[tuple[str, str | None]]:
    """Without the kubelet's own ``..data`` and ``..<time>``, and without compiled code."""
    paths = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith("..") and name != "__pycache__"]
        paths += [Path(folder) / name for name in names]
    return [(path.relative_to(root).as_posix(), sha256(path)) for path in paths]


def zipped_files(archive: str, prefix: str) -> dict[str, str | None]:
    """The SHA-256 of each file below *prefix* in the archive, by its path there."""
    with zipfile.ZipFile(archive) as opened:
        return {
            name[len(prefix) :]: hashlib.sha256(opened.read(name)).hexdigest()
            for name in opened.namelist()
            if name.startswith(prefix) and not name.endswith("/")
        }


def sha256(path: Path) -> str | None:
    """The SHA-256 of the file in hexadecimal; None where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
