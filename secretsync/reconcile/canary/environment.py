"""What of a pod can change how a package loads: pods that are alike in that need one proof between them.

Left out is what cannot: a daemon's name and arguments, and of Rucio's configuration all but ``[policy]``.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from secretsync.core.model import Manifest, Workload
from secretsync.reconcile.canary import entrypoint
from secretsync.rucio.conditions import container as seen
from secretsync.rucio.conditions import rucio_cfg
from secretsync.rucio.conditions.container import Sources

_CONFIG_CHECKSUM = "checksum/config"
"""The annotation by which Rucio's charts tell that a configuration changed: the digest of all that a pod gets of it."""

_DECIDING = re.compile(r"PATH|.*PYTHON.*|.*POLICY.*|.*PKG.*|RUCIO_CFG_COMMON_MULTI_VO|RUCIO_(?!CFG_).*")
_NOT_DECIDING = frozenset({"RUCIO_DAEMON", "RUCIO_DAEMON_ARGS"})


@dataclass(frozen=True)
class Environment:
    """One container of a workload; *facts* is the digest of what decides beside the *configuration*.

    *configuration* names the Secrets and ConfigMaps, by kind and name, that ``rucio.cfg`` is made of.
    """

    workload: Workload
    container: Manifest = field(repr=False)
    facts: str
    configuration: tuple[tuple[str, str], ...]


def environment(workload: Workload, container: Manifest) -> Environment:
    """What distinguishes *container*, as far as the manifest tells."""
    spec = workload.template["spec"]
    facts: list[Any] = [
        container.get("image"),
        entrypoint.deciding_command(container),
        container.get("workingDir"),
        _deciding_mounts(workload, container),
        _deciding_variables(container),
        container.get("envFrom"),
        container.get("securityContext"),
        spec.get("securityContext"),
    ]
    return Environment(
        workload,
        container,
        hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        tuple(_configuration(workload, container)),
    )


def to_read(pod_environments: Iterable[Environment]) -> frozenset[tuple[str, str]]:
    """The configuration that decides whether pods which are alike otherwise are alike."""
    by_facts: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    for environment in pod_environments:
        by_facts.setdefault(environment.facts, set()).add(environment.configuration)
    return frozenset(key for several in by_facts.values() if len(several) > 1 for keys in several for key in keys)


def identity(environment: Environment, sources: Sources) -> str:
    """The same for environments in which a package loads alike.

    *sources* hold the configuration that was read. Of one that was not, the charts' checksum stands for the content;
    where there is none either, it is taken to say nothing of ``[policy]``.
    """
    if all(key in sources for key in environment.configuration):
        return f"{environment.facts} {json.dumps(_policy(environment, sources), sort_keys=True)}"
    annotations = (environment.workload.template.get("metadata") or {}).get("annotations") or {}
    return f"{environment.facts} {annotations.get(_CONFIG_CHECKSUM, '')}"


def assumed(pod_environments: Sequence[Environment], sources: Sources) -> tuple[str, ...]:
    """The names of the configuration that was neither read nor has a checksum that stands for it."""
    deciding = to_read(pod_environments)
    return tuple(
        sorted(
            {
                name
                for environment in pod_environments
                if _CONFIG_CHECKSUM not in environment.workload.template_annotations
                for kind, name in environment.configuration
                if (kind, name) in deciding and (kind, name) not in sources
            }
        )
    )


def _policy(environment: Environment, sources: Sources) -> Mapping[str, str]:
    mounts = seen.mounts(environment.workload.template, environment.container)
    policy = rucio_cfg.policy(mounts, seen.environment(environment.container, sources), sources)
    return {name: option.value for name, option in policy.options.items()}


def _configuration(workload: Workload, container: Manifest) -> Iterator[tuple[str, str]]:
    mounts = seen.mounts(workload.template, container)
    yield from dict.fromkeys(rucio_cfg.asked_for(mounts, seen.environment(container, {})))


def _override_folders(container: Manifest) -> frozenset[str]:
    setting = next(
        (
            variable.get("value")
            for variable in container.get("env") or ()
            if variable["name"] == "RUCIO_OVERRIDE_CONFIGS"
        ),
        "",
    )
    return frozenset(posixpath.normpath(path) for path in str(setting or "").split())


def _is_configuration(mount: Manifest, folders: frozenset[str]) -> bool:
    path = posixpath.normpath(mount["mountPath"])
    return bool({path, posixpath.dirname(path)} & folders)


def _deciding_mounts(workload: Workload, container: Manifest) -> list[Manifest]:
    """What is mounted where: neither the order of the list nor the names of volumes change what a pod sees."""
    folders = _override_folders(container)
    volumes = {volume["name"]: volume for volume in workload.template["spec"].get("volumes") or ()}
    mounts = [
        {**mount, "name": "", "volume": {**volumes.get(mount["name"], {}), "name": ""}}
        for mount in container.get("volumeMounts") or ()
        if not _is_configuration(mount, folders)
    ]
    return sorted(mounts, key=lambda mount: str(mount["mountPath"]))


def _deciding_variables(container: Manifest) -> dict[str, str]:
    """Each with what it refers to: ``$(NAME)`` stands for a variable before it, and the last of a name counts."""
    variables: dict[str, str | seen.Unknown] = {}
    for variable in container.get("env") or ():
        source = variable.get("valueFrom")
        value = json.dumps(source, sort_keys=True) if source else seen.expanded(variable.get("value") or "", variables)
        variables[variable["name"]] = value
    return {name: str(value) for name, value in variables.items() if _decides(name)}


def _decides(variable: str) -> bool:
    """Whether an environment variable has a say in what Rucio loads."""
    return variable not in _NOT_DECIDING and _DECIDING.fullmatch(variable) is not None
