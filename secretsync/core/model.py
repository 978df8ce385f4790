"""The nouns. Everything between the sources and the cluster is calculated from these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from secretsync.core.pod_references import secrets_referenced

Manifest = dict[str, Any]
"""An object as Kubernetes writes it in JSON."""


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A file of a policy package; *path* is relative to the package's own directory, with forward slashes."""

    path: str
    data: bytes = field(repr=False)

    @property
    def directory(self) -> str:
        """The directory that holds the file, ``""`` for the package's own."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def digest(self) -> str:
        """The SHA-256 of its content, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Revision:
    """The immutable thing a requirement resolved to.

    *source* is a URL or a distribution's name, never with credentials; *ref* is what was asked for (a branch, a tag,
    a specifier, or nothing); *id* is ``commit:<40 hex>`` for git and ``sha256:<hex>`` for a wheel or a directory.
    *is_tag* says, where the source knows it, that the ref is one that honest people do not move. *subject* is the first
    line of the commit's message, where the source knows it.
    """

    source: str
    ref: str
    id: str
    is_tag: bool = field(default=False, compare=False)
    subject: str = field(default="", compare=False)

    @property
    def short(self) -> str:
        """What kind of revision it is, and the first twelve characters of its value, for people."""
        kind, _, value = self.id.partition(":")
        return f"{kind} {value[:12]}"


@dataclass(frozen=True)
class Bundle:
    """A policy package as it was fetched: the files that belong to it, and nothing else.

    *version* is empty where the source tells none. *notes* are sentences for the operator, each a warning. *directory*
    is where the files lie in the tree that they come from, empty for its root and where there is no such tree.
    *encrypted_digest* is that of files which only the cluster can read: *files* is empty then.
    """

    module: str
    version: str
    revision: Revision
    files: tuple[File, ...]
    notes: tuple[str, ...] = ()
    directory: str = field(default="", compare=False)
    encrypted_digest: str = ""

    @cached_property
    def digest(self) -> str:
        """The digest of all files, that of an encrypted bundle as its annotation states it."""
        return self.encrypted_digest or digest(self.files)


def digest(files: tuple[File, ...]) -> str:
    """Sha256 of what pods should see: every path with its content, in the order of the paths."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(f"{file.digest}  {file.path}\n".encode())
    return total.hexdigest()


class Source(Protocol):
    """Where a policy package comes from. Both verbs raise SecretSyncError and leave nothing half done."""

    def resolve(self) -> Revision:
        """Ask what the requirement means now; for git one ``ls-remote``."""

    def fetch(self, revision: Revision) -> Bundle:
        """Read the package's files at *revision*."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object of the cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Placement:
    """Where one package goes: the Secrets that hold it, and who looks after them.

    *secret* holds the package's own directory; the Secrets of its sub-directories are named after it. Where we mount
    them ourselves (*wired*), Secrets are immutable, and *secret* is what the digest is added to. *vo* is the VO whose
    policy it is, where Rucio serves several. *labels* and *annotations* are those that the site wants on each of them.
    *encryption* names the form in which manifests keep the content, empty for base64.
    """

    installation: str
    namespace: str
    secret: str
    module: str
    layout: str = "directories"
    vo: str = ""
    wired: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    encryption: str = ""


@dataclass(frozen=True)
class Secret:
    """A Secret of the cluster, or one that should be there. Values are bytes, never base64.

    *metadata* is what the API says beyond labels and annotations, and is empty for a Secret that is only desired;
    *data_written* is the newest time at which any manager wrote to its data, None where that is not known. Of one that
    was read *encrypted*, the keys are known, and each value is empty.
    """

    namespace: str
    name: str
    data: Mapping[str, bytes] = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    type: str = "Opaque"
    immutable: bool = False
    metadata: Manifest = field(default_factory=dict, repr=False)
    data_written: datetime | None = None
    encrypted: bool = False

    @property
    def ref(self) -> Ref:
        """What names it in the API."""
        return Ref("Secret", self.namespace, self.name)

    @property
    def size(self) -> int:
        """Decoded bytes, as Kubernetes counts them against its limit."""
        return sum(len(value) for value in self.data.values())


@dataclass(frozen=True)
class Workload:
    """An object of one of the kinds of core/kinds; *manifest* is the whole object as it is live."""

    ref: Ref
    manifest: Manifest = field(repr=False)

    @property
    def template(self) -> Manifest:
        """Its pod template."""
        template: Manifest = self.manifest["spec"]["template"]
        return template

    @cached_property
    def referenced_secrets(self) -> frozenset[str]:
        """The names of all Secrets that its pods refer to; every step of a plan asks for them."""
        return secrets_referenced(self.template)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the workload itself, which selectors of a target match."""
        labels: Mapping[str, str] = self.manifest["metadata"].get("labels") or {}
        return labels

    @property
    def managed_fields(self) -> Sequence[Manifest]:
        """Who wrote what of it."""
        fields: Sequence[Manifest] = self.manifest["metadata"].get("managedFields") or ()
        return fields

    @property
    def template_annotations(self) -> Mapping[str, str]:
        """The annotations of its pod template, among them our stamps."""
        annotations: Mapping[str, str] = (self.template.get("metadata") or {}).get("annotations") or {}
        return annotations
