"""structlog without what it imports for others: asyncio for asynchronous loggers, rich for tracebacks of its own."""

from __future__ import annotations

import sys

from secretsync.core.deferred_imports import deferred_imports


def import_structlog() -> None:
    """Import structlog as if rich were not installed; whoever uses rich or asyncio imports it as ever."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    # how the import system is told that a module is not there
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        with deferred_imports("asyncio"):
            import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
