"""A target that is changed by commits: a site's own repository, and how a change gets into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from secretsync.config.access import Access, Credential
from secretsync.config.encrypt import Encrypt
from secretsync.config.fields import Model, Seconds
from secretsync.config.requirement import AS_TEXT, GitRequirement, Requirement


def _is_branch(requirement: Requirement) -> GitRequirement:
    if not isinstance(requirement, GitRequirement) or not requirement.ref or requirement.subdirectory:
        raise ValueError("is a repository and the branch that changes go to, as git+https://host/site.git@main")
    return requirement


def _is_inside(value: str) -> str:
    parts = value.split("/")
    if value.startswith("/") or ".." in parts or ".git" in parts or not all(parts):
        raise ValueError("is a path below the repository's root, as clusters/production")
    return value


Inside = Annotated[str, AfterValidator(_is_inside)]


class ValuesFile(Model):
    """A file of values that has Helm mount the packages; all else in it stays as it is."""

    file: Inside = Field(description="a values file, or a HelmRelease")
    chart: Literal["server", "daemons", "ui"] = Field(description="whose values these are")
    at: str = Field("", description="where the values are in the file, as spec.values; default: the whole file")
    style: Literal["directory", "existing", "files"] = Field("directory", description="as 'secretsync values' takes it")
    root: str = Field("", description="where the packages' folders lie in the pods")
    via: Literal["env", "config"] = Field("env", description="how Rucio is told what to import")


class Author(Model):
    """Who the commits are from."""

    name: str = Field("secretsync", min_length=1, description="their name")
    email: str = Field("secretsync@localhost", min_length=1, description="their address")


class Observe(Model):
    """A cluster that secretsync reads and never writes to."""

    context: str | None = Field(None, description="a context of the kubeconfig")
    kubeconfig: Path | None = Field(None, description="default: $KUBECONFIG, else ~/.kube/config")
    in_cluster: Literal[True] | None = Field(None, description="the cluster that secretsync itself runs in")

    @model_validator(mode="after")
    def _is_one(self) -> Observe:
        if (self.context is None) == (self.in_cluster is None) or (self.in_cluster and self.kubeconfig):
            raise ValueError("is one of {context: NAME} or {inCluster: true}")
        return self


class RepositoryCluster(Model):
    """A git repository that a GitOps tool applies: secretsync needs no right in the cluster."""

    repository: Annotated[GitRequirement, AS_TEXT, AfterValidator(_is_branch)] = Field(description="git+URL@BRANCH")
    access: Access = Field(Access(), description="as for packages; the token may push")
    directory: Inside = Field(description="where the manifests go, each namespace in a folder of its own")
    values: tuple[ValuesFile, ...] = Field(
        (), description="files that mount the Secrets, which are named by digest then: Helm rolls the pods"
    )
    propose: Literal["merge-request", "push"] = Field(
        "merge-request", description="a branch and a request that a person merges, or a push to the branch itself"
    )
    branch: str = Field("", description="the branch of the request; default: secretsync/INSTALLATION/NAMESPACE")
    forge: Literal["github", "gitlab", "gitea"] | None = Field(None, description="default: told by the host's name")
    forge_token: Credential | None = Field(None, description="may open requests; default: the token of access")
    encrypt: Encrypt | None = Field(None, description="how manifests keep the content; default: as base64")
    observe: Observe | None = Field(
        None, description="the cluster that runs what is there, to be read alone: a context, or this one"
    )
    author: Author = Field(Author(), description="who the commits are from")
    signing_key: Path | None = Field(None, description="an SSH key that signs the commits")
    timeout: Seconds = Field(120, gt=0, description="how long a question to the server may take")
