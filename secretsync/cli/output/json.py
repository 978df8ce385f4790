"""A document for a program: JSON on one line. Names, sizes and digests; a file's content only with ``--diff``."""

from __future__ import annotations

import json

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from secretsync.cli.output.report import Model


def render(document: Model) -> str:
    """One JSON object, with escapes for all that is not ASCII."""
    adapter = TypeAdapter(type(document))
    try:
        return adapter.dump_json(document, ensure_ascii=True).decode() + "\n"
    except PydanticSerializationError:  # a lone surrogate, which a state object or a package's code may hold
        return json.dumps(adapter.dump_python(document, mode="json"), separators=(",", ":")) + "\n"
