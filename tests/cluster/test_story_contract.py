"""The whole story on each kind of cluster: after a run the next has nothing to do, whatever came before."""

from __future__ import annotations

from dataclasses import replace

from secretsync.config.check import Check
from secretsync.config.target import Rollout
from secretsync.core import packing
from secretsync.core.model import Bundle, Placement, Revision
from secretsync.reconcile.destination import Delivery, Destination
from secretsync.reconcile.reconciler import preview, sync
from tests.build import bundle
from tests.cluster.places import Place

HISTORY = [
    {"__init__.py": b"1"},
    {"__init__.py": b"2", "algorithms/a.py": b"", "binary": bytes(range(256))},
    {"__init__.py": b"2", "algorithms/a.py": b"x\r\n"},
    {"other.py": b"the directory has gone"},
    {"__init__.py": b"1"},
]


class Fixed:
    """A source that holds one bundle."""

    def __init__(self, held: Bundle) -> None:
        self._held = held

    def resolve(self) -> Revision:
        return self._held.revision

    def fetch(self, revision: Revision) -> Bundle:
        return self._held


def destination(place: Place, held: Bundle) -> Destination:
    placement = Placement("secretsync", place.namespace, "policy", held.module)
    delivery = Delivery(placement, Fixed(held), "recipe", Check(fail="never"))
    rollout = Rollout(timeout=5, settle=0)
    return Destination("contract", place.cluster, "secretsync", place.namespace, [delivery], rollout=rollout)


def test_after_applying_a_plan_the_next_one_is_empty(place: Place) -> None:
    for number, files in enumerate(HISTORY):
        held = replace(bundle(files), revision=Revision("contract", "main", f"commit:{number:040x}"))
        report = sync(destination(place, held))
        assert not report.failed
        names = {change.desired.name for change in report.plan.changes}
        live = [secret for name in sorted(names) if (secret := place.cluster.secret(place.namespace, name))]
        assert packing.unpack(live) == held.files
        assert preview(destination(place, held)).plan.idle
