"""Where packages go: a namespace of a cluster, and how its workloads are rolled out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from secretsync.config.fields import Model, Name, Seconds


class DirectoryCluster(Model):
    """A directory of manifests, one object a file, fit for a GitOps repository."""

    directory: Path


class ContextCluster(Model):
    """A context of the kubeconfig."""

    context: str
    kubeconfig: Path | None = Field(None, description="default: $KUBECONFIG, else ~/.kube/config")


class InCluster(Model):
    """The cluster that secretsync itself runs in."""

    in_cluster: Literal[True]


class Rollout(Model):
    """How workloads are taken to a new write."""

    timeout: Seconds = Field(600, description="how long a rollout may take")
    settle: Seconds = Field(30, description="how long new pods without a readiness probe must run without a restart")


class Target(Model):
    """A namespace of a cluster that gets the packages."""

    cluster: DirectoryCluster | ContextCluster | InCluster
    namespace: Name
    secret_name: Name | None = Field(None, description="default: the module's name, lower-case, with hyphens")
    adopt: bool = Field(False, description="take over Secrets of these names that secretsync did not make")
    selector: str = Field("", description="only workloads with these labels, as kubectl's --selector takes them")
    rollout: Rollout = Rollout()
