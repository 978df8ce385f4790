"""A site in memory whose workloads mount nothing themselves."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from secretsync.config.check import Check
from secretsync.core.model import Manifest, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.core.secret_codec import OURS
from secretsync.plan.diff import Action
from secretsync.plan.state import PackageState
from secretsync.reconcile.destination import Delivery, Report
from secretsync.reconcile.state_store import StateStore
from tests.applied import updated
from tests.build import PLACEMENT, waiting
from tests.reconcile.test_reconciler import Died, Site

KEY = OURS + "atlas"
WIRED = replace(PLACEMENT, wired=True)


class WiredSite(Site):
    """Workloads that mount nothing themselves; what they were is kept as ReplicaSets."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names, mounts=())
        self.destination = replace(
            self.destination,
            deliveries=[Delivery(WIRED, self.source, "recipe", Check(fail="never"))],
            selector="rucio",
        )
        for one in list(self.cluster.live_workloads.values()):
            one.manifest["metadata"]["labels"] = {"rucio": "yes"}

    good = ""
    """The Secret that the workloads mounted while all was well."""

    def workload(self, name: str = "server") -> Workload:
        return next(one for ref, one in self.cluster.live_workloads.items() if ref.name == name)

    def mounted(self, name: str = "server") -> set[str]:
        return set(secrets_referenced(self.workload(name).template))

    def content(self, name: str = "server") -> dict[str, bytes]:
        """The files that a pod of the workload would find."""
        return {key: value for one in self.mounted(name) for key, value in self.cluster.secrets[one].data.items()}

    def remember_revision(self, name: str = "server") -> Manifest:
        """The template as it is now becomes part of the workload's history."""
        spec = {"template": deepcopy(self.workload(name).template)}
        revision = {"kind": "ReplicaSet", "metadata": {"name": f"{name}-{len(self.cluster.others)}"}, "spec": spec}
        self.cluster.others.append(revision)
        return revision

    def put_back(self, revision: Manifest, name: str = "server") -> None:
        """``kubectl rollout undo``: the template of a revision, and with it another's field in our volume."""
        one = self.workload(name)
        manifest = updated(one.manifest, revision["spec"]["template"], "kubectl")
        self.cluster.live_workloads[one.ref] = Workload(one.ref, manifest)

    def switch(self, *, wire: bool) -> None:
        placement = replace(PLACEMENT, wired=wire)
        deliveries = [replace(delivery, placement=placement) for delivery in self.destination.deliveries]
        self.destination = replace(self.destination, deliveries=deliveries)

    @property
    def state(self) -> PackageState:
        return StateStore(self.cluster, "secretsync", "rucio", "test").state.of("atlas")

    def package_secrets(self) -> set[str]:
        return {name for name in self.cluster.secrets if "history" not in name and "state" not in name}


def actions(report: Report) -> list[tuple[Action, str]]:
    return [(change.action, change.desired.name) for change in report.plan.changes]


def crash_or_come_up(site: WiredSite) -> None:
    """The judge's pods crash with anything but what was good, and come up with that."""
    one = site.workload("judge")
    crashes = site.good not in site.mounted("judge")
    one.manifest["status"]["updatedReplicas"] = 0 if crashes else 1
    (pod,) = [pod for pod in site.cluster.live_pods if pod["metadata"]["name"] == "judge-1"]
    pod["metadata"]["annotations"] = dict(one.template_annotations)
    pod["status"]["containerStatuses"] = [waiting("CrashLoopBackOff", exit_code=1)] if crashes else []


def container_of(site: WiredSite) -> Manifest:
    container: Manifest = site.workload().template["spec"]["containers"][0]
    return container


def die_at_write(site: WiredSite, number: int, meanwhile: Callable[[WiredSite], None] = lambda site: None) -> None:
    """The process ends right before the write with this number."""
    seen = []

    def die(verb: str, name: str) -> None:
        meanwhile(site)
        if verb not in ("get", "list", "store"):
            seen.append((verb, name))
            if len(seen) == number:
                raise Died

    site.cluster.before = die


def names_that_can_be_found(site: WiredSite) -> set[str]:
    """All Secrets that somebody could find again: none is forgotten."""
    ring = {"atlas-history-1", "atlas-history-2", "atlas-history-3"}
    return {*site.state.secrets, *site.state.outdated, *ring, "secretsync-state"}
