"""A document for a program: JSON on one line. Names, sizes and digests; a file's content only with ``--diff``."""

from __future__ import annotations

from pydantic import BaseModel


def render(document: BaseModel) -> str:
    """One JSON object, with escapes for all that is not ASCII."""
    return document.model_dump_json(ensure_ascii=True) + "\n"
