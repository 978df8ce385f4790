"""Logs as an event and its facts, on stderr; credentials and foreign control characters are taken out in one place."""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import structlog

from secretsync.core.escape import visible

_IN_URL = re.compile(r"(?<=://)[^/\s?#]+(?=@)")
_TOKENS = re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|glpat-[-\w]{16,})")
_JSON_WEB_TOKENS = re.compile(r"(?<![-\w])(?P<before>(?>[-\w]*?\b(?=eyJ)))[-\w]++\.[-\w]++\.[-\w]+")
"""Atomic and possessive, so that a text that nearly is one, or many of them, is read once and not from each letter."""
_NAMES = re.compile(r"password|passphrase|secret_value|token|authorization", re.IGNORECASE)
_SHORTEST = 4
"""Characters of a credential that is taken out of every text; shorter ones are found in words."""

_SHORTEST_ENCODED = 8
_IN_URLS = str.maketrans("+/", "-_")
_BETWEEN = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\r\n]+ *")
"""What breaks a word: the codes of a terminal's colours, and a line that is folded."""

_MOST_FRAMES = 40
"""Frames of a traceback that are logged: one of endless recursion has a thousand."""

LONGEST_WORDS = 1000
"""Characters of what others said that are shown."""

API_CALL, GIT_CALL, INDEX_CALL = "api call", "git call", "index call"
"""Events that are logged at the second ``-v`` alone."""

_CALLS = frozenset({API_CALL, GIT_CALL, INDEX_CALL})
_credentials: set[str] = set()

Event = MutableMapping[str, Any]


def configure(log_format: str, *, verbosity: int) -> None:
    """Set logging up for the whole process; *log_format* is ``text`` or ``json``, *verbosity* the number of ``-v``."""
    level = logging.DEBUG if verbosity else logging.INFO
    structlog.configure(
        processors=[
            *(() if verbosity > 1 else (_without_calls,)),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if log_format == "json" else "%H:%M:%S", utc=True),
            _with_traceback,
            redact_event,
            _renderer(log_format),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )


class _Lines:
    """A logger that writes each line to wherever lines go now."""

    def msg(self, message: str) -> None:
        _writers[-1](message)

    debug = info = warning = error = critical = exception = msg


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


_writers: list[Callable[[str], None]] = [_to_stderr]


@contextmanager
def lines_through(write: Callable[[str], None]) -> Iterator[None]:
    """Log lines go to *write* in here: what redraws a part of the terminal puts them above that."""
    _writers.append(write)
    try:
        yield
    finally:
        _writers.remove(write)


def register_secret(credential: str) -> None:
    """A text that was read as a credential: from now on no log line holds it."""
    if len(credential) >= _SHORTEST:
        _credentials.add(credential)


def redact(text: str) -> str:
    """The text without credentials: those that were read in this process, and what looks like one."""
    forms = sorted((form for credential in _credentials for form in _forms(credential)), key=len, reverse=True)
    text = _masked(text, forms)  # the longest first: one may be the begin of another
    joined = _BETWEEN.sub("", text)
    if joined != text and any(form in joined for form in forms):
        text = _masked(joined, forms)
    return _JSON_WEB_TOKENS.sub(r"\g<before>***", _TOKENS.sub("***", _IN_URL.sub("***", text)))


def _masked(text: str, forms: Iterable[str]) -> str:
    for form in forms:
        text = text.replace(form, "***")
    return text


@lru_cache(256)
def _forms(credential: str) -> frozenset[str]:
    """How *credential* may be written: as it is, in a URL, in JSON, by Python, and in base64 wherever it begins."""
    data = credential.encode(errors="surrogatepass")
    in_urls = {quote(data), quote(data, safe=""), quote_plus(data)}
    forms = {credential, *in_urls, repr(credential)[1:-1], repr(data)[2:-1]}
    forms |= {json.dumps(credential, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    forms |= {re.sub("%..", lambda code: code[0].lower(), form) for form in in_urls}
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        # the first and the last of its characters have bits of what stands beside it
        inner = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(inner) >= _SHORTEST_ENCODED:
            forms |= {inner, inner.translate(_IN_URLS)}
    return frozenset(forms)


def foreign_text(text: str, longest: int = LONGEST_WORDS) -> str:
    """What a pod, a controller or the API said, as it may be shown and stored: masked as logs are, on one line, cut."""
    masked = visible(redact(text))
    return masked if len(masked) <= longest else f"{masked[: longest - 1]}…"


def redact_event(_logger: Any, _method: str, event: Event) -> Event:
    """The event without credentials."""
    return {key: "***" if _NAMES.search(key) else _redacted(value) for key, value in event.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_redacted(key): _redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


def _without_calls(_logger: Any, _method: str, event: Event) -> Event:
    if event["event"] in _CALLS:
        raise structlog.DropEvent
    return event


def _with_traceback(_logger: Any, _method: str, event: Event) -> Event:
    """A traceback as plain text: without locals and without the exceptions' texts, which may be of foreign origin."""
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_frames(error))
    return event


def _frames(error: BaseException) -> Iterator[str]:
    """The frames of an exception, after those of what it was raised from; of each its type alone."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause:
        yield from _frames(cause)
        yield "which led to:"
    yield "Traceback (most recent call last):"
    frames = traceback.extract_tb(error.__traceback__)
    if len(frames) > _MOST_FRAMES:
        yield f"  ({len(frames) - _MOST_FRAMES} earlier frames)"
    for frame in frames[-_MOST_FRAMES:]:
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
    kind = type(error)
    yield f"{kind.__module__}.{kind.__qualname__}"


def _renderer(log_format: str) -> structlog.types.Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return _plain


def _plain(_logger: Any, _method: str, event: Event) -> str:
    """``12:01:02 restarted  workload=Deployment rucio/judge``: the event first, then its facts."""
    when, level, message = event.pop("timestamp"), event.pop("level"), event.pop("event")
    trace = event.pop("exception", "")
    prefix = {"warning": "warning: ", "error": "error: ", "critical": "error: "}.get(level, "")
    reason = event.pop("why", "")
    facts = "  ".join(f"{key}={value}" for key, value in event.items())
    line = f"{when} {prefix}{message}"
    line += f"  {facts}" if facts else ""
    line += f": {reason}" if reason else ""
    return f"{visible(line)}\n{trace}" if trace else visible(line)
