"""A git server: how it is spoken to, and what its refs name now."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from secretsync.config.access import Access
from secretsync.config.credentials import (
    Authorization,
    authorization,
    describe_credential,
    refuse_unusable_certificates,
)
from secretsync.core.errors import SourceError
from secretsync.core.escape import visible
from secretsync.core.files import write_atomically
from secretsync.sources import certificates, redirects
from secretsync.sources.cache import private_folder
from secretsync.sources.git import batch, ssh
from secretsync.sources.git.errors import (
    AccessRefused,
    CertificateNotTrusted,
    GitFailed,
    HttpRefused,
    KeyRejected,
    NotAGitServer,
    PassphraseRefused,
    RepositoryMoved,
    RepositoryNotFound,
    explain,
)
from secretsync.sources.git.process import GitResult, run
from secretsync.sources.git.refs import name_of

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
\tfollowRedirects = false
[credential]
\thelper =
[safe]
\tdirectory = *
"""

_MOST_REDIRECTS = 5
_LONGEST_URL = 300
_UNTRACED: Mapping[str, str] = {"GIT_TRACE_CURL": "0"}
_TRACED: Mapping[str, str] = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}
_HEADER = re.compile(r"<= Recv header: (?P<name>[\w-]+): (?P<value>.*)")


class VerificationTurnedOff(SourceError):
    """A variable of the environment makes git accept any certificate."""

    code = "verification_turned_off"

    def __str__(self) -> str:
        return (
            "GIT_SSL_NO_VERIFY is set, so git would take any server for the right one; unset it, "
            "and name a private certificate authority's file under 'access.ca' of the package or target"
        )


