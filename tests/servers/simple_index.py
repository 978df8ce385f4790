"""A simple index (PEP 503 in HTML, PEP 691 in JSON) of files in memory, with the faults that indexes have."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.servers.http import listening


@dataclass
class Release:
    """One file of a distribution, and what the index says of it."""

    distribution: str
    file: str
    data: bytes
    sha256: str | None = None
    """None: the right one; empty: the index gives none."""
    yanked: str | None = None
    requires_python: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    """Further digests that the index gives, by algorithm."""

    @property
    def hashes(self) -> dict[str, str]:
        return {**({"sha256": self.digest} if self.digest else {}), **self.digests}

    @property
    def fragment(self) -> str:
        """The one digest that a link can carry."""
        return next((f"#{name}={digest}" for name, digest in self.hashes.items()), "")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest() if self.sha256 is None else self.sha256


@dataclass
class SimpleIndex:
    """What the index holds and how it behaves; a test may change it while it runs."""

    releases: list[Release] = field(default_factory=list)
    form: str = "json"
    user: str = ""
    password: str = ""
    delay: float = 0.0
    truncate_after: int | None = None
    drip: float = 0.0
    """Seconds between two bytes of an answer."""
    fail_with: int = 0
    redirects_for_ever: bool = False
    etags: bool = True
    forwards_to: str = ""
    """Where a request for what is not here is sent, as the registries of GitLab and Nexus do."""
    coding: str = ""
    """A Content-Encoding that is claimed for the files, whose bytes are their own."""
    kind: str = ""
    """A content type to claim in place of the right one."""
    files_at: str = "../.."
    """Where the files are, if not here."""
    requests: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    """Path, status and headers of each request."""

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self.fail_with:
            return self.fail_with, {}, b"sorry"
        if self.redirects_for_ever:
            return 302, {"Location": path.rstrip("/") + "/on/"}, b""
        if self.user and headers.get("Authorization") != self._basic():
            return 401, {"WWW-Authenticate": 'Basic realm="index"'}, b""
        if path.startswith("/files/"):
            data = {release.file: release.data for release in self.releases}.get(path.rpartition("/")[2])
            if data is None:
                return self._missing(path)
            coding = {"Content-Encoding": self.coding} if self.coding else {}
            return 200, {"Content-Type": "application/octet-stream", **coding}, data
        name = path.removeprefix("/simple/").strip("/")
        found = [release for release in self.releases if release.distribution == name]
        if not found:
            return self._missing(path)
        kind, page = self._html(found) if self.form == "html" else self._json(name, found)
        kind = self.kind or kind
        etag = f'"{hashlib.sha256(page).hexdigest()[:16]}"'
        if self.etags and headers.get("If-None-Match") == etag:
            return 304, {"ETag": etag}, b""
        return 200, {"Content-Type": kind, **({"ETag": etag} if self.etags else {})}, page

    def _missing(self, path: str) -> tuple[int, dict[str, str], bytes]:
        return (302, {"Location": self.forwards_to + path}, b"") if self.forwards_to else (404, {}, b"")

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def _json(self, name: str, releases: list[Release]) -> tuple[str, bytes]:
        files = [
            {
                "filename": release.file,
                "url": f"{self.files_at}/files/{release.file}",
                "hashes": release.hashes,
                "requires-python": release.requires_python or None,
                "yanked": release.yanked if release.yanked is not None else False,
            }
            for release in releases
        ]
        page = {"meta": {"api-version": "1.0"}, "name": name, "files": files}
        return "application/vnd.pypi.simple.v1+json", json.dumps(page).encode()

    def _html(self, releases: list[Release]) -> tuple[str, bytes]:
        links = "".join(
            f'<a href="{self.files_at}/files/{release.file}{release.fragment}"'
            + (f' data-requires-python="{html.escape(release.requires_python)}"' if release.requires_python else "")
            + (f' data-yanked="{html.escape(release.yanked)}"' if release.yanked is not None else "")
            + f">{release.file}</a>\n"
            for release in releases
        )
        return "text/html", f"<!DOCTYPE html><html><body>{links}</body></html>".encode()


@contextmanager
def serve(index: SimpleIndex, port: int = 0, *, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve *index*; yields the URL of its simple API. *certificate* is a chain and its key, and makes it https."""
    served = index

    class Handler(_IndexHandler):
        index = served

    with listening(Handler, port, certificate=certificate) as url:
        yield f"{url}/simple/"


class _IndexHandler(BaseHTTPRequestHandler):
    index: SimpleIndex
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(self.index.delay)
        status, headers, content = self.index.answer(self.path, dict(self.headers))
        self.index.requests.append((self.path, status, dict(self.headers)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.index.drip:
            self._drip(content)
            return
        cut = self.index.truncate_after
        self.wfile.write(content if cut is None else content[:cut])
        if cut is not None and len(content) > cut:
            self.close_connection = True

    def _drip(self, content: bytes) -> None:
        with contextlib.suppress(OSError):
            for byte in content:
                self.wfile.write(bytes([byte]))
                time.sleep(self.index.drip)

    def log_message(self, *_arguments: object) -> None:
        """Tests read what they need from SimpleIndex.requests."""
