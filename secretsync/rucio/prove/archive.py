"""The probe as one file, which Python runs beside Rucio on this machine and in a pod."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

MODULES = Path(__file__).with_name("probe")
NAME = "secretsync_probe"
"""The package in the archive: a name that no policy package and no module of Rucio's has."""


def probe_archive() -> bytes:
    """A zip archive that Python runs; the same bytes in every call."""
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for path in sorted(MODULES.glob("*.py")):
            _add(archive, f"{NAME}/{path.name}", path.read_bytes())
        _add(archive, "__main__.py", f"import sys\n\nfrom {NAME}.main import main\n\nmain(sys.argv[1:])\n".encode())
    return content.getvalue()


def _add(archive: ZipFile, path: str, content: bytes) -> None:
    archive.writestr(ZipInfo(path), content, ZIP_DEFLATED)  # ZipInfo: dated 1980, not now
