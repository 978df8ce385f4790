"""From objects alone: how far a rollout is, in a verdict and a sentence. No clock and no client in here but `wait`'s
arguments. The rules follow kstatus (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from secretsync.core.kinds import KINDS
from secretsync.core.kinds.kind import Cause, State, Status
from secretsync.core.model import Manifest, Ref, Workload


def status(workload: Workload) -> Status:
    """How far the rollout of *workload* is, by its own object alone."""
    return KINDS[workload.ref.kind].rollout_status(workload.manifest)


_NOT_CURRENT = (State.IN_PROGRESS, State.PAUSED, State.FAILED)


def not_current(workloads: Iterable[Workload]) -> dict[Ref, Status]:
    """Those of *workloads* whose pods are not all up by their own status; manifests without one say nothing."""
    observed = {workload.ref: status(workload) for workload in workloads if workload.manifest.get("status")}
    return {ref: found for ref, found in observed.items() if found.state in _NOT_CURRENT}


def pods_of(workload: Workload, pods: Sequence[Manifest]) -> list[Manifest]:
    """The pods that a workload's selector matches and that are not on their way out."""
    selector = workload.manifest["spec"]["selector"]
    return [
        pod
        for pod in pods
        if _matches(selector, pod["metadata"].get("labels") or {}) and "deletionTimestamp" not in pod["metadata"]
    ]


def _matches(selector: Manifest, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        _matches_expression(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _matches_expression(expression: Manifest, labels: Mapping[str, str]) -> bool:
    value, operator = labels.get(expression["key"]), expression["operator"]
    match operator:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def pod_failure(pod: Manifest) -> Status | None:
    """Why a pod will not come up by waiting; None where it may."""
    for container_status in _container_statuses(pod):
        waiting = (container_status.get("state") or {}).get("waiting") or {}
        if failure := _FAILURES.get(waiting.get("reason", "")):
            cause, message = failure
            if cause is Cause.OTHER and waiting.get("message"):
                message = f"{waiting['reason']}, {waiting['message']}"
            name, container = pod["metadata"]["name"], container_status["name"]
            terminated = (container_status.get("lastState") or {}).get("terminated") or {}
            code = f" (exit code {terminated['exitCode']})" if "exitCode" in terminated and cause is Cause.CRASH else ""
            return Status(State.FAILED, f"pod {name}, container {container}: {message}{code}", cause, name, container)
    return None


_FAILURES = {
    "CrashLoopBackOff": (Cause.CRASH, "CrashLoopBackOff"),
    "ImagePullBackOff": (Cause.IMAGE, "ImagePullBackOff, its image cannot be pulled"),
    "InvalidImageName": (Cause.IMAGE, "InvalidImageName"),
    "CreateContainerConfigError": (
        Cause.OTHER,
        "CreateContainerConfigError, a Secret or ConfigMap that it refers to is missing",
    ),
    "CreateContainerError": (Cause.OTHER, "CreateContainerError"),
    "RunContainerError": (Cause.OTHER, "RunContainerError"),
}


def _container_statuses(pod: Manifest) -> list[Manifest]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def blocked_pod_status(pod: Manifest) -> Status | None:
    """What a pod waits for, where that is worth a sentence."""
    name = pod["metadata"]["name"]
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition.get("reason") == "Unschedulable":
            message = f"pod {name} cannot be scheduled: {condition.get('message', '')}"
            return Status(State.IN_PROGRESS, message, Cause.SCHEDULING, name)
    for container_status in _container_statuses(pod):
        if reason := ((container_status.get("state") or {}).get("waiting") or {}).get("reason"):
            # a container that has not run yet has not met the package
            cause = Cause.IMAGE if reason == "ErrImagePull" else Cause.OTHER
            message = f"pod {name}, container {container_status['name']}: {reason}"
            return Status(State.IN_PROGRESS, message, cause, name, container_status["name"])
        if "running" in (container_status.get("state") or {}) and container_status.get("ready") is False:
            message = f"pod {name}, container {container_status['name']} runs and is not ready"
            return Status(State.IN_PROGRESS, message, Cause.NOT_READY, name, container_status["name"])
    return None


def is_ready(pod: Manifest) -> bool:
    """Whether Kubernetes counts a pod as serving."""
    conditions = pod.get("status", {}).get("conditions", ())
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)


def has_readiness_probe(workload: Workload) -> bool:
    """Whether Kubernetes itself can tell that all of a pod's containers serve."""
    return all("readinessProbe" in container for container in workload.template["spec"]["containers"])


def restarts(pods: Sequence[Manifest]) -> dict[str, int]:
    """How often the containers of each pod were started again."""
    return {pod["metadata"]["uid"]: sum(c.get("restartCount", 0) for c in _container_statuses(pod)) for pod in pods}


def judge(workload: Workload, pods: Sequence[Manifest], annotations: Mapping[str, str]) -> Status:
    """The verdict on a workload that was stamped with *annotations*; *pods* are all of its namespace."""
    if any(workload.template_annotations.get(key) != value for key, value in annotations.items()):
        return Status(State.SUPERSEDED, "its pod template was changed meanwhile")
    verdict = status(workload)
    if verdict.state not in (State.IN_PROGRESS, State.FAILED):
        return verdict
    new = new_pods(workload, pods, annotations)
    if failure := next(filter(None, map(pod_failure, new)), None):
        return failure
    hindrance = next(filter(None, map(blocked_pod_status, new)), None)
    if hindrance:
        return replace(hindrance, state=verdict.state, message=f"{verdict.message}; {hindrance.message}")
    if not new and verdict.cause is Cause.NOT_READY:
        return replace(verdict, cause=Cause.OTHER)  # nobody has met the package yet
    return verdict


def new_pods(workload: Workload, pods: Sequence[Manifest], annotations: Mapping[str, str]) -> list[Manifest]:
    """The workload's pods that were made from the stamped template: they inherit its annotations."""
    return [
        pod
        for pod in pods_of(workload, pods)
        if annotations.items() <= (pod["metadata"].get("annotations") or {}).items()
    ]
