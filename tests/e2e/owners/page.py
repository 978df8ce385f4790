"""docs/owners.md: what secretsync does beside each tool that owns Rucio's workloads."""

from __future__ import annotations

from collections.abc import Mapping

from tests import ROOT
from tests.e2e.owners.walk import COLUMNS, Cell, text

PAGE = ROOT / "docs" / "owners.md"
HEAD = """# Who owns the workloads

Made by `python -m scripts.owners`: Helm 3 and 4 deploy a chart made like Rucio's to a real control plane, and what
Flux and Argo CD do is done with their verbs, field managers and force options. `make test` walks a row of each kind
again, `SECRETSYNC_TEST_ALL=1 make test` every row, Flux's and Argo CD's by their own libraries
(`fluxcd/pkg/ssa`, `gitops-engine`) too.

An *upgrade* changes a value, a *rollback* goes back to the values before, and *strip* is the owner's most forceful way
with values that mount no package: `helm upgrade --force` (Helm 4: `--force-replace`), and for the others a Deployment
that is deleted and made anew (Argo CD's `Replace=true` with `Force=true`; Flux's `force: true`, where an immutable
field changes). After each, secretsync runs once. Where something was done or said, the same happens *once more*. "Kept"
means that the template has all that it had, the stamp of the revision too, and that the run had nothing to do and ended
with exit code 0.

"""
TAIL = """
- *Taken away* from a wired template is drift: it is wired again, once for each revision of the package. The second
  time it is left so, every run fails with exit code 4, and the Event, the metric `secretsync_workloads_stripped`,
  `status` and the run say who is to change what. A new revision of the package, or `secretsync resume`, starts anew.
- A workload whose own values no longer mount the package is named in every run until `secretsync status --accept`:
  it is the owner's to say what it mounts.
- *The stamp taken away* restarts the pods, which read the newest files as they start: nothing is left to do.
- What keeps an owner from stripping: no `--force`, no `Replace=true` for these Deployments; or the mounts
  in the owner's own values ([values](values.md)) in place of `wire: true` ([wire](wire.md)).
"""


def row(owner: str, cells: Mapping[str, Cell], *, wired: bool) -> str:
    """A line of the table."""
    who = "`wire: true`" if wired else "its values"
    return "| " + " | ".join([owner, who, *(text(cells[column]) for column in COLUMNS)]) + " |"


def page(rows: list[str]) -> str:
    """The whole page."""
    head = "| owner | what mounts the package | " + " | ".join(COLUMNS) + " |\n|---|---|---|---|---|\n"
    return HEAD + head + "\n".join(rows) + "\n" + TAIL
