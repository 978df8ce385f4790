"""Foreign bytes: whatever a parser makes of them, the run ends in the error of the source that they came from.

A parser that can be limited runs in this process, within `reading` and on bytes that were measured first. One that
cannot runs in a process of its own (`core.confined`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from secretsync.core.errors import SecretSyncError

MOST_BYTES = 8 * 1024 * 1024
"""Bytes of a document that are parsed."""

MOST_VALUES = 200_000
"""Values of a JSON document that are parsed: each costs up to a hundred bytes of memory, however short it is."""

Refusal = Callable[[str], SecretSyncError]
"""Makes the error of a source; its argument is the reason, a part of a sentence: ``it is damaged (EOFError)``."""


@contextmanager
def reading(refusal: Refusal) -> Iterator[None]:
    """Foreign bytes are parsed in here. Raises the refusal in place of any exception that is not an error of ours."""
    try:
        yield
    except SecretSyncError:
        raise
    except RecursionError:
        raise refusal("it is nested too deeply") from None
    except MemoryError:
        raise refusal("it takes too much memory to read") from None
    except Exception as error:  # noqa: BLE001 - parsers of foreign bytes raise whatever they come upon
        raise refusal(f"it is damaged ({type(error).__name__})") from None


def read_json(document: bytes | str, refusal: Refusal, *, most_bytes: int = MOST_BYTES) -> Any:
    """The value that *document* holds. Raises the refusal for what is no JSON, too large or nested too deeply."""
    if len(document) > most_bytes:
        raise refusal(f"it has more than {most_bytes:,} bytes")
    with reading(refusal):
        text = document if isinstance(document, str) else document.decode()
        if sum(map(text.count, ",[{")) > MOST_VALUES:
            raise refusal(f"it has more than {MOST_VALUES:,} values")
        return json.loads(text)
