"""What a person approves: all that an apply would do, as a document without contents whose id is its digest.

It has no times and nothing of the machine: the same plan has the same id wherever it is made. What is live is in it by
resourceVersion and digest, so that a write of somebody else makes it another plan.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A part of the document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ApprovedFile(Model):
    """A file that changes; digests are sha256 in hexadecimal, None where the file is not there."""

    path: str
    before: str | None
    after: str | None


class ApprovedSecret(Model):
    """A Secret and what happens to it; *live* and *desired* are digests of its data, labels and annotations."""

    name: str
    action: Literal["create", "update", "delete", "keep"]
    live: str | None
    live_resource_version: str
    desired: str
    files: tuple[ApprovedFile, ...] = ()


class ApprovedPackage(Model):
    """A package by the revision of its source and the digest of its files."""

    module: str
    secret: str
    source: str
    ref: str
    commit: str
    digest: str
    revision: int
    secrets: tuple[ApprovedSecret, ...]


class ApprovedRestart(Model):
    """A workload that is restarted; *live* is the digest of its pod template, *change* of what is applied to it."""

    workload: str
    live: str
    change: str


class ApprovedFinding(Model):
    """A finding of the check, without its sentences."""

    module: str
    rule: str
    severity: str
    path: str
    line: int


class ApprovedTarget(Model):
    """One target; *restarts* stand by wave, *policy* has names of what changes in Rucio's terms."""

    target: str
    namespace: str
    packages: tuple[ApprovedPackage, ...]
    restarts: tuple[tuple[ApprovedRestart, ...], ...]
    workloads: tuple[str, ...]
    findings: tuple[ApprovedFinding, ...]
    policy: tuple[str, ...]
    values: tuple[ApprovedFile, ...] = ()


class PlanDocument(Model):
    """The plan of all targets."""

    version: Literal[1] = 1
    targets: tuple[ApprovedTarget, ...]

    @property
    def id(self) -> str:
        """``sha256:`` and the digest of the canonical JSON."""
        return f"sha256:{digest_of(self.model_dump(mode='json'))}"


def plan_document(targets: Sequence[ApprovedTarget]) -> PlanDocument:
    """The document on *targets*, in the order of their names."""
    return PlanDocument(targets=tuple(sorted(targets, key=lambda target: (target.target, target.namespace))))


def digest_of(value: Any) -> str:
    """Sha256 of a value's canonical JSON: sorted keys, no spaces, ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(approved: Model, current: Model) -> list[str]:
    """Where two documents, or parts of them, differ: ``targets[production].packages[atlas].commit: a -> b``."""
    return list(_differences("", approved.model_dump(mode="json"), current.model_dump(mode="json")))


def _differences(path: str, approved: Any, current: Any) -> Iterator[str]:
    if approved == current:
        return
    if isinstance(approved, list) and isinstance(current, list):
        approved, current = _by_name(approved), _by_name(current)
        names = [f"{path}[{name}]" for name in dict.fromkeys((*approved, *current))]
    elif isinstance(approved, Mapping) and isinstance(current, Mapping):
        names = [f"{path}.{name}".lstrip(".") for name in dict.fromkeys((*approved, *current))]
    else:
        yield f"{path}: {_short(approved)} -> {_short(current)}"
        return
    for name, key in zip(names, dict.fromkeys((*approved, *current)), strict=True):
        yield from _differences(name, approved.get(key), current.get(key))


def _by_name(values: list[Any]) -> dict[str, Any]:
    """A list by what names its entries, else by their places."""
    keys = ("target", "module", "name", "path", "workload")
    names = [
        next((str(value[key]) for key in keys if key in value), "") if isinstance(value, dict) else ""
        for value in values
    ]
    if all(names) and len(set(names)) == len(names):
        return dict(zip(names, values, strict=True))
    return {str(value) if isinstance(value, str) else str(index): value for index, value in enumerate(values)}


def _short(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return "present"
    return "absent" if value in (None, "") else str(value)
