"""Files that other processes may read while they are written: they see all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile


def write_atomically(path: Path, text: str, mode: int = 0o600) -> Path:
    """Put *text* at *path* in one step; the folder is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        file.write(text)
    partial = Path(file.name)
    partial.chmod(mode)
    return partial.replace(path)
