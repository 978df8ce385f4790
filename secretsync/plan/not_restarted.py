"""What mounts a package beside the target's workloads: secretsync restarts none of it, and says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from secretsync.core.kinds import KINDS
from secretsync.core.listed import listed
from secretsync.core.model import Manifest, Ref, Workload
from secretsync.core.pod_references import pod_template, secrets_referenced

_DEPLOYMENT_CONFIG = "openshift.io/deployment-config.name"
_Key = tuple[str, str]


@dataclass(frozen=True)
class NotRestarted:
    """The owner of pods that mount *secrets* of packages; *template* is its pod template, None where it was not read.

    *runs* says whether a pod of it runs now, or is about to.
    """

    ref: Ref
    secrets: frozenset[str]
    template: Manifest | None = None
    runs: bool = True

    def as_workload(self) -> Workload | None:
        """The owner in the form of a workload, so that its template is judged like theirs."""
        if self.template is None:
            return None
        return Workload(self.ref, {"metadata": {"name": self.ref.name}, "spec": {"template": self.template}})


def find_not_restarted(
    manifests: Sequence[Manifest], workloads: Iterable[Workload], secrets: Collection[str]
) -> tuple[NotRestarted, ...]:
    """The owners, outside *workloads*, of pods that mount one of *secrets*; *manifests* are spawners of a namespace.

    The owner is the last controller of the chain of owner references. What has ended, or is scaled to zero, is left
    out: its next pod has the new files.
    """
    selected = {(workload.ref.kind, workload.ref.name) for workload in workloads}
    index: Mapping[_Key, Manifest] = {
        (manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in manifests
    }
    not_restarted: dict[_Key, NotRestarted] = {}
    for manifest in manifests:
        mounted = secrets_referenced(pod_template(manifest)) & frozenset(secrets)
        if not mounted or not _starts_pods(manifest):
            continue
        owner = _owner(manifest, index)
        if owner in selected or (owner[0] in KINDS and manifest["kind"] != "Pod"):
            continue
        earlier = not_restarted.get(owner)
        not_restarted[owner] = NotRestarted(
            Ref(owner[0], manifest["metadata"].get("namespace", ""), owner[1]),
            mounted | (earlier.secrets if earlier else frozenset()),
            pod_template(index[owner]) if owner in index else None,
            manifest["kind"] == "Pod" or bool(earlier and earlier.runs),
        )
    return tuple(not_restarted[key] for key in sorted(not_restarted))


def _starts_pods(manifest: Manifest) -> bool:
    """Whether an object is a pod that runs, or may still start one."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    match manifest["kind"]:
        case "Pod":
            return status.get("phase") not in ("Succeeded", "Failed")
        case "ReplicaSet":
            return bool(spec.get("replicas", 1))
        case "Job":
            conditions = {
                condition.get("type")
                for condition in status.get("conditions") or ()
                if condition.get("status") == "True"
            }
            return not conditions & {"Complete", "Failed"}
        case "CronJob":
            return True
        case _:
            return False


def _owner(manifest: Manifest, index: Mapping[_Key, Manifest]) -> _Key:
    """Kind and name of the last controller; itself where nothing controls it."""
    key = (str(manifest["kind"]), str(manifest["metadata"]["name"]))
    seen: set[_Key] = set()
    current: Manifest | None = manifest
    while current is not None and key not in seen:
        seen.add(key)
        if config := _deployment_config(current):
            return "DeploymentConfig", config
        references = current["metadata"].get("ownerReferences") or ()
        controller = next((reference for reference in references if reference.get("controller")), None)
        if controller is None:
            return key
        key = (str(controller["kind"]), str(controller["name"]))
        current = index.get(key)
    return key


def _deployment_config(manifest: Manifest) -> str:
    """OpenShift's pods name the DeploymentConfig that owns their ReplicationController."""
    metadata = pod_template(manifest).get("metadata") or {}
    return str((metadata.get("annotations") or {}).get(_DEPLOYMENT_CONFIG) or "")


def sentences(not_restarted: Sequence[NotRestarted]) -> Iterator[str]:
    """A sentence for each kind of owner: what becomes of its pods, and who has to do something."""
    alike: dict[str, list[Ref]] = {}
    for spawner in sorted(not_restarted, key=lambda spawner: _ORDER.index(_kind(spawner.ref))):
        alike.setdefault(consequence(spawner.ref), []).append(spawner.ref)
    yield from (f"not restarted by secretsync: {listed(refs)}: {words}" for words, refs in alike.items())


def consequence(owner: Ref) -> str:
    """What becomes of the pods of an owner that is not restarted."""
    return _CONSEQUENCES[_kind(owner)]


_ORDER = ("CronJob", "workload", "other")
_CONSEQUENCES = {
    "CronJob": "the next pod of a CronJob starts with the new files",
    "workload": "the target's selector leaves it out, though it mounts the package; its processes run what they loaded "
    "at their start until somebody restarts it",
    "other": "this is no Deployment, StatefulSet or DaemonSet; its processes run what they loaded at their start until "
    "somebody replaces the pods",
}


def _kind(owner: Ref) -> str:
    if owner.kind == "CronJob":
        return "CronJob"
    return "workload" if owner.kind in KINDS else "other"
