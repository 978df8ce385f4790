"""structlog without rich: where that is installed, structlog imports it at every start for tracebacks of its own."""

from __future__ import annotations

import sys


def import_structlog() -> None:
    """Import structlog as if rich were not installed; whoever uses rich imports it as ever."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    # how the import system is told that a module is not there
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
