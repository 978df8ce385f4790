"""A forge's REST API, as far as requests go: GitHub's, GitLab's and Gitea's paths and fields, in one small server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class FakeForge:
    """What is open, and what was asked; *status* answers everything where it is not 0, *refused* one method."""

    kind: str = "github"
    status: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    commit_of: Callable[[str], str] = lambda branch: ""
    """The newest commit of a branch, which the forge knows as it serves the repository."""

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Any:
        if path.endswith(("/comments", "/notes")):
            self.comments.append(body["body"])
            return {}
        number = re.search(r"/(?:pulls|merge_requests)/(\d+)$", path)
        if number:
            request = self.requests[int(number[1]) - 1]
            request.update({key: value for key, value in body.items() if key in ("title", "body", "description")})
            if body.get("state") == "closed" or body.get("state_event") == "close":
                request["state"] = "closed"
            return self._shown(request)
        if method == "POST":
            source = body.get("head") or body["source_branch"]
            into = body.get("base") or body["target_branch"]
            text = body.get("body") or body.get("description")
            request = {"source": source, "into": into, "title": body["title"], "body": text, "state": "open"}
            request["commit"] = self.commit_of(source)
            self.requests.append(request)
            return self._shown(request)
        source = query.get("head", "").rpartition(":")[2] or query.get("source_branch", "")
        state = query.get("state", "all")
        found = [
            request
            for request in reversed(self.requests)
            if state in ("all", request["state"]) and source in ("", request["source"])
        ]
        size, page = int(query.get("limit", 30)), int(query.get("page", 1))
        return [self._shown(request) for request in found[(page - 1) * size : page * size]]

    def _shown(self, request: dict[str, Any]) -> dict[str, Any]:
        number = self.requests.index(request) + 1
        url = f"https://forge.example/{number}"
        state, merged = request["state"], request["state"] == "merged"
        if state == "open":
            request["commit"] = self.commit_of(request["source"]) or request["commit"]
        if self.kind == "gitlab":
            shown = "opened" if state == "open" else state
            return {"iid": number, "web_url": url, "state": shown, "sha": request["commit"]}
        return {
            "number": number,
            "html_url": url,
            "state": "open" if state == "open" else "closed",
            "merged_at": "2026-01-01T00:00:00Z" if merged else None,
            "head": {"ref": request["source"], "sha": request["commit"]},
            "base": {"ref": request["into"]},
        }


@contextmanager
def serve(forge: FakeForge) -> Iterator[str]:
    """The URL of the API's host."""

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            parts = urlsplit(self.path)
            forge.calls.append(f"{self.command} {parts.path}")
            forge.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
            refusal = forge.status or forge.refused.get(self.command, 0)
            status = refusal or 200
            answer = (
                {"message": "no"}
                if refusal
                else forge.answer(self.command, parts.path, dict(parse_qsl(parts.query)), body)
            )
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _respond

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
