"""Where packages go: a namespace of a cluster, and how its workloads are rolled out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from secretsync.config import window
from secretsync.config.encrypt import Encrypt
from secretsync.config.fields import Count, Model, Name, OffIsAWord, Seconds, Text
from secretsync.config.problems import CLUSTER_TAGS
from secretsync.config.repository import RepositoryCluster
from secretsync.config.window import Window

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class DirectoryCluster(Model):
    """A directory of manifests, one object a file, fit for a GitOps repository."""

    directory: Path = Field(description="its folder; each namespace is one below")
    encrypt: Encrypt | None = Field(None, description="how manifests keep the content; default: as base64")


class ContextCluster(Model):
    """A context of the kubeconfig."""

    context: str = Field(description="its name")
    kubeconfig: Path | None = Field(None, description="default: $KUBECONFIG, else ~/.kube/config")


def _yes(value: object) -> object:
    """As every other switch takes it."""
    return True if value in ("yes", "on") else value


class InCluster(Model):
    """The cluster that secretsync itself runs in."""

    in_cluster: Annotated[Literal[True], BeforeValidator(_yes)] = Field(description="by the pod's own service account")


def _kind(value: object) -> str | None:
    """Which of them a mapping means, by its key: errors then speak of that one alone."""
    keys = set(value) if isinstance(value, dict) else set()
    return next((tag for tag, key in CLUSTER_TAGS.items() if key in keys), None)


Cluster = Annotated[
    Annotated[RepositoryCluster, Tag("the repository")]
    | Annotated[DirectoryCluster, Tag("the directory")]
    | Annotated[ContextCluster, Tag("the context")]
    | Annotated[InCluster, Tag("the cluster")],
    Discriminator(
        _kind,
        custom_error_type="cluster",
        custom_error_message="is one of {directory: PATH}, {context: NAME}, {inCluster: true} "
        "or {repository: git+URL@BRANCH}",
    ),
]


LiveCluster = DirectoryCluster | ContextCluster | InCluster
"""Those that several targets share."""


def _metadata_key(value: str) -> str:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""
    prefix, slash, name = value.rpartition("/")
    if not (_NAME.fullmatch(name) and (not slash or (len(prefix) <= 253 and _PREFIX.fullmatch(prefix)))):
        raise ValueError(
            f"{value!r} is not a key that Kubernetes takes here: for instance 'owner' or 'example.org/owner'"
        )
    if prefix == "secretsync.rucio" or value == "app.kubernetes.io/managed-by":
        raise ValueError(f"{value!r} is secretsync's own")
    return value


def _label(value: str) -> str:
    if value and not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a label's value (letters, digits, '-', '_' and '.', at most 63): write an annotation"
        )
    return value


class Wave(Model):
    """Workloads that are restarted together."""

    selector: str = Field(description="their labels, as kubectl's --selector takes them")


def _window(value: str) -> str:
    if value:
        window.parse(value)
    return value


class Rollout(Model):
    """How workloads are taken to a new revision."""

    timeout: Seconds = Field(600, description="how long a rollout may take")
    settle: Seconds = Field(30, description="how long new pods without a readiness probe must run without a restart")
    canary: Annotated[Literal["auto", "require", "off"], OffIsAWord] = Field(
        "auto",
        description="prove a package in the workloads' own images before anything live changes: "
        "where it is possible, always, or never",
    )
    proofs: Count = Field(
        4, ge=1, le=50, description="how many proofs of the canary run at once, each in a pod of its own"
    )
    waves: tuple[Wave, ...] = Field(
        (), description="the order; default: one of Rucio's daemons, then its servers, then the rest"
    )
    max_parallel: Count = Field(0, ge=0, description="how many workloads are restarted at once; 0: all of a wave")
    on_failure: Literal["restore", "stop"] = Field("restore", description="roll back when a wave fails, or stop there")
    history: Count = Field(
        5, ge=2, le=50, description="how many earlier bundles are kept in the cluster: one for an undo, one to go back"
    )
    window: Annotated[str, AfterValidator(_window)] = Field(
        "", description="when changes may go out, as in 'Mon-Fri 09:00-16:00 Europe/Zurich'; default: at any time"
    )
    accept_downtime: tuple[str, ...] = Field(
        (), description="workloads that may have no ready pod while they take a package that nothing has proven"
    )

    @property
    def undo(self) -> bool:
        """Whether what was live before is put back when a wave fails."""
        return self.on_failure == "restore"

    @property
    def maintenance_window(self) -> Window | None:
        """When changes may go out; None for at any time."""
        return window.parse(self.window) if self.window else None


class Doctor(Model):
    """What ``secretsync doctor`` looks at."""

    ignore: str = Field("", description="labels of workloads that it leaves out, as kubectl's --selector takes them")


class After(Model):
    """Another target that has to be current first."""

    target: Name = Field(description="its name")
    for_: Seconds = Field(0, alias="for", description="how long that one has to have been current with it")


def _target(value: object) -> object:
    """The name alone is the target's."""
    return {"target": value} if isinstance(value, str) else value


_NAME_OR_MAPPING = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"target": {"type": "string"}, "for": {"type": ["number", "string"]}},
            "required": ["target"],
            "additionalProperties": False,
        },
    ]
}


class Target(Model):
    """A namespace of a cluster that gets the packages."""

    name: Name | None = Field(None, description="what reports, metrics and after: call it; default: where it is")
    after: Annotated[After, BeforeValidator(_target), WithJsonSchema(_NAME_OR_MAPPING)] | None = Field(
        None, description="the name of a target that has to be current with new content before this one gets it"
    )
    cluster: Cluster = Field(description="where it is")
    namespace: Name = Field(description="the namespace that Rucio runs in")
    secret_name: Name | None = Field(None, description="default: the module's name, lower-case, with hyphens")
    adopt: bool = Field(False, description="take over Secrets of these names that secretsync did not make")
    drift: Literal["repair", "report"] = Field(
        "repair", description="restore live Secrets that somebody changed, or only report it"
    )
    selector: str = Field("", description="only workloads with these labels, as kubectl's --selector takes them")
    wire: bool = Field(
        False, description="mount the packages into the selected workloads, and configure Rucio to use them"
    )
    labels: dict[Annotated[str, AfterValidator(_metadata_key)], Annotated[Text, AfterValidator(_label)]] = Field(
        {}, description="labels that every object made there gets, as the site's admission policies may want"
    )
    annotations: dict[Annotated[str, AfterValidator(_metadata_key)], Text] = Field(
        {}, description="annotations that every object made there gets"
    )
    rollout: Rollout = Field(Rollout(), description="how its workloads are taken to a new revision")
    doctor: Doctor = Field(Doctor(), description="what 'secretsync doctor' looks at")

    @property
    def may_be_wired(self) -> bool:
        """Whether it is wired, or was: ``wire: false``, where it is written, ends the wiring and needs its rights."""
        return "wire" in self.model_fields_set

    @model_validator(mode="after")
    def _can_be_wired(self) -> Target:
        if self.wire and not self.selector:
            raise ValueError("wire: needs a selector that says which workloads run Rucio, as in 'app=rucio-server'")
        if self.wire and isinstance(self.cluster, (DirectoryCluster, RepositoryCluster)):
            raise ValueError("wire: a directory of manifests has no field managers: write the mounts into its files")
        return self
