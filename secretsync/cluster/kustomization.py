"""A kustomization's list of resources: what it does not name does not reach the cluster, and what it names must exist.

A calculation on its text, of which every other byte stays. https://kubectl.docs.kubernetes.io/references/kustomize/
"""

from __future__ import annotations

import posixpath

import yaml

from secretsync.core.yaml_edit import Addition, CannotEdit, add_items

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""As kustomize itself looks for them, in this order."""

_KEY = "resources"


class NotEditable(Exception):
    """The text cannot be changed without touching more of it."""


def with_resource(text: str, path: str) -> str:
    """The kustomization that lists *path*, relative to its folder. Raises NotEditable."""
    resources = _resources(text)
    if resources is not None and _item(resources, path) is not None:
        return text
    try:
        return add_items(text, (_KEY,), [Addition((f"- {path}",), path)])
    except CannotEdit as error:
        raise NotEditable(str(error)) from None


def without_resource(text: str, path: str) -> str:
    """The kustomization that does not list *path*. Raises NotEditable."""
    resources = _resources(text)
    item = None if resources is None else _item(resources, path)
    if resources is None or item is None:
        return text
    if len(resources.value) == 1:
        raise NotEditable("it would list nothing")
    if resources.flow_style:
        others = ", ".join(_source(text, node) for node in resources.value if node is not item)
        return f"{text[: resources.start_mark.index]}[{others}]{text[resources.end_mark.index :]}"
    lines = text.splitlines(keepends=True)
    return "".join(lines[: item.start_mark.line] + lines[item.end_mark.line + 1 :])


def _item(resources: yaml.SequenceNode, path: str) -> yaml.ScalarNode | None:
    """The entry that is *path*, however it is written (``./a.yaml``)."""
    wanted = posixpath.normpath(path)
    return next((node for node in resources.value if posixpath.normpath(str(node.value)) == wanted), None)


def _resources(text: str) -> yaml.SequenceNode | None:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        raise NotEditable("it is not YAML that can be read") from None
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode):
        raise NotEditable("it is no mapping")
    found = next((value for key, value in root.value if key.value == _KEY), None)
    if found is None or (isinstance(found, yaml.ScalarNode) and found.value in ("", "null", "~")):
        return None
    if not isinstance(found, yaml.SequenceNode) or not all(isinstance(node, yaml.ScalarNode) for node in found.value):
        raise NotEditable("its resources are no list of names")
    return found


def _source(text: str, node: yaml.Node) -> str:
    return text[node.start_mark.index : node.end_mark.index]
