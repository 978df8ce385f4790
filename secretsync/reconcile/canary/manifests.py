"""The Job that proves a candidate: a real workload's pod, less what would make it serve, with the candidates' files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from secretsync.core import packing
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.core.secret_codec import OURS
from secretsync.plan.diff import Action, PackagePlan
from secretsync.reconcile.canary import entrypoint
from secretsync.reconcile.canary.environment import Environment, environment
from secretsync.rucio.conditions import container as seen

PROBE_FOLDER = "/secretsync-probe"
RUN_FOLDER = "/secretsync-run"
"""Where the probe writes; a file ``started`` in it says that the entrypoint has come to the probe."""
PROOF = "SECRETSYNC_PROOF"
"""The variable that tells the probe what to do where it has a daemon's arguments, or a server's."""

_KEPT_OF_A_POD = (
    "volumes", "serviceAccountName", "tolerations", "nodeSelector", "affinity", "imagePullSecrets", "securityContext",
    "priorityClassName", "runtimeClassName", "dnsPolicy", "dnsConfig", "hostAliases", "automountServiceAccountToken",
    "schedulerName", "enableServiceLinks",
)  # fmt: skip
_KEPT_OF_A_CONTAINER = (
    "image", "imagePullPolicy", "env", "envFrom", "volumeMounts", "workingDir", "securityContext", "resources",
)  # fmt: skip
_SPARE = 120
"""Seconds beside those of the proof itself: who waits for it gives up sooner, and says why; this ends what is left."""


@dataclass(frozen=True)
class Candidate:
    """One package in one kind of pod: *workload* is the one whose template is taken, *container* the one with Rucio.

    *changed* are all packages that change in this pass, this one among them: the pod gets the new files of each.
    *through_entrypoint* says whether the probe runs at the end of the image's entrypoint, or in its place.
    """

    package: PackagePlan
    workload: Workload
    container: str
    changed: tuple[PackagePlan, ...]
    through_entrypoint: bool

    @property
    def template(self) -> Manifest:
        """The container's own manifest."""
        spec = self.workload.template["spec"]
        return next(container for container in spec["containers"] if container["name"] == self.container)

    @property
    def mounted_at(self) -> str:
        """The folder at which the pod sees the package's own Secret."""
        top_level = {
            secret.name for secret in _desired(self.package) if secret.annotations.get(packing.DIRECTORY, ".") == "."
        }
        mounts = seen.mounts(self.workload.template, self.template)
        return next((mount.path for mount in mounts if mount.name in top_level), "")


def candidates(
    packages: Iterable[PackagePlan],
    pod_environments: Iterable[tuple[str, Environment]],
    miswired: Collection[tuple[Ref, str]] = (),
) -> tuple[Candidate, ...]:
    """Each changed package once for each of the environments that mount it, which are told by their identity.

    *miswired* are workloads that do not load a module whatever it holds: they say nothing about the package.
    """
    changed = tuple(package for package in packages if package.content)
    candidates_by_key: dict[tuple[str, str], Candidate] = {}
    for identity, pod_environment in pod_environments:
        for package in changed:
            loads = (pod_environment.workload.ref, package.placement.module) not in miswired
            if loads and _mounts(pod_environment.workload, pod_environment.container, package):
                through = bool(entrypoint.executables(pod_environment.container))
                candidate = Candidate(
                    package, pod_environment.workload, pod_environment.container["name"], changed, through
                )
                candidates_by_key.setdefault((package.placement.secret, identity), candidate)
    return tuple(candidates_by_key.values())


def environments(packages: Iterable[PackagePlan], workloads: Sequence[Workload]) -> tuple[Environment, ...]:
    """Containers with an image of Rucio's that mount a changed package."""
    changed = [package for package in packages if package.content]
    return tuple(
        environment(workload, container)
        for workload in workloads
        for container in workload.template["spec"]["containers"]
        if any(_mounts(workload, container, package) for package in changed)
    )


def runs_rucio(packages: Iterable[PackagePlan], workloads: Sequence[Workload]) -> frozenset[Ref]:
    """The workloads for which one of the candidates stands."""
    return frozenset(environment.workload.ref for environment in environments(packages, workloads))


def _mounts(workload: Workload, container: Manifest, package: PackagePlan) -> bool:
    """Whether a container with an image of Rucio's mounts what *package* is to be.

    A workload that still has an earlier revision's Secret and is to be wired no longer does not.
    """
    names = {secret.name for secret in _desired(package)}
    volumes = {
        volume["name"]
        for volume in workload.template["spec"].get("volumes") or ()
        if secrets_referenced({"spec": {"volumes": [volume]}}) & names
    }
    mounted = {mount["name"] for mount in container.get("volumeMounts") or ()}
    image = container.get("image", "").rpartition("/")[2]
    return bool(mounted & volumes) and ("rucio-server" in image or "rucio-daemons" in image)


def _desired(package: PackagePlan) -> Iterator[Secret]:
    """The Secrets that the package is made of once the plan is carried out."""
    for change in package.changes:
        if change.action is not Action.DELETE and change.desired.name not in package.outdated:
            yield change.desired


