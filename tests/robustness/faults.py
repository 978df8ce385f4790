"""What a proxy, a portal or a broken API server may answer in place of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.servers import api_proxy
from tests.servers.api_proxy import Fault, Forward
from tests.servers.http import Answer

Object = dict[str, Any]

_HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
_JSON = {"Content-Type": "application/json"}
_HUGE = 100 * 1024 * 1024


def _answer(status: int, body: bytes = b"", headers: Mapping[str, str] = _JSON) -> Fault:
    """The call does not take place: this answer instead."""
    return lambda forward: Answer(status, body, headers)


def _status(code: int, reason: str) -> Fault:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return _answer(code, json.dumps(status).encode())


def _without_length(forward: Forward) -> Answer:
    """The call takes place; all of its answer but the last bytes arrives, and the connection ends there."""
    whole = forward()
    return replace(whole, body=whole.body[:-3], length=len(whole.body))


def _cut_json(forward: Forward) -> Answer:
    """The call takes place; half of its answer arrives as if that were all."""
    whole = forward()
    return replace(whole, body=whole.body[: len(whole.body) // 2])


def _as_html(forward: Forward) -> Answer:
    """The call takes place, and its answer is called HTML."""
    whole = forward()
    return replace(whole, headers={**whole.headers, "Content-Type": "text/html"})


def _without(*keys: str) -> Fault:
    """The call takes place; the objects in its answer lack these keys of metadata, or all but their names."""

    def stripped(manifest: Object) -> Object:
        metadata = manifest.get("metadata", {})
        if keys == ("spec",):
            return {key: value for key, value in manifest.items() if key not in ("spec", "data")}
        if not keys:
            return {"kind": manifest.get("kind", ""), "metadata": {"name": metadata.get("name", "")}}
        return {**manifest, "metadata": {key: value for key, value in metadata.items() if key not in keys}}

    def fault(forward: Forward) -> Answer:
        whole = forward()
        if whole.headers.get("Content-Type") != "application/json":
            return whole  # a group that the API does not serve is told in plain text
        content = json.loads(whole.body)
        if "items" in content:
            content["items"] = [stripped(item) for item in content["items"]]
        elif "resources" not in content:
            content = stripped(content)
        return replace(whole, body=json.dumps(content).encode())

    return fault


FAULTS: dict[str, Fault] = {
    "500": _status(500, "InternalError"),
    "500 after it took place": api_proxy.fails_after,
    "503": _status(503, "ServiceUnavailable"),
    "429 with Retry-After": api_proxy.answers(429, retry_after="0"),
    "401": _status(401, "Unauthorized"),
    "403": _status(403, "Forbidden"),
    "409": _status(409, "Conflict"),
    "410": _status(410, "Expired"),
    "422": _status(422, "Invalid"),
    "404 in HTML": _answer(404, _HTML, {"Content-Type": "text/html"}),
    "404 of the API": _status(404, "NotFound"),
    "200 in HTML": _answer(200, _HTML, {"Content-Type": "text/html"}),
    "200 without a body": _answer(200),
    "204": _answer(204),
    "301 to itself": _answer(301, headers={"Location": "/"}),
    "302 to a portal": _answer(302, headers={"Location": "http://127.0.0.1:1/sign-in"}),
    "[]": _answer(200, b"[]"),
    "null": _answer(200, b"null"),
    "a List without items": _answer(200, b'{"kind": "List", "apiVersion": "v1", "metadata": {}}'),
    "an object without metadata.name": _answer(200, b'{"kind": "Secret", "apiVersion": "v1", "metadata": {}}'),
    "an object of another name": _answer(200, b'{"kind": "Secret", "metadata": {"name": "stranger"}, "data": {}}'),
    "objects without a resourceVersion": _without("resourceVersion"),
    "objects without a uid": _without("uid"),
    "objects without a namespace": _without("namespace"),
    "objects without a spec or data": _without("spec"),
    "objects that are their names alone": _without(),
    "truncated JSON": _cut_json,
    "an answer that ends early": _without_length,
    "a wrong content type": _as_html,
    "gzip that is none": _answer(200, b"\x1f\x8bnonsense", {**_JSON, "Content-Encoding": "gzip"}),
    "a body of 100 MB": lambda forward: Answer(200, b" " * _HUGE, _JSON),
    "a TLS alert in place of HTTP": lambda forward: Answer(0, raw=b"\x15\x03\x03\x00\x02\x02\x28"),
    "reset before it took place": api_proxy.reset_before,
    "reset after it took place": api_proxy.reset_after,
    "a stall": api_proxy.delayed(6),
    "a slow drip": api_proxy.trickling(0.2),
    "the call repeated": api_proxy.repeated,
}
