"""A git server: how it is spoken to, and what its refs name now."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from secretsync.config.access import Access
from secretsync.config.credentials import Authorization, authorization
from secretsync.core.errors import SourceError
from secretsync.core.files import write_atomically
from secretsync.sources.git import ssh
from secretsync.sources.git.errors import explain
from secretsync.sources.git.process import Answer, run

# Nothing of the machine's or the user's configuration applies: a repository means the same everywhere.
_SETTINGS = """\
[core]
\thooksPath = /dev/null
\tattributesFile = /dev/null
\tfsmonitor = false
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
"""


class VerificationTurnedOff(SourceError):
    """A variable of the environment makes git accept any certificate."""

    code = "verification_turned_off"

    def __str__(self) -> str:
        return (
            "GIT_SSL_NO_VERIFY is set, so git would take any server for the right one; unset it, "
            "and name a private certificate authority's file under 'access.ca' of the package"
        )


class Remote:
    """One repository at *url*; commands get settings and credentials by their environment alone.

    *folder* is for the few files that git and ssh want as files, *base* where the configuration's paths start.
    """

    def __init__(self, url: str, access: Access, *, folder: Path, base: Path, timeout: float) -> None:
        self.url = url
        self._access, self._folder, self._base, self._timeout = access, folder, base, timeout

    def refs(self, *names: str) -> dict[str, str]:
        """Which object each of these names is now, in one question; those that there are not are left out."""
        return {name: value for name, value in self.matching_refs(*names).items() if name in names}

    def matching_refs(self, *patterns: str) -> dict[str, str]:
        """The refs whose names end with one of *patterns*, and the objects they are. Raises GitFailed."""
        answer = self.ask(["ls-remote", "--quiet", "--", self.url, *patterns])
        if answer.status != 0:
            raise explain(self.url, answer.complaint)
        lines = [line.partition("\t") for line in answer.out.decode(errors="replace").splitlines()]
        return {name: value for value, _, name in lines}

    def ask(
        self,
        arguments: Sequence[str],
        *,
        text: bytes = b"",
        repository: Path | None = None,
        hold: Sequence[int] = (),
        watch: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Run a command that speaks to the server; credentials are read now, and are in nothing that it says."""
        allowed = authorization(self._access, self.url, self._base, default_user="x-access-token")
        environment = {**self.settings(), **self._way(allowed)}
        if repository:
            environment["GIT_DIR"] = str(repository)
        answer = run(arguments, environment=environment, timeout=self._timeout, text=text, hold=hold, watch=watch)
        return replace(answer, complaint=allowed.redact(answer.complaint)) if allowed else answer

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

    def _way(self, allowed: Authorization | None) -> dict[str, str]:
        """What this URL's transport needs besides, and nothing for the others."""
        scheme = self.url.partition(":")[0]
        only = {"GIT_ALLOW_PROTOCOL": "http:https" if scheme in ("http", "https") else scheme}
        if scheme == "ssh":
            return {**only, **ssh.environment(self._access, self.url, self._base, self._folder)}
        if scheme == "file":
            return only
        if "GIT_SSL_NO_VERIFY" in os.environ:
            raise VerificationTurnedOff
        return {**only, **self._certificates(), **_proxy(os.environ), **(_header(allowed) if allowed else {})}

    def _certificates(self) -> dict[str, str]:
        access = self._access
        named = {
            "GIT_SSL_CAINFO": access.ca,
            "GIT_SSL_CERT": access.client_certificate,
            "GIT_SSL_KEY": access.client_key or access.client_certificate,
        }
        return {name: str(self._base / path) for name, path in named.items() if path}

    def _settings_file(self) -> Path:
        path = self._folder / "settings"
        if not path.is_file() or path.read_text() != _SETTINGS:
            write_atomically(path, _SETTINGS)
        return path


def _header(allowed: Authorization) -> dict[str, str]:
    """The header for every request, and no redirect, which could carry it to another host."""
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: {allowed.header}",
        "GIT_CONFIG_KEY_1": "http.followRedirects",
        "GIT_CONFIG_VALUE_1": "false",
    }


def _proxy(variables: Mapping[str, str]) -> dict[str, str]:
    """git reads HTTP_PROXY in lower case only."""
    proxy = variables.get("HTTP_PROXY", "")
    return {"http_proxy": proxy} if proxy and "http_proxy" not in variables else {}
