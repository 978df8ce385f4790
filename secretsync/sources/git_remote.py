"""A git server: how it is spoken to, and what its refs name now."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from secretsync.sources.git_failure import explain
from secretsync.sources.git_process import run

# Nothing of the machine's or the user's configuration applies: a repository means the same everywhere.
_SETTINGS = """\
[core]
\thooksPath = /dev/null
\tattributesFile = /dev/null
\tfsmonitor = false
\taskPass =
[gc]
\tauto = 0
[maintenance]
\tauto = false
[protocol]
\tversion = 2
[http]
\tfollowRedirects = initial
[credential]
\thelper =
[safe]
\tdirectory = *
[advice]
\tdetachedHead = false
"""


class Remote:
    """One repository at *url*. Commands get their settings and credentials by their environment alone."""

    def __init__(self, url: str, folder: Path, *, timeout: float) -> None:
        self.url, self._folder, self._timeout = url, folder, timeout

    def refs(self, *names: str) -> dict[str, str]:
        """Which object each of these full names is now, in one question; those that there are not are left out."""
        answer = run(
            ["ls-remote", "--quiet", "--", self.url, *names], environment=self.environment(), timeout=self._timeout
        )
        if answer.status != 0:
            raise explain(self.url, self.redact(answer.complaint))
        lines = [line.partition("\t") for line in answer.out.decode(errors="replace").splitlines()]
        # The server matches the ends of names: refs/heads/main also brings refs/x/refs/heads/main.
        return {name: value for value, _, name in lines if name in names}

    def settings(self) -> dict[str, str]:
        """The environment of every command: hermetic, and never a question at a terminal."""
        return {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self._settings_file()),
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_CONFIG_COUNT": "0",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS": "",
            "GIT_DIR": os.devnull,
            "GIT_NAMESPACE": "",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
            "GIT_PROTOCOL_FROM_USER": "0",
        }

    def environment(self) -> dict[str, str]:
        """The environment of commands that speak to the server."""
        scheme = self.url.partition(":")[0]
        return {**self.settings(), "GIT_ALLOW_PROTOCOL": scheme, "GIT_SSH_COMMAND": "ssh -F /dev/null -o BatchMode=yes"}

    def redact(self, text: str) -> str:
        """*text* of the server without the credentials that it may repeat."""
        return text

    def _settings_file(self) -> Path:
        path = self._folder / "settings"
        if not path.is_file():
            _write_whole(path, _SETTINGS)
        return path


def _write_whole(path: Path, text: str) -> None:
    """Another process sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)
