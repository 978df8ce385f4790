"""What validating by the package's schemas raises."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from .examples import DEFAULT_VO
from .failures import Causes, failure


def schema_errors(vo: str) -> dict[str, Causes]:
    """What validating raises by each name of SCHEMAS, beyond finding the value invalid: a server then fails, too."""
    from rucio.common import schema as rucio_schema

    loaded = rucio_schema.schema_modules[vo or DEFAULT_VO]
    own, generic = getattr(loaded, "SCHEMAS", {}), importlib.import_module("rucio.common.schema.generic").SCHEMAS
    if not (hasattr(loaded, "validate_schema") or "SCHEMAS" in inspect.getsource(rucio_schema)):
        own = {}  # before 37 a package that brings no validate_schema() leaves validating to the generic schemas
    names = sorted({*(own if isinstance(own, Mapping) else ()), *generic}, key=str)
    errors = {str(name): failure(partial(validate, name, own, vo)) for name in names}
    errors["SCOPE_NAME_REGEXP"] = failure(lambda: scope_and_name(vo))
    return {name: causes for name, causes in errors.items() if causes}


def validate(name: str, own: object, vo: str) -> None:
    """Examples of each kind, so that every part of the schema is used."""
    from rucio.common import schema as rucio_schema
    from rucio.common.exception import InvalidObject

    entry = own.get(name) if isinstance(own, Mapping) else None
    resolve = getattr(rucio_schema, "_resolve_references", lambda schema, _: schema)
    compile_patterns(resolve(entry, vo or DEFAULT_VO))
    for value in (example(entry), "nobody", 1, ["nobody"], {"nobody": 1}):
        if value:
            with suppress(InvalidObject):
                rucio_schema.validate_schema(name, value, vo=vo or DEFAULT_VO)


def compile_patterns(schema: object) -> None:
    """A regular expression below a value that no example has is compiled all the same, later."""
    for key, value in schema.items() if isinstance(schema, dict) else ():
        if key == "pattern" and isinstance(value, str):
            re.compile(value)
        compile_patterns(value)
    for value in schema if isinstance(schema, (list, tuple)) else ():
        compile_patterns(value)


def example(schema: object, depth: int = 0) -> object:
    """A value of the kinds that the schema names; whether it is valid does not matter."""
    if not isinstance(schema, dict) or depth > 20:
        return "nobody"
    if isinstance(schema.get("properties"), dict):
        return {name: example(inner, depth + 1) for name, inner in schema["properties"].items()}
    if "items" in schema:
        return [example(schema["items"], depth + 1)]
    return {"integer": 1, "number": 1, "boolean": True}.get(str(schema.get("type")), "nobody")


def scope_and_name(vo: str) -> None:
    """As the REST interface takes both from a URL."""
    from rucio.common.schema import get_schema_value

    pattern = re.compile(get_schema_value("SCOPE_NAME_REGEXP", vo or DEFAULT_VO))
    if pattern.groups < 2:
        raise IndexError(f"no such group: {pattern.pattern!r} has {pattern.groups} of two")


def type_of_schemas(vo: str) -> str:
    """``dict`` where SCHEMAS can be used as one, its type where it cannot, empty where there is none."""
    from rucio.common import schema as rucio_schema

    loaded = rucio_schema.schema_modules[vo or DEFAULT_VO]
    schemas = getattr(loaded, "SCHEMAS", None)
    if isinstance(schemas, Mapping):
        return "dict"
    return type(schemas).__name__ if hasattr(loaded, "SCHEMAS") else ""
