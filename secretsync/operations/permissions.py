"""What secretsync has to be allowed to do in a namespace, no more, as Kubernetes' Roles say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from secretsync.cluster.rbac import Need
from secretsync.core.kinds import KINDS, SPAWNERS
from secretsync.core.kinds.kind import Kind, plural
from secretsync.plan import history
from secretsync.plan.state import secret_name

_SECRETS_OF_ANY_NAME = "wired Secrets are named by their digest, which nobody knows beforehand"


def required_rules(
    installation: str,
    secrets: Iterable[str],
    *,
    wired: bool,
    proves: bool,
    kinds: Iterable[Kind] = tuple(KINDS.values()),
) -> tuple[Need, ...]:
    """What a target needs whose packages, histories included, are in Secrets called *secrets*.

    *wired* says that pod templates are changed, *proves* that packages are proven in pods of their own; *kinds* are
    the kinds of workload that the cluster has.
    """
    names = () if wired else (secret_name(installation), *secrets)
    return (
        Need("what the packages are in; create cannot be limited by names", "", ("secrets",), ("create",)),
        Need(
            _SECRETS_OF_ANY_NAME if wired else "the packages, their history, and what secretsync remembers",
            "",
            ("secrets",),
            ("get", "update", "delete"),
            names,
        ),
        *workload_rules(kinds),
        *spawner_rules(),
        *([_PROOF] if proves else []),
        Need("did they come up; deleted is only a pod at which a StatefulSet hangs", "", ("pods",), ("list", "delete")),
        Need("the last log line of a pod that did not", "", ("pods/log",), ("get",)),
        Need("what happened, where people look for it", "events.k8s.io", ("events",), ("create",)),
        Need("one run at a time", "coordination.k8s.io", ("leases",), ("create",)),
        Need("the same", "coordination.k8s.io", ("leases",), ("get", "update"), (installation,)),
    )


def observing_rules(kinds: Iterable[Kind] = tuple(KINDS.values())) -> tuple[Need, ...]:
    """What a target in git needs where the cluster that runs it is observed: to list, and no Secret."""
    reading = [replace(rule, verbs=("list",), reason="who runs what git has") for rule in workload_rules(kinds)]
    pods = Need("since when they run it", "", ("pods",), ("list",))
    return (*reading, *(replace(rule, reason=pods.reason) for rule in spawner_rules()), pods)


def workload_rules(kinds: Iterable[Kind]) -> tuple[Need, ...]:
    """What is done with workloads, a rule for each API group, in the order of *kinds*."""
    groups: dict[str, list[str]] = {}
    for kind in kinds:
        groups.setdefault(kind.group, []).append(kind.resource)
    reason = "who mounts them, and the annotation that restarts"
    return tuple(Need(reason, group, tuple(resources), ("list", "patch")) for group, resources in groups.items())


def spawner_rules() -> tuple[Need, ...]:
    """What is done with what may start pods beside workloads; the pods themselves have a rule of their own."""
    groups: dict[str, list[str]] = {}
    for kind, version in SPAWNERS.items():
        if kind != "Pod":
            groups.setdefault(version.rpartition("/")[0], []).append(plural(kind))
    reason = "what may still start pods that refer to a Secret which is to be deleted"
    return tuple(Need(reason, group, tuple(resources), ("list",)) for group, resources in groups.items())


def election_needs(installation: str) -> tuple[Need, ...]:
    """What several processes need that elect a leader, where their Lease is."""
    leases = ("coordination.k8s.io", ("leases",))
    return (
        Need("which of several replicas is the leader", *leases, ("create",)),
        Need("the same", *leases, ("get", "update"), (f"{installation}-leader",)),
    )


_PROOF = Need(
    "the proof in the workloads' images; who may patch a pod template may run any pod already: this adds no power",
    "batch",
    ("jobs",),
    ("create", "delete"),
)


def secret_names_with_history(secrets: Iterable[str], packages: Iterable[str], count: int) -> tuple[str, ...]:
    """*secrets*, and the *count* earlier bundles of each of *packages*."""
    return (*secrets, *(name for package in packages for name in history.history_names(package, count)))
