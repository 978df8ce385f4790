"""What the API's error answer means. Pure: a Status in, an error out.

A Status can echo the object that was sent: of its text only what is known to be harmless goes on.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from secretsync.cluster.errors import (
    Call,
    Denied,
    Forbidden,
    Immutable,
    InvalidObject,
    NamespaceMissing,
    NamespaceTerminating,
    NotFound,
    QuotaExceeded,
    Refusal,
    ServerFailed,
    TooLarge,
    Unauthorized,
    WebhookFailed,
)
from secretsync.core.escape import visible
from secretsync.core.listed import listed
from secretsync.core.model import Manifest

_ADMISSION = re.compile(
    r"admission webhook (?P<webhook>\"[^\"]+\") denied the request|"
    r"(?P<policy>ValidatingAdmissionPolicy '[^']+')[^:]* denied request"
)
_PLUGIN = re.compile(r"is forbidden: (?!User \")(?P<plugin>)")
"""What the API server's own admission plugins say (PodSecurity, LimitRanger, security context constraints); a missing
right is told of a user."""
_ANONYMOUS = 'User "system:anonymous"'
"""Whose credentials were not accepted, a client certificate that has expired for instance."""
_SILENT_WEBHOOK = re.compile(r"failed calling webhook (?P<webhook>\"[^\"]+\")")
_QUOTA = re.compile(r"exceeded quota: [^,]+|failed quota: [^:]+")
_IMMUTABLE = "field is immutable when `immutable` is set"
_API_SERVER = "the API server's admission"
_LONGEST_MESSAGE = 16_000
"""Characters of a Status' message that are read: what matters comes first, and a webhook adds what it likes."""
_LONGEST_WHY = 300
_LONGEST_REASON = 60
"""Characters: Kubernetes' reasons are one word in CamelCase."""
_SHORTEST_LINE = 6
_SHORTEST_PIECE = 16


def refusal(call: Call, code: int, body: bytes, sent: Manifest | None = None) -> Refusal:
    """The error that answer *code* with *body* to *call* stands for; *sent* is the object that was sent with it."""
    status = _status(body)
    message = str(status.get("message", ""))[:_LONGEST_MESSAGE]
    reason = visible(str(status.get("reason", "")))[:_LONGEST_REASON]
    if denial := _ADMISSION.search(message):
        return Denied(call, code, _refusal_text(message, denial, sent or {}))
    if quota := _QUOTA.search(message):
        return QuotaExceeded(call, code, visible(quota[0])[:_LONGEST_WHY])
    if silent := _SILENT_WEBHOOK.search(message):
        return WebhookFailed(call, code, visible(silent["webhook"])[:_LONGEST_WHY])
    if code == 401:
        return Unauthorized(call, code)
    if code == 403:
        return _forbidden(call, code, status, message, sent or {})
    if code == 404 and status.get("reason") == "NotFound":
        return NamespaceMissing(call, code) if _kind(status) == "namespaces" else NotFound(call, code)
    if code == 413 or "FieldValueTooLong" in _causes(status, "reason"):
        return TooLarge(call, code)
    if code == 422 and _IMMUTABLE in message:
        return Immutable(call, code)
    if code in (400, 422):
        return InvalidObject(call, code, visible(listed(_causes(status, "field"), 10))[:_LONGEST_WHY])
    if code == 429 or code >= 500:
        return ServerFailed(call, code, reason)
    return Refusal(call, code, reason)


def _forbidden(call: Call, code: int, status: dict[str, Any], message: str, sent: Manifest) -> Refusal:
    """A missing right, unless the answer says that it is something else."""
    if "NamespaceTerminating" in _causes(status, "reason"):
        return NamespaceTerminating(call, code)
    if _ANONYMOUS in message:
        return Unauthorized(call, code)
    if denial := _PLUGIN.search(message):
        return Denied(call, code, _refusal_text(message, denial, sent))
    return Forbidden(call, code)


def _status(body: bytes) -> dict[str, Any]:
    """The Status object; nothing where the answer is another's, a proxy's page for instance."""
    try:
        status = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return status if isinstance(status, dict) and status.get("kind") == "Status" else {}


def _kind(status: dict[str, Any]) -> str:
    return str(_details(status).get("kind", ""))


def _details(status: dict[str, Any]) -> dict[str, Any]:
    details = status.get("details")
    return details if isinstance(details, dict) else {}


def _causes(status: dict[str, Any], key: str) -> list[str]:
    causes = _details(status).get("causes")
    listed = [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []
    return sorted({str(cause[key]) for cause in listed if cause.get(key)})


def _refusal_text(message: str, denial: re.Match[str], sent: Manifest) -> str:
    """Who denied, and in which words; only who where the words quote the content of the Secret that was sent."""
    named = denial.groupdict()
    author = named.get("webhook") or named.get("policy") or _API_SERVER
    text = " ".join(message[denial.end() :].lstrip(": ").split())
    if not text or any(_quotes(text, value) for value in (sent.get("data") or {}).values()):
        return visible(author)[:_LONGEST_WHY]
    return visible(f"{author[:_LONGEST_WHY]}: {text[:_LONGEST_WHY]}")


def _quotes(text: str, value: str) -> bool:
    """Whether *text* hold a line of what *value* encodes, or a piece of either that is no common word."""
    content = base64.b64decode(value).decode(errors="replace")
    lines = (" ".join(line.split()) for line in content.splitlines())
    if any(len(line) >= _SHORTEST_LINE and line in text for line in lines):
        return True
    pieces = (piece for piece in re.findall(r"[\w+/=-]+", text) if len(piece) >= _SHORTEST_PIECE)
    return any(piece.rstrip("=") in value or piece in content for piece in pieces)
