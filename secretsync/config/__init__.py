"""The configuration: YAML, validated into models; an error names the file, the path in it and the nearest key."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from secretsync.config.fields import Model, Name, Seconds
from secretsync.config.package import Package
from secretsync.config.target import ContextCluster, DirectoryCluster, InCluster, Rollout, Target
from secretsync.errors import ConfigError

__all__ = ["Config", "ContextCluster", "DirectoryCluster", "InCluster", "Package", "Rollout", "Target", "UnusableConfig", "load", "parse", "schema"]


class UnusableConfig(ConfigError):
    """The file cannot be read or is not a configuration; *problems* has a sentence for each fault."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(path, problems)
        self.path, self.problems = path, problems

    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {problem}" for problem in self.problems)


class Config(Model):
    """The whole configuration."""

    installation: Name = Field("secretsync", description="tells two installations in one namespace apart")
    packages: tuple[Package, ...] = Field(min_length=1)
    targets: tuple[Target, ...] = Field(min_length=1)
    interval: Seconds = Field(300, gt=0, description="the period of the long-running form")
    jitter: Seconds = Field(30, description="up to this much is added to each period, at random")
    cache: Path | None = Field(None, description="the cache's folder; default: secretsync in $XDG_CACHE_HOME or ~/.cache")

    @model_validator(mode="after")
    def _names_are_unambiguous(self) -> Config:
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


def load(path: Path) -> Config:
    """Read and validate *path*; relative paths in it start at its folder. Raises UnusableConfig."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnusableConfig(path, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise UnusableConfig(path, ["is not UTF-8 text"]) from None
    except yaml.YAMLError as error:
        raise UnusableConfig(path, [f"is not YAML: {_one_line(error)}"]) from None
    return parse(raw, path)


def parse(raw: object, path: Path) -> Config:
    """Validate what was read from *path*. Raises UnusableConfig."""
    if not isinstance(raw, dict):
        raise UnusableConfig(path, ["holds no configuration: it starts with 'packages:' and 'targets:'"])
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise UnusableConfig(path, _problems(error)) from None


def schema() -> dict[str, Any]:
    """The JSON schema of the configuration, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema(by_alias=True)}
