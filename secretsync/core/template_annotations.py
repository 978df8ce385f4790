"""Annotations put into a pod template inside YAML text, with every other byte left as it is. Pure.

A YAML library's round trip would lose comments or fold and quote other lines anew; in a GitOps repository each such
line is a change that a person has to review. So the entry's place is taken from the parser and only it is written;
the result is parsed again, and whatever differs in more than these annotations is an error instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from secretsync.core.errors import ClusterError

Step = str | int
_PLAIN_KEY = re.compile(r"[A-Za-z][-\w./]*")
_NULL = "tag:yaml.org,2002:null"
_ANNOTATIONS = ("spec", "template", "metadata", "annotations")


class NotEditable(ClusterError):
    """The text cannot be edited in place: anchors, merge keys or complex keys stand where the annotations go."""

    code = "not_editable"

    def __str__(self) -> str:
        return (
            "its pod template is written with anchors, merge keys or tags: write its metadata.annotations out plainly"
        )


def annotated(text: str, document: int, workload: Sequence[Step], annotations: Mapping[str, str]) -> str:
    """*text* with *annotations* in the pod template of the object at *workload* in its *document*-th document.

    Raises NotEditable.
    """
    edited = text
    for key, value in sorted(annotations.items()):
        edited = _with_entry(edited, _node(edited, document, workload), key, value)
    if _parsed(edited) != _expected(text, document, workload, annotations):
        raise NotEditable
    return edited


def _expected(text: str, document: int, workload: Sequence[Step], annotations: Mapping[str, str]) -> list[Any]:
    documents = _parsed(text)
    node = documents[document]
    for step in workload:
        node = node[step]
    for step in _ANNOTATIONS:
        node[step] = node.get(step) or {}
        node = node[step]
    node.update(annotations)
    return documents


def _parsed(text: str) -> list[Any]:
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        raise NotEditable from None
    return [_unshared(document) for document in documents]


def _unshared(node: Any) -> Any:
    """Without the sharing that anchors and aliases make, so that an edit of one place is an edit of one place."""
    if isinstance(node, dict):
        return {key: _unshared(value) for key, value in node.items()}
    return [_unshared(value) for value in node] if isinstance(node, list) else node


def _with_entry(text: str, workload: yaml.Node, key: str, value: str) -> str:
    node, steps = workload, (*_ANNOTATIONS, key)
    for depth, step in enumerate(steps, start=1):
        if not isinstance(node, yaml.MappingNode):
            raise NotEditable
        child = next((child for name, child in node.value if name.value == step), None)
        if child is None:
            return _inserted(text, node, steps[depth - 1 :], value)
        if child.tag == _NULL:
            return _replaced(text, child, _flow(steps[depth:], value))
        node = child
    return _replaced(text, node, _quoted(value))


def _node(text: str, document: int, workload: Sequence[Step]) -> yaml.Node:
    node: Any = list(yaml.compose_all(text, Loader=yaml.SafeLoader))[document]
    for step in workload:
        node = node.value[step] if isinstance(step, int) else {key.value: child for key, child in node.value}[step]
    found: yaml.Node = node
    return found


def _replaced(text: str, node: yaml.Node, value: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    before = " " if text[start - 1 : start] == ":" else ""
    after = "\n" if text[start:end].endswith("\n") else ""
    return text[:start] + before + value + after + text[end:]


def _inserted(text: str, mapping: yaml.MappingNode, steps: Sequence[Step], value: str) -> str:
    """A new first entry of *mapping*, in the mapping's own style."""
    if mapping.flow_style:
        place = text.index("{", mapping.start_mark.index) + 1
        return text[:place] + _flow(steps, value)[1:-1] + (", " if mapping.value else "") + text[place:]
    first: yaml.Mark = mapping.value[0][0].start_mark
    line_break = ("\r\n" if "\r\n" in text else "\n") + " " * first.column
    return text[: first.index] + line_break.join([*_block(steps, value), ""]) + text[first.index :]


def _flow(steps: Sequence[Step], value: str) -> str:
    nested: Any = value
    for step in reversed(steps):
        nested = {step: nested}
    return _quoted(nested)


def _block(steps: Sequence[Step], value: str) -> list[str]:
    keys = [str(step) if _PLAIN_KEY.fullmatch(str(step)) else _quoted(step) for step in steps]
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
    lines[-1] += f" {_quoted(value)}"
    return lines


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
