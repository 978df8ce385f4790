"""Stands for an image of Rucio's in the tests' pods: makes rucio.cfg of what is mounted, and tells what Rucio loads.

    python3 image.py PROBE [VO ...]

The standard library alone, Python 3.9 and later. The images' entrypoint merges the same files in the same order.
"""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(probe: str, *vos: str) -> None:
    folder = Path(tempfile.mkdtemp())
    os.environ["RUCIO_CONFIG"] = str(configuration(folder, multi_vo=bool(vos)))
    reports = {vo: report(probe, vo, folder) for vo in vos or ("",)}
    print(json.dumps(reports), flush=True)
    time.sleep(1e6)


def configuration(folder: Path, *, multi_vo: bool) -> Path:
    merged = configparser.ConfigParser()
    merged.read_dict({"common": {"multi_vo": multi_vo}, "database": {"default": "sqlite://"}})
    merged.read_dict({"policy": {"permission": "generic"}})
    for path in sorted(Path(os.environ["RUCIO_OVERRIDE_CONFIGS"]).glob("*.json")):
        merged.read_dict(json.loads(path.read_text(encoding="utf-8")))
    with (folder / "rucio.cfg").open("w", encoding="utf-8") as stream:
        merged.write(stream)
    return folder / "rucio.cfg"


def report(probe: str, vo: str, folder: Path) -> dict[str, object]:
    path = folder / "report.json"
    options = ["--vo", vo] if vo else []
    environment = {**os.environ, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, probe, str(path), *options], env=environment, check=False)
    told: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return told


if __name__ == "__main__":
    main(*sys.argv[1:])
