"""What the validator found, in words for who writes YAML; never a value: it may be what should not be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Location = Sequence[int | str]
"""Keys and indexes, from the beginning of the file; tags of unions among them, which begin with "the "."""

CLUSTER_TAGS = {
    "the repository": "repository",
    "the directory": "directory",
    "the context": "context",
    "the cluster": "inCluster",
}
"""The key of each kind of cluster, by the tag of its union."""

_MOST = 20
_CREDENTIAL = ("FromFile", "FromEnvironment")
_EXPECTED: Mapping[str, str] = {
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a duration: write 90s, 5m or 1h",
    "float_parsing": "must be a duration: write 90s, 5m or 1h",
    "path_type": "must be a path",
    "missing": "is required",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "url_parsing": "must be a URL",
}
_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda limit: f"must be at least {limit['ge']:g}",
    "greater_than": lambda limit: f"must be more than {limit['gt']:g}",
    "less_than_equal": lambda limit: f"must be at most {limit['le']:g}",
    "less_than": lambda limit: f"must be less than {limit['lt']:g}",
    "literal_error": lambda limit: f"must be {limit['expected']}",
    "enum": lambda limit: f"must be {limit['expected']}",
}


def sentences(
    details: Sequence[ErrorDetails],
    nearest: Callable[[str], str],
    line_of: Callable[[Location], int | None] = lambda _: None,
) -> list[str]:
    """One sentence for each problem, up to _MOST; *nearest* says which key is meant by one that does not exist."""
    messages: dict[str, None] = {}
    for detail in details[:_MOST]:
        line = line_of(detail["loc"])
        messages[_sentence(detail, nearest) + (f" (line {line})" if line else "")] = None
    more = len(details) - _MOST
    return [*messages, *([f"has {more:,} more problems"] if more > 0 else [])]


def _sentence(detail: ErrorDetails, nearest: Callable[[str], str]) -> str:
    location = detail["loc"]
    if credential := next((name for name in _CREDENTIAL if name in location), None):
        key = dotted(location[: location.index(credential)])
        return f"{key}: must be {{file: PATH}} or {{env: NAME}}, never the credential itself"
    key, kind = dotted(location), detail["type"]
    if kind == "extra_forbidden":
        if other_kind := _place_already_given(location):
            return f"{key}: a target is in one place, and {other_kind!r} is given already: remove one of the two"
        return f"{key}: there is no such key; {nearest(str(location[-1]))}"
    if kind in _EXPECTED:
        message = _EXPECTED[kind]
    elif kind in _LIMITS:
        message = _LIMITS[kind](detail.get("ctx", {}))
    else:
        message = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def _place_already_given(location: Location) -> str:
    """The kind of cluster by which a union was decided, where another kind is given beside it; else empty."""
    *_, tag, key = ("", *map(str, location))
    return CLUSTER_TAGS.get(tag, "") if key in CLUSTER_TAGS.values() else ""


def dotted(location: Sequence[int | str]) -> str:
    """``packages[0].moduleName``; the tags by which a union was decided are not part of the file."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("the "):
            path += f".{part}" if path else part
    return path
