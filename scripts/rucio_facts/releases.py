"""Downloads Rucio's releases and reads their source files."""

from __future__ import annotations

import io
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.version import Version

from scripts.rucio_facts.command import run

OLDEST = Version("36")


def newest_patches() -> dict[str, str]:
    """``{"41.5": "41.5.1"}`` for every minor release that the index has."""
    answer = run(sys.executable, "-m", "pip", "index", "versions", "rucio")
    listed = re.search(r"Available versions: (.*)", answer)
    versions = sorted(Version(text) for text in listed[1].split(", ")) if listed else []
    return {f"{v.major}.{v.minor}": str(v) for v in versions if v >= OLDEST}


def download(version: str, cache: Path) -> dict[str, bytes]:
    """The files of a release as ``{"rucio/common/policy.py": …, "METADATA": …}``."""
    folder = cache / "releases" / version
    if not folder.exists():
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), f"rucio=={version}")
    archive = next(folder.iterdir())
    return dict(_wheel(archive) if archive.suffix == ".whl" else _source_distribution(archive))


def _wheel(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if name.endswith(".py"):
                yield name, wheel.read(name)
            elif name.endswith(".dist-info/METADATA"):
                yield "METADATA", wheel.read(name)


def _source_distribution(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as sources:
        for member in sources.getmembers():
            _, _, name = member.name.partition("/")
            content = sources.extractfile(member)
            if content and name.startswith("lib/rucio/") and name.endswith(".py"):
                yield name.removeprefix("lib/"), content.read()
            elif content and name == "PKG-INFO":
                yield "METADATA", content.read()