class Remote:
    """One repository at *url*; commands get settings and credentials by their environment alone.

    *folder* is for the few files that git and ssh want as files, *base* where the configuration's paths start.
    """

    def __init__(self, url: str, access: Access, *, folder: Path, base: Path, timeout: float) -> None:
        self.url = url
        self._access, self._folder, self._base, self._timeout = access, folder, base, timeout
        self._moved_to = ""

    def refs(self, *names: str) -> dict[str, str]:
        """Which object each of these names is now, in one question; those that there are not are left out."""
        return {name: value for name, value in self.matching_refs(*names).items() if name in names}

    def matching_refs(self, *patterns: str) -> dict[str, str]:
        """The refs whose names end with one of *patterns*, and the objects they are; without patterns all.

        Raises GitFailed.
        """
        result = self.execute(["ls-remote", "--quiet", "--", self.url, *patterns])
        if result.status != 0:
            raise self.failure(result)
        refs = batch.refs(result.stdout)
        if not refs and self._is_web_page():
            raise NotAGitServer(self.url, "it names no ref")
        return refs

    def name_of(self, commit: str) -> str:
        """A ref that is *commit* now; empty where none is. Raises GitFailed."""
        return name_of(commit, self.matching_refs())

    def failure(self, result: GitResult) -> GitFailed:
        """The error that *result*, which failed, means."""
        failure = explain(self.url, result.complaint)
        if type(failure) is CertificateNotTrusted:
            ca = self._base / self._access.ca if self._access.ca else None
            if message := certificates.handshake_problem(self.url, ca, self._timeout):
                return explain(self.url, f"server certificate verification failed: {message}")
        if isinstance(failure, RepositoryMoved):
            return self._redirected()
        if isinstance(failure, KeyRejected) and not self._passphrase_opens_the_key():
            return PassphraseRefused(self.url, f"the passphrase does not open {self._access.ssh_key}")
        if isinstance(failure, (AccessRefused, RepositoryNotFound, KeyRejected)):
            return replace(failure, sent=describe_credential(self._access, self.url))
        return failure

    def execute(
        self,
        arguments: Sequence[str],
        *,
        text: bytes = b"",
        repository: Path | None = None,
        keep_open: Sequence[int] = (),
        watch: Callable[[], None] = lambda: None,
    ) -> GitResult:
        """Run a command that speaks to the server; credentials are read now, and are in nothing that it says.

        git follows no redirect by itself; one on the same server is followed here.
        """
        result = self._run(arguments, text=text, repository=repository, keep_open=keep_open, watch=watch)
        for _ in range(_MOST_REDIRECTS):
            if result.status == 0 or not isinstance(explain(self.url, result.complaint), RepositoryMoved):
                break
            current_url = self._moved_to or self.url
            redirect_url = redirects.repository_at(current_url, self._headers().get("location", ""))
            if not redirect_url or redirect_url == current_url or not self._may_follow(current_url, redirect_url):
                break
            self._moved_to = redirect_url
            result = self._run(arguments, text=text, repository=repository, keep_open=keep_open, watch=watch)
        return result

    def _passphrase_opens_the_key(self) -> bool:
        access = self._access
        if not access.ssh_key or not access.ssh_passphrase:
            return True
        return ssh.opens(ssh.environment(access, self.url, self._base, self._folder), self._base / access.ssh_key)

    def _redirected(self) -> GitFailed:
        """Why a redirect was not followed."""
        location = self._headers().get("location", "")
        current_url = self._moved_to or self.url
        repository = redirects.repository_at(current_url, location)
        if not repository:
            target = visible(redirects.target_of(current_url, location))[:_LONGEST_URL]
            return NotAGitServer(self.url, f"it redirects to {target or 'what is no URL'}")
        if self._may_follow(current_url, repository):
            return HttpRefused(self.url, "it redirects for ever")
        return RepositoryMoved(self.url, f"it redirects to {visible(repository)[:_LONGEST_URL]}")

    def _may_follow(self, current_url: str, redirect_url: str) -> bool:
        """Whether a redirect is followed: on the same server, or without credentials to a host of ``redirectsTo``."""
        if authorization(self._access, self.url, self._base, default_user="x-access-token"):
            return redirects.stays(current_url, redirect_url)
        return redirects.may_follow(current_url, redirect_url, self._access.redirects_to)

    def _run(
        self,
        arguments: Sequence[str],
        *,
        text: bytes = b"",
        repository: Path | None = None,
        keep_open: Sequence[int] = (),
        watch: Callable[[], None] = lambda: None,
        traced: Mapping[str, str] = _UNTRACED,
    ) -> GitResult:
        allowed = authorization(self._access, self.url, self._base, default_user="x-access-token")
        environment = {**self.settings(), **self._transport_configuration(allowed), **traced}
        if repository:
            # for a commit that the server itself has not git would ask for ever, one process within another
            environment |= {"GIT_DIR": str(repository), "GIT_NO_LAZY_FETCH": "1"}
        result = run(
            arguments, environment=environment, timeout=self._timeout, text=text, keep_open=keep_open, watch=watch
        )
        return replace(result, complaint=allowed.redact(result.complaint)) if allowed else result

    def _is_web_page(self) -> bool:
        return self._headers().get("content-type", "").startswith("text/html")

    def _headers(self) -> dict[str, str]:
        """The last headers, by lower-case names, that the server sends when git asks it for its refs."""
        if not self.url.startswith("http"):
            return {}
        result = self._run(["ls-remote", "--quiet", "--", self.url, "HEAD"], traced=_TRACED)
        lines = (_HEADER.search(line) for line in result.complaint.splitlines())
        return {line["name"].lower(): line["value"].strip() for line in lines if line}

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
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_PROTOCOL_FROM_USER": "0",
        }

    def _transport_configuration(self, allowed: Authorization | None) -> dict[str, str]:
        """What this URL's transport needs besides, and nothing for the others."""
        scheme = self.url.partition(":")[0]
        # from http a redirect may lead to https, never back
        only = {"GIT_ALLOW_PROTOCOL": "http:https" if scheme == "http" else scheme}
        if scheme == "ssh":
            return {**only, **ssh.environment(self._access, self.url, self._base, self._folder)}
        if scheme == "file":
            return only
        if "GIT_SSL_NO_VERIFY" in os.environ:
            raise VerificationTurnedOff
        configuration = _configured({**(_header(allowed) if allowed else {}), **self._move()})
        return {**only, **self._certificates(), **_proxy(os.environ), **configuration}

    def _move(self) -> dict[str, str]:
        return {f"url.{self._moved_to}.insteadOf": self.url} if self._moved_to else {}

    def _certificates(self) -> dict[str, str]:
        access = self._access
        refuse_unusable_certificates(access, self._base)
        files = {
            "GIT_SSL_CAINFO": access.ca,
            "GIT_SSL_CERT": access.client_certificate,
            "GIT_SSL_KEY": access.client_key or access.client_certificate,
        }
        return {name: str(self._base / path) for name, path in files.items() if path}

    def _settings_file(self) -> Path:
        path = private_folder(self._folder) / "settings"
        if not path.is_file() or path.read_text() != _SETTINGS:
            write_atomically(path, _SETTINGS)
        return path


def _header(allowed: Authorization) -> dict[str, str]:
    """The header for every request: git follows no redirect, which could carry it to another host."""
    return {"http.extraHeader": f"Authorization: {allowed.header}"}


def _configured(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings of git's as an environment, where only this user sees them."""
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def _proxy(variables: Mapping[str, str]) -> dict[str, str]:
    """git reads HTTP_PROXY in lower case only."""
    proxy = variables.get("HTTP_PROXY", "")
    return {"http_proxy": proxy} if proxy and "http_proxy" not in variables else {}
