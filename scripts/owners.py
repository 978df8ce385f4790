"""Makes docs/owners.md: what secretsync does beside each tool that owns Rucio's workloads, on a real control plane.

python -m scripts.owners [HELM3 HELM4]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests import ROOT
from tests.e2e.owners.owners import owners
from tests.e2e.owners.page import PAGE, page, row
from tests.e2e.owners.walk import walk
from tests.servers.control_plane import control_plane


def main() -> None:
    """Walk every row and write the page."""
    helm3, helm4 = sys.argv[1:] or [str(ROOT / "build" / "helm" / name) for name in ("helm3", "helm4")]
    rows = []
    with tempfile.TemporaryDirectory() as folder, control_plane(Path(folder) / "plane") as plane:
        for number, name in enumerate(owners(helm3, helm4)):
            for wired in (True, False):
                place = f"owner-{number}-{'wired' if wired else 'values'}"
                owner = owners(helm3, helm4)[name]
                plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}})
                rows.append(row(name, walk(plane, place, Path(folder) / place, owner, wired=wired), wired=wired))
    PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
