"""A site's own values files, as Helm reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from secretsync.core.errors import ConfigError


@dataclass(eq=False)
class NotValues(ConfigError):
    """The text cannot be the values of a chart; *reason* says why."""

    code = "not_values"

    reason: str

    def __str__(self) -> str:
        return f"these are no values of a chart: {self.reason}"


def read(text: str) -> dict[str, Any]:
    """The values that *text* says. Raises NotValues."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise NotValues(f"{place}{getattr(error, 'problem', None) or 'it is not YAML'}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise NotValues("it is no mapping of keys to values")
    if {"apiVersion", "kind"} <= values.keys():
        raise NotValues(f"it is a manifest, of kind {values['kind']}; take its values into a file of their own")
    return values


def overlaid(values: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """*values* with those of a *later* file: mappings grow together, all else is replaced."""
    both = dict(values)
    for key, value in later.items():
        before = both.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            both[key] = overlaid(before, value)
        else:
            both[key] = value
    return both
