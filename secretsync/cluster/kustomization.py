"""A kustomization's list of resources: what it does not name does not reach the cluster, and what it names must exist.

A calculation on its text, of which every other byte stays. https://kubectl.docs.kubernetes.io/references/kustomize/
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

import yaml

from secretsync.core.foreign import read_yaml
from secretsync.core.yaml_edit import Addition, CannotEdit, add_items, remove_item

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""As kustomize itself looks for them, in this order."""

_KEY = "resources"
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""It makes of every scalar its text; libyaml is optional."""


class NotEditable(Exception):
    """The text cannot be changed without touching more of it."""


def with_resource(text: str, path: str) -> str:
    """The kustomization that lists *path*, relative to its folder. Raises NotEditable."""
    resources = _resources(text)
    if resources is not None and _number(resources, path) is not None:
        return text
    try:
        return add_items(text, (_KEY,), [Addition((f"- {path}",), path)])
    except CannotEdit as error:
        raise NotEditable(str(error)) from None


def without_resource(text: str, path: str) -> str:
    """The kustomization that does not list *path*. Raises NotEditable."""
    resources = _resources(text)
    number = None if resources is None else _number(resources, path)
    if resources is None or number is None:
        return text
    if len(resources) == 1:
        raise NotEditable("it would list nothing")
    try:
        return remove_item(text, (_KEY,), number)
    except CannotEdit as error:
        raise NotEditable(str(error)) from None


def _number(resources: Sequence[str], path: str) -> int | None:
    """The number of the entry that is *path*, however it is written (``./a.yaml``)."""
    names = [posixpath.normpath(name) for name in resources]
    target = posixpath.normpath(path)
    return names.index(target) if target in names else None


def _resources(text: str) -> Sequence[str] | None:
    """The list as it is written; None where there is none."""
    try:
        documents = list(read_yaml(text, _Loader))
    except (yaml.YAMLError, RecursionError):
        raise NotEditable("it is not YAML that can be read") from None
    if not documents:
        return None
    root = documents[0] if len(documents) == 1 else documents
    if not isinstance(root, dict):
        raise NotEditable("it is no mapping")
    resources = root.get(_KEY)
    if resources in (None, "", "null", "~"):
        return None
    if not isinstance(resources, list) or not all(isinstance(name, str) for name in resources):
        raise NotEditable("its resources are no list of names")
    return resources
