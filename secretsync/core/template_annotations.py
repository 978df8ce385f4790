"""Annotations put into a pod template inside YAML text, with every other byte left as it is. Pure.

A YAML library's round trip would lose comments or fold and quote other lines anew; in a GitOps repository each such
line is a change that a person has to review. So only the entry is written; the result is parsed again, and whatever
differs in more than these annotations is an error instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from secretsync.core.errors import ClusterError
from secretsync.core.foreign import read_yaml
from secretsync.core.yaml_edit import CannotEdit, Step, set_first

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
    try:
        for key, value in sorted(annotations.items()):
            edited = set_first(edited, document, (*workload, *_ANNOTATIONS, key), value)
    except (CannotEdit, yaml.YAMLError, ValueError, OverflowError, RecursionError):
        raise NotEditable from None
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
        documents = list(read_yaml(text, yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise NotEditable from None
    return [_unshared(document) for document in documents]


def _unshared(node: Any) -> Any:
    """Without the sharing that anchors and aliases make, so that an edit of one place is an edit of one place."""
    if isinstance(node, dict):
        return {key: _unshared(value) for key, value in node.items()}
    return [_unshared(value) for value in node] if isinstance(node, list) else node
