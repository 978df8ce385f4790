"""A document for a program: JSON on one line. Names, sizes and digests; a file's content only with ``--diff``."""

from __future__ import annotations

from pydantic import TypeAdapter

from secretsync.cli.output.report import Model


def render(document: Model) -> str:
    """One JSON object, with escapes for all that is not ASCII."""
    return TypeAdapter(type(document)).dump_json(document, ensure_ascii=True).decode() + "\n"
