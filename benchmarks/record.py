"""A result as it is kept in ``benchmarks/results``: with its date, its commit and the kind of machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import ROOT

RESULTS = ROOT / "benchmarks" / "results"

Record = dict[str, Any]
"""``date``, ``commit``, ``machine``; ``workloads``: by their number and by what ran, what it cost; ``repository``."""


def begun() -> Record:
    """A record without numbers, of now and of what is checked out."""
    now = datetime.now(UTC)
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    machine = f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}"
    return {
        "date": f"{now:%Y-%m-%d}",
        "time": f"{now:%H%M}",
        "commit": commit,
        "machine": f"{machine}, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.1f} when it began",
        "workloads": {},
    }


def keep(record: Record) -> Path:
    """Write *record*, as far as it has come, and return where."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{record['date']}-{record['time']}-{record['commit']}.json"
    path.write_text(json.dumps(rounded(record), indent=1) + "\n")
    return path


def rounded(value: Any) -> Any:
    """*value* with three decimals at most."""
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, 3) if isinstance(value, float) else value
