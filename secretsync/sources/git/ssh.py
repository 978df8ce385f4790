"""How ssh is started for git: one key, known servers, no questions."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from secretsync.config.access import Access
from secretsync.config.credentials import read
from secretsync.core.errors import SourceError
from secretsync.core.files import write_atomically

_ALWAYS = (
    *("-F", "none"),
    *("-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=none", "-o", "UpdateHostKeys=no"),
    *("-o", "PasswordAuthentication=no", "-o", "KbdInteractiveAuthentication=no"),
    *("-o", "ServerAliveInterval=15", "-o", "ConnectTimeout=30", "-o", "ForwardAgent=no", "-o", "ControlPath=none"),
)
_ASKPASS = '#!/bin/sh\nprintf "%s\\n" "$SECRETSYNC_SSH_PASSPHRASE"\n'


@dataclass(eq=False)
class KnownHostsMissing(SourceError):
    """Nothing tells which key the server must have."""

    code = "known_hosts_missing"

    host: str
    path: str

    def __str__(self) -> str:
        return (
            f"{self.path} is not there, so nobody can tell whether {self.host} is the right server; write its key "
            f"under 'access.hostKey', or into a file that 'access.knownHosts' names ('ssh-keyscan {self.host}' "
            "shows it; compare it with what its administrator says)"
        )


@dataclass(eq=False)
class KeyFileUnusable(SourceError):
    """The private key cannot be read, or others can read it too."""

    code = "key_file_unusable"

    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} {self.reason}; correct 'access.sshKey', or the file's mode (0400; in a Secret, defaultMode)"
        )


def environment(access: Access, url: str, base: Path, folder: Path) -> dict[str, str]:
    """The environment that makes git start ssh this way; what ssh needs as files is written into *folder*.

    Raises KnownHostsMissing, KeyFileUnusable, NoCredential.
    """
    options = [*_ALWAYS, "-o", f"UserKnownHostsFile={_quoted(_known_hosts(access, url, base, folder))}"]
    if access.ssh_key:
        key = _quoted(_key(access.ssh_key, base))
        options += ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", f"IdentityFile={key}"]
    passphrase: dict[str, str] = {}
    if access.ssh_passphrase:
        # In batch mode ssh would not even ask its helper for the passphrase.
        passphrase = {
            "SECRETSYNC_SSH_PASSPHRASE": read(access.ssh_passphrase, base),
            "SSH_ASKPASS": str(write_atomically(folder / "askpass", _ASKPASS, 0o700)),
            "SSH_ASKPASS_REQUIRE": "force",
        }
    else:
        options += ["-o", "BatchMode=yes"]
    return {"GIT_SSH_COMMAND": shlex.join(["ssh", *options]), "GIT_SSH_VARIANT": "ssh", **passphrase}


def _known_hosts(access: Access, url: str, base: Path, folder: Path) -> Path:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if access.host_key:
        name = f"[{host}]:{parts.port}" if parts.port else host
        return write_atomically(folder / f"known-{host}-{parts.port or 22}", f"{name} {access.host_key}\n", 0o600)
    path = base / access.known_hosts if access.known_hosts else Path.home() / ".ssh" / "known_hosts"
    if not path.is_file():
        raise KnownHostsMissing(host, str(path))
    return path


def _key(path: Path, base: Path) -> Path:
    key = base / path
    try:
        status = key.stat()
    except OSError as error:
        raise KeyFileUnusable(str(path), f"cannot be read: {error.strerror}") from None
    if not os.access(key, os.R_OK):
        raise KeyFileUnusable(str(path), "cannot be read")
    # OpenSSH ignores such a key (authfile.c, sshkey_perm_ok), and then says only 'Permission denied'.
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        raise KeyFileUnusable(str(path), "can be read by others, so ssh ignores it")
    return key


def _quoted(path: Path) -> str:
    """As a value in ssh's configuration, where % is expanded and a space ends it."""
    return '"{}"'.format(str(path).replace("%", "%%"))