def job(candidate: Candidate, name: str, *, vo: str, seconds: float) -> Manifest:
    """The Job called *name*; the Secrets that it mounts are those of `secrets`. *seconds* are the proof's own."""
    placement = candidate.package.placement
    template = deepcopy(candidate.workload.template["spec"])
    pod = {key: template[key] for key in _KEPT_OF_A_POD if key in template}
    renamed = dict(_renamed(candidate, name))
    pod |= {
        "containers": [_container(candidate, vo, seconds)],
        "restartPolicy": "Never",
        # a condition that nobody sets: the pod never counts as ready, so no Service sends it a request
        "readinessGates": [{"conditionType": f"{OURS}serves"}],
        "volumes": [
            *(_with_names(volume, renamed) for volume in template.get("volumes", ())),
            {"name": "secretsync-probe", "secret": {"secretName": f"{name}-probe", "defaultMode": 0o755}},
            {"name": "secretsync-run", "emptyDir": {}},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": placement.namespace, "labels": packing.labels(placement)},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": round(seconds + _SPARE),
            "ttlSecondsAfterFinished": 60,
            "template": {"metadata": {"labels": _labels(candidate)}, "spec": pod},
        },
    }


def _container(candidate: Candidate, vo: str, seconds: float) -> Manifest:
    container = candidate.template
    proof = {key: deepcopy(container[key]) for key in _KEPT_OF_A_CONTAINER if key in container}
    arguments = [f"{PROBE_FOLDER}/probe.zip", f"{seconds:.0f}"]
    arguments += [] if entrypoint.is_daemon(container) else ["--user", "apache"]
    arguments += ["--vo", vo] if vo else []
    mounts = [("secretsync-probe", PROBE_FOLDER, ""), ("secretsync-run", RUN_FOLDER, "")]
    if candidate.through_entrypoint:
        mounts += [("secretsync-probe", path, "in_pod.py") for path in entrypoint.executables(container)]
        proof |= {key: container[key] for key in ("command", "args") if key in container}
        proof["env"] = [*entrypoint.environment(container), {"name": PROOF, "value": " ".join(arguments)}]
        started = {"exec": {"command": ["cat", f"{RUN_FOLDER}/started"]}}
        proof["readinessProbe"] = {**started, "periodSeconds": 2, "failureThreshold": 1}
    else:
        proof["command"] = entrypoint.command(container, [f"{PROBE_FOLDER}/in_pod.py", *arguments])
    return {
        **proof,
        "name": candidate.container,
        "volumeMounts": [*container.get("volumeMounts", ()), *_package_mounts(mounts)],
    }


def _package_mounts(mounts: Iterable[tuple[str, str, str]]) -> Iterator[Manifest]:
    for volume, path, key in mounts:
        mount: Manifest = {"name": volume, "mountPath": path}
        mount |= {"subPath": key} if key else {}
        yield mount if volume == "secretsync-run" else {**mount, "readOnly": True}


def _labels(candidate: Candidate) -> dict[str, str]:
    """The workload's, for network policies that select on them, less those that its own selector and Services use."""
    selector = candidate.workload.manifest["spec"].get("selector") or {}
    selecting = {
        *(selector.get("matchLabels") or {}),
        *(expression["key"] for expression in selector.get("matchExpressions") or ()),
    }
    labels = (candidate.workload.template.get("metadata") or {}).get("labels") or {}
    unselected = {key: value for key, value in labels.items() if key not in selecting}
    return {**unselected, **packing.labels(candidate.package.placement)}


def _renamed(candidate: Candidate, name: str) -> Iterator[tuple[str, str]]:
    """The candidates' Secrets by the names of those that they stand for."""
    for package in candidate.changed:
        is_own = package is candidate.package
        for secret in _desired(package):
            yield (
                secret.name,
                name + secret.name.removeprefix(package.placement.secret) if is_own else (f"{name}-{secret.name}"),
            )


def _with_names(volume: Manifest, renamed: Mapping[str, str]) -> Manifest:
    """The volume, with the candidate's Secrets in place of the live ones."""
    changed = deepcopy(volume)
    if (secret := changed.get("secret")) and secret.get("secretName") in renamed:
        secret["secretName"] = renamed[secret["secretName"]]
    for source in (changed.get("projected") or {}).get("sources") or ():
        if (secret := source.get("secret")) and secret.get("name") in renamed:
            secret["name"] = renamed[secret["name"]]
    return changed


def secrets(candidate: Candidate, job: Manifest, probe: dict[str, bytes]) -> tuple[Secret, ...]:
    """The candidates' files and the probe's, owned by *job* as the API answered it: they are deleted with it."""
    placement, name = candidate.package.placement, job["metadata"]["name"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
    probe_secret = Secret(placement.namespace, f"{name}-probe", probe, labels=packing.labels(placement))
    referred = candidate.workload.referenced_secrets
    renamed = dict(_renamed(candidate, name))
    desired = [secret for package in candidate.changed for secret in _desired(package) if secret.name in referred]
    return tuple(
        replace(secret, name=new_name, metadata={"ownerReferences": [owner]}, annotations={})
        for secret, new_name in [
            (probe_secret, probe_secret.name),
            *((original, renamed[original.name]) for original in desired),
        ]
    )
