"""A site's own values files, as Helm reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from secretsync.core.errors import ConfigError
from secretsync.core.foreign import read_yaml
from secretsync.core.yaml_edit import Keys
from secretsync.rucio.charts.excerpt import Excerpt, excerpt


@dataclass(eq=False)
class NotValues(ConfigError):
    """The text cannot be the values of a chart; *reason* says why."""

    code = "not_values"

    reason: str

    def __str__(self) -> str:
        return f"these are no values of a chart: {self.reason}"


_KUSTOMIZATION = frozenset({"patches", "patchesStrategicMerge", "patchesJson6902", "configMapGenerator"})
"""Keys that a kustomization has, often without its kind, and no chart of Rucio."""


_MOST_CHARACTERS = 1_000_000
"""It is parsed in Python several times, as its edit needs the place of each value."""


class _Loader(yaml.SafeLoader):
    """Reads what Helm reads: a date, or what looks like one, is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> Any:
    """What *text* says as YAML, as Helm takes it. Raises yaml.YAMLError and ValueError."""
    return next(read_yaml(text, _Loader), None)


def keys_of(path: str) -> Keys:
    """The keys of a path as ``spec.values``; a dot that belongs to a key is written ``\\.``."""
    return tuple(key.replace("\\.", ".") for key in re.split(r"(?<!\\)\.", path)) if path else ()


def read(text: str, at: Keys = ()) -> dict[str, Any]:
    """The values that *text* says, those *at* some keys of it. Raises NotValues, and CannotEdit as `excerpt` does."""
    part = part_of(text, at)
    document, at = _document(part.text), part.at
    if not at and {"apiVersion", "kind"} <= document.keys():
        raise NotValues(f"it is a manifest, of kind {document['kind']}{_hint(document)}")
    if not at and document.keys() & _KUSTOMIZATION:
        raise NotValues("it is a kustomization: say with --at which of its patches, as patches.0.patch.spec.values")
    current: Any = document
    for key in at:
        current = below(current, key)
    if current is None:
        return {}
    if not isinstance(current, dict):
        raise NotValues(f"{'.'.join(at)} is no mapping of keys to values")
    return current


def below(found: Any, key: str) -> Any:
    """What is at a *key* of a mapping or at a number in a list; None where nothing is."""
    if isinstance(found, list):
        return found[int(key)] if key.isdecimal() and int(key) < len(found) else None
    return found.get(key) if isinstance(found, dict) else None


def part_of(text: str, at: Keys) -> Excerpt:
    """The part of *text* in which the values *at* some keys are. Raises NotValues, and CannotEdit as `excerpt` does."""
    if len(text) > _MOST_CHARACTERS:
        raise NotValues(f"it has more than {_MOST_CHARACTERS:,} characters")
    with _reading():
        return excerpt(text, at)


def has(text: str, at: Keys) -> bool:
    """Whether there is anything *at* these keys. Raises NotValues."""
    part = part_of(text, at)
    return not part.at or bool(read(part.text, part.at[:-1]).keys() & {part.at[-1]})


def require_any(texts: Iterable[str], at: Keys) -> None:
    """Raises NotValues where none of *texts* has anything *at* these keys."""
    if not any(has(text, at) for text in texts):
        raise NotValues(f"there is nothing at {'.'.join(at)}")


def is_null(text: str, at: Keys) -> bool:
    """Whether *text* says null at these keys. Raises NotValues."""
    return has(text, at) and bool(at) and read(text, at[:-1])[at[-1]] is None


def _document(text: str) -> dict[str, Any]:
    with _reading():
        documents = list(read_yaml(text, _Loader))
    if len(documents) > 1:
        raise NotValues("it has several documents: say with --at where the values are in one of them")
    values = documents[0] if documents else None
    if values is None:
        return {}
    if isinstance(values, list) and any(isinstance(step, dict) and "op" in step for step in values):
        raise NotValues(
            "it is a JSON patch (RFC 6902), which is not edited: add by hand an operation with what "
            "'secretsync values' prints"
        )
    if not isinstance(values, dict):
        raise NotValues("it is no mapping of keys to values")
    if isinstance(values.get("sops"), dict) and {"mac", "lastmodified"} & values["sops"].keys():
        raise NotValues(
            "it is encrypted by SOPS, whose checksum covers every line: run this on a file beside it, or on what "
            "'sops decrypt' prints"
        )
    return values


@contextmanager
def _reading() -> Iterator[None]:
    """Errors of the parser as NotValues."""
    try:
        yield
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        location = f"line {mark.line + 1}: " if mark else ""
        raise NotValues(f"{location}{getattr(error, 'problem', None) or 'it is not YAML'}") from None
    except (ValueError, OverflowError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise NotValues(f"a value in it cannot be read ({type(error).__name__})") from None


_WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}
_PLACES = {"HelmRelease": "spec.values", "Application": "spec.source.helm.valuesObject"}


def _hint(document: Mapping[str, Any]) -> str:
    if str(document["kind"]) in _WORKLOADS:
        return ": a workload has none; add by hand what 'secretsync values --patch' prints"
    data = document.get("data") if document["kind"] == "ConfigMap" else None
    texts = [key for key, value in data.items() if "\n" in str(value)] if isinstance(data, dict) else []
    path = "data." + str(texts[0]).replace(".", "\\.") if texts else _PLACES.get(str(document["kind"]))
    quoted = f"'{path}'" if path and "\\" in path else path
    hint = f", as in --at {quoted}" if path else ", or take them into a file of their own"
    return f"; say with --at where its values are{hint}"


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
