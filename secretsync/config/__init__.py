"""The configuration: YAML, validated into models; an error names the file, the path in it and the nearest key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from secretsync.config import problems, yaml_loader
from secretsync.config.check import Check
from secretsync.config.encrypt import Encrypt
from secretsync.config.fields import Model, Name, Seconds
from secretsync.config.index import OwningIndex, with_owner
from secretsync.config.notify import Channel, Pushgateway
from secretsync.config.package import Package
from secretsync.config.repository import RepositoryCluster
from secretsync.config.service import Election, Health, Webhook
from secretsync.config.target import Cluster, ContextCluster, DirectoryCluster, InCluster, LiveCluster, Rollout, Target
from secretsync.core.errors import ConfigError
from secretsync.core.files import read_limited

__all__ = [
    "Channel",
    "Check",
    "Cluster",
    "Config",
    "ContextCluster",
    "DirectoryCluster",
    "Election",
    "Encrypt",
    "InCluster",
    "LiveCluster",
    "Package",
    "Pushgateway",
    "RepositoryCluster",
    "Rollout",
    "Target",
    "UnusableConfig",
    "from_text",
    "load",
    "parse",
    "read",
    "schema",
]


@dataclass(eq=False)
class UnusableConfig(ConfigError):
    """The file cannot be read or is not a configuration; *problems* has a sentence for each fault."""

    code = "unusable_config"

    path: Path
    problems: list[str]

    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {problem}" for problem in self.problems)


class Config(Model):
    """The whole configuration."""

    installation: Name = Field("secretsync", description="the name of this installation, where a namespace has several")
    packages: tuple[Package, ...] = Field(description="what is deployed; as under policyPackages of Rucio's charts")
    targets: tuple[Target, ...] = Field(description="where it goes")
    indexes: tuple[OwningIndex, ...] = Field(
        (), description="indexes that own names: a package of such a name is asked for there and nowhere else"
    )
    interval: Seconds = Field(300, gt=0, description="the period of the long-running form")
    jitter: Seconds = Field(30, description="up to this much is added to each period, at random")
    max_interval: Seconds = Field(
        1800, gt=0, description="after a failure a pass comes sooner, then ever later with each in a row, up to this"
    )
    health: Health | None = Field(None, description="probes and metrics of the long-running form")
    webhook: Webhook | None = Field(None, description="webhooks that start a pass of the long-running form")
    election: Election | None = Field(None, description="for several processes of the long-running form: one leads")
    notify: tuple[Channel, ...] = Field((), description="where changes of state are sent")
    pushgateway: Pushgateway | None = Field(None, description="where a run of 'secretsync apply' leaves its metrics")
    cache: Path | None = Field(
        None, description="the cache's folder; default: secretsync in $XDG_CACHE_HOME or ~/.cache"
    )

    @model_validator(mode="after")
    def _ports_differ(self) -> Config:
        if self.health and self.webhook and self.health.port == self.webhook.port:
            raise ValueError(f"health and webhook: both ask for port {self.webhook.port}: give each its own")
        return self

    @model_validator(mode="after")
    def _names_come_from_their_owner(self) -> Config:
        object.__setattr__(self, "packages", tuple(with_owner(package, self.indexes) for package in self.packages))
        return self

    @model_validator(mode="after")
    def _names_are_unambiguous(self) -> Config:
        for key in ("packages", "targets"):
            if not getattr(self, key):
                raise ValueError(f"{key}: lists nothing")
        modules = [package.module_name for package in self.packages]
        for module in {m for m in modules if modules.count(m) > 1}:
            raise ValueError(f"packages: {module!r} is listed twice")
        for target in self.targets:
            if target.secret_name and len(self.packages) > 1:
                raise ValueError(
                    f"targets: secretName {target.secret_name!r} would hold {len(self.packages)} packages; "
                    "put secretName on each package instead"
                )
        return self

    @model_validator(mode="after")
    def _goes_after_one_that_can_be_current(self) -> Config:
        names = [target.name for target in self.targets if target.name]
        for name in {name for name in names if names.count(name) > 1}:
            raise ValueError(f"targets: two have the name {name!r}")
        targets_by_name = {
            target.name: target
            for target in self.targets
            if target.name and not isinstance(target.cluster, DirectoryCluster)
        }
        for target in self.targets:
            _follow(target, targets_by_name)
        return self

    @model_validator(mode="after")
    def _wires_one_package_for_each_vo(self) -> Config:
        vos = [package.vo.upper() for package in self.packages]
        if len(set(vos)) < len(vos) and any(target.wire for target in self.targets):
            raise ValueError("targets: wire: Rucio takes one package for each VO: give each package its own 'vo'")
        return self

    def secret_name(self, package: Package, target: Target) -> str:
        """The name of the Secret that holds *package*'s own directory in *target*."""
        return package.secret_name or target.secret_name or package.module_name.lower().replace("_", "-").strip("-")


