"""Logs as an event and its facts, on stderr; whatever looks like a credential is masked in one place."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_IN_URL = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_TOKENS = re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{16,}|glpat-[-\w]{16,}|eyJ[-\w]+\.[-\w]+\.[-\w]+)")
_NAMES = re.compile(r"password|passphrase|secret_value|token|authorization", re.IGNORECASE)

Event = MutableMapping[str, Any]


def configure(log_format: str, *, verbosity: int) -> None:
    """Set logging up for the whole process; *log_format* is ``text`` or ``json``."""
    level = logging.DEBUG if verbosity else logging.INFO
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if log_format == "json" else "%H:%M:%S", utc=True),
            _without_locals,
            redact_event,
            _renderer(log_format),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def redact(text: str) -> str:
    """The text without what looks like a credential."""
    return _TOKENS.sub("***", _IN_URL.sub("***", text))


def redact_event(_logger: Any, _method: str, event: Event) -> Event:
    """The event without what looks like a credential."""
    return {key: "***" if _NAMES.search(key) else _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    return redact(value) if isinstance(value, str) else value


def _without_locals(logger: Any, method: str, event: Event) -> Event:
    """A traceback as plain text: frames' locals may hold a file's content or a credential."""
    return structlog.processors.format_exc_info(logger, method, event)


def _renderer(log_format: str) -> structlog.types.Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return _plain


def _plain(_logger: Any, _method: str, event: Event) -> str:
    """``12:01:02 restarted  workload=Deployment rucio/judge``: the event first, then its facts."""
    when, level, what = event.pop("timestamp"), event.pop("level"), event.pop("event")
    trace = event.pop("exception", "")
    mark = {"warning": "warning: ", "error": "error: ", "critical": "error: "}.get(level, "")
    why = event.pop("why", "")
    facts = "  ".join(f"{key}={value}" for key, value in event.items())
    line = f"{when} {mark}{what}"
    line += f"  {facts}" if facts else ""
    line += f": {why}" if why else ""
    return f"{line}\n{trace}" if trace else line
