"""The version is written in a few files, which must agree with each other and with the tag."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import yaml


def stated(root: Path) -> Mapping[str, str]:
    """The version by the place that states it. The distribution's is ``__version__``: pyproject.toml reads it there."""
    chart = yaml.safe_load((root / "chart/Chart.yaml").read_text(encoding="utf-8"))
    return {
        "secretsync/__init__.py": _dunder((root / "secretsync/__init__.py").read_text(encoding="utf-8")),
        "chart/Chart.yaml: version": chart["version"],
        "chart/Chart.yaml: appVersion": chart["appVersion"],
        "Dockerfile: VERSION": _argument((root / "Dockerfile").read_text(encoding="utf-8")),
    }


def of_tag(tag: str) -> str:
    """The version that *tag* (``v1.2.3``) names. Raises ValueError for a tag of another form."""
    found = re.fullmatch(r"v(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)", tag)
    if not found:
        raise ValueError(f"the tag {tag!r} is no version: name it vMAJOR.MINOR.PATCH")
    return found[1]


def disagreements(places: Mapping[str, str], version: str) -> list[str]:
    """A sentence for each place that states another version than *version*."""
    return [f"{place} says {found}, not {version}" for place, found in places.items() if found != version]


def _dunder(source: str) -> str:
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__version__")], value=ast.Constant(value=str(version))):
                return version
    raise ValueError("secretsync/__init__.py has no __version__")


def _argument(dockerfile: str) -> str:
    found = re.search(r"(?m)^ARG VERSION=(\S+)$", dockerfile)
    if not found:
        raise ValueError("Dockerfile has no ARG VERSION")
    return found[1]
