"""Git over smart HTTP: git's own http-backend behind a small server, with the faults that servers have."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.http import listening


@dataclass
class Behaviour:
    """How the server behaves; a test may change it while the server runs."""

    users: dict[str, str] = field(default_factory=dict)
    """User to password; empty: open to all."""
    bearer: str = ""
    """A token that 'Authorization: Bearer' must carry."""
    delay: float = 0.0
    """Seconds before each answer."""
    truncate_after: int | None = None
    """Cut each answer off after that many bytes."""
    redirect: str = ""
    """Send every client to this URL, the path appended."""
    redirect_to_dotgit: bool = False
    """Send who asks for a repository without .git to the one with it, as GitLab does."""
    status: int = 0
    """Answer this status to everybody."""
    speaks_protocol_2: bool = True
    plain_files: bool = False
    """Serve the files of repositories as they lie there."""
    garbage: bytes = b""
    """Answer this in place of anything that git would."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers of each request that came in."""

    def lets_in(self, authorization: str) -> bool:
        if self.bearer:
            return authorization == f"Bearer {self.bearer}"
        scheme, _, value = authorization.partition(" ")
        if not self.users:
            return True
        if scheme != "Basic":
            return False
        user, _, password = base64.b64decode(value).decode().partition(":")
        return self.users.get(user) == password


@contextmanager
def serve(
    root: Path,
    port: int = 0,
    *,
    behaviour: Behaviour | None = None,
    certificate: tuple[Path, Path] | None = None,
    client_ca: Path | None = None,
) -> Iterator[str]:
    """Serve the repositories below *root*; yields the URL that they are under.

    *certificate* is a chain and its key, and makes it https; *client_ca* then asks for client certificates.
    """
    manners = behaviour or Behaviour()

    class Handler(_GitHandler):
        folder = root
        behaviour = manners

    with listening(Handler, port, certificate=certificate, client_ca=client_ca) as url:
        yield url


class _GitHandler(BaseHTTPRequestHandler):
    folder: Path
    behaviour: Behaviour
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        self.behaviour.requests.append((self.command, self.path, dict(self.headers)))
        time.sleep(self.behaviour.delay)
        if self.behaviour.redirect:
            self._send(302, {"Location": self.behaviour.redirect + self.path}, b"")
        elif self.behaviour.redirect_to_dotgit and ".git/" not in self.path:
            self._send(301, {"Location": self.path.replace("/info/refs", ".git/info/refs")}, b"")
        elif self.behaviour.status:
            self._send(self.behaviour.status, {"Retry-After": "60"}, b"no\n")
        elif not self.behaviour.lets_in(self.headers.get("Authorization", "")):
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"who are you?\n")
        elif self.behaviour.garbage:
            self._send(200, {"Content-Type": "text/html"}, self.behaviour.garbage)
        elif self.behaviour.plain_files:
            path = self.folder / urlsplit(self.path).path.strip("/")
            self._send(200 if path.is_file() else 404, {}, path.read_bytes() if path.is_file() else b"")
        else:
            self._send(*self._ask_git(body))

    def _ask_git(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(self.path)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "") if self.behaviour.speaks_protocol_2 else "",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": "reader",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0]) if head else 500
        return status, headers, content

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = self.behaviour.truncate_after
        self.wfile.write(content if cut is None else content[:cut])
        if cut is not None and len(content) > cut:
            self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Tests read what they need from Behaviour.requests."""
