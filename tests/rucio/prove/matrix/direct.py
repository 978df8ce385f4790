"""What Rucio does by itself: a program that knows nothing of the probe imports it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from secretsync.rucio.prove import Verdict
from tests.rucio.prove.matrix.rows import Row

_PROGRAM = Path(__file__).with_name("import_rucio.py")


def import_directly(row: Row, python: Path, environment: Mapping[str, str], folder: Path) -> tuple[Verdict, str]:
    """The verdict, and what there was to see."""
    command = [str(python), str(_PROGRAM), row.bundle.module, row.vo]
    done = subprocess.run(command, env=dict(environment), cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return _verdict(row, json.loads(done.stdout.splitlines()[-1]))


def _verdict(row: Row, seen: Mapping[str, Any]) -> tuple[Verdict, str]:
    """The worst that is seen, in Rucio's words."""
    if error := seen.get("import"):
        return (Verdict.EXITS if error == "SystemExit" else Verdict.DIES), f"raises {error}"
    if error := seen.get("first use"):
        return Verdict.DIES_AT_FIRST_USE, f"raises {error} when it registers algorithms"
    if (error := seen.get("has_permission")) and (not row.vo or error == "AttributeError"):
        return Verdict.DIES_AT_FIRST_USE, f"raises {error} when asked for a permission"
    if error := seen.get("validate"):
        return Verdict.DIES_AT_FIRST_USE, f"raises {error} when it validates an account's name"
    if seen.get("call") == "TypeError":
        return Verdict.DIES_AT_FIRST_USE, "raises TypeError when it calls the algorithm"
    if "/site-packages/" in seen["file"]:
        return Verdict.OTHER_CODE, "the copy in site-packages"
    if generic := [seen[part] for part in ("permission", "schema") if seen[part].startswith("rucio.")]:
        return Verdict.GENERIC, " and ".join(generic)
    if not seen["callable"]:
        return Verdict.GENERIC, "swallows the TypeError of a has_permission that is no function"
    if "TypeError" in (seen.get("swallowed"), seen.get("has_permission")):
        return Verdict.GENERIC, "swallows a TypeError of has_permission()"
    if seen["SCHEMAS"] != "dict":
        return Verdict.GENERIC, "finds nothing in SCHEMAS"
    if lost := _lost(row, seen):
        return Verdict.ALGORITHMS_LOST, f"without {', '.join(lost)}"
    return Verdict.LOADS, "the package's own modules"


def _lost(row: Row, seen: Mapping[str, Any]) -> list[str]:
    wanted = [(kind, name) for kind, names in row.algorithms.items() for name in names]
    lost = [f"{kind} {name}" for kind, name in wanted if name not in seen["algorithms"].get(kind, ())]
    # before 38.0 there are no default algorithms, and asking for one raises
    defaults_exist = seen.get("default") != "AttributeError"
    return lost + [kind for kind in row.default_algorithms if defaults_exist and not seen[kind]]