def _follow(target: Target, targets_by_name: Mapping[str, Target]) -> None:
    """Raises ValueError where *after* leads nowhere, or in a circle."""
    seen: list[str] = []
    while target.after:
        name = target.after.target
        if name not in targets_by_name:
            names = ", ".join(targets_by_name)
            known = f"there are: {names}" if names else "give it one with 'name:'"
            raise ValueError(f"targets: after: no target in a cluster has the name {name!r}; {known}")
        if name in seen:
            raise ValueError(f"targets: after: {' after '.join((*seen, name))} has no beginning")
        seen.append(name)
        target = targets_by_name[name]


def load(path: Path) -> Config:
    """Read and validate *path*. Raises UnusableConfig."""
    return from_text(read(path), path)


def read(path: Path) -> str:
    """What the file says. Raises UnusableConfig."""
    try:
        return read_limited(path).decode().replace("\r\n", "\n")
    except FileNotFoundError:
        reason = "does not exist: name the configuration with --config, or in $SECRETSYNC_CONFIG"
        raise UnusableConfig(path, [reason]) from None
    except OSError as error:
        raise UnusableConfig(path, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise UnusableConfig(path, ["is not UTF-8 text"]) from None


def from_text(text: str, path: Path) -> Config:
    """Validate *text*, which was read from *path*. Raises UnusableConfig."""
    try:
        raw = yaml_loader.load(text)
    except yaml.YAMLError as error:
        problem = f"is not YAML: {_problem_line(error)}"
    else:
        return parse(raw, path, yaml_loader.line_finder(text))
    # not from within: the parser's error holds the text, and that may hold what should not be there
    raise UnusableConfig(path, [problem])


def parse(raw: object, path: Path, line_of: Callable[[problems.Location], int | None] = lambda _: None) -> Config:
    """Validate what was read from *path*, where *line_of* knows the lines. Raises UnusableConfig."""
    if not isinstance(raw, dict):
        raise UnusableConfig(path, ["holds no configuration: it starts with 'packages:' and 'targets:'"])
    try:
        return Config.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        messages = problems.sentences(error.errors(), _nearest, line_of)
    # not from within: the validator's error holds the values
    raise UnusableConfig(path, messages)


def schema() -> dict[str, Any]:
    """The JSON schema of the configuration, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(by_alias=True),
    }


def _problem_line(error: yaml.YAMLError) -> str:
    """The parser's problem and its line, never the line's text: it may hold what somebody pasted there."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    if "'\\t'" in problem:
        problem = "there is a tab: indent with spaces"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else str(problem)


def _nearest(key: str) -> str:
    # imported here: most configurations have no such key
    import difflib

    keys = sorted(set(_keys(schema())))
    # the same key elsewhere in the file is not what is meant here
    matches = difflib.get_close_matches(key, [other for other in keys if other != key], n=1, cutoff=0.6)
    return f"did you mean {matches[0]!r}?" if matches else "'secretsync config schema' lists those there are"


def _keys(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for child in node.values():
            yield from _keys(child)
    elif isinstance(node, list):
        for child in node:
            yield from _keys(child)
