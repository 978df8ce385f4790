"""How ssh is started for git: one key, known servers, no questions."""

from __future__ import annotations

import base64
import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from secretsync.config.access import Access
from secretsync.config.credentials import read
from secretsync.core.errors import SourceError
from secretsync.core.escape import visible
from secretsync.core.files import opened_regular, read_regular, write_atomically
from secretsync.sources.environment import passed_on

_ALWAYS = (
    *("-F", "none"),
    *("-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=none", "-o", "UpdateHostKeys=no"),
    *("-o", "PasswordAuthentication=no", "-o", "KbdInteractiveAuthentication=no"),
    *("-o", "ServerAliveInterval=15", "-o", "ConnectTimeout=30", "-o", "ForwardAgent=no", "-o", "ControlPath=none"),
)
_PORT = 22
_TIMEOUT = 30
_LARGEST_KEY = 64 * 1024
_PEM_KIND = re.compile(rb"-----BEGIN (.*?)-----")
_UNENCRYPTED = b"openssh-key-v1\0\0\0\0\4none"
_NSS_WRAPPER = ("/usr/lib/*/libnss_wrapper.so", "/usr/lib*/libnss_wrapper.so")
_ASKPASS = '#!/bin/sh\nprintf "%s\\n" "$SECRETSYNC_SSH_PASSPHRASE"\n'


@dataclass(eq=False)
class KnownHostsMissing(SourceError):
    """Nothing tells which key the server must have."""

    code = "known_hosts_missing"
    category = "configuration"

    host: str
    path: str
    port: int = _PORT

    def __str__(self) -> str:
        server = self.host if self.port == _PORT else f"-p {self.port} {self.host}"
        return (
            f"{self.path} is not there, so nobody can tell whether {self.host} is the right server; write its key "
            f"under 'access.hostKey', or into a file that 'access.knownHosts' names ('ssh-keyscan {server}' "
            "shows it; compare it with what its administrator says)"
        )


@dataclass(eq=False)
class KeyFileUnusable(SourceError):
    """The private key cannot be read, others can read it too, or it is in no form that ssh takes."""

    code = "key_file_unusable"
    category = "configuration"

    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} {self.reason}; correct 'access.sshKey', or the file's mode (0400; in a Secret, defaultMode)"
        )


class KeyEncrypted(KeyFileUnusable):
    """The private key wants a passphrase, and none is configured; ssh says only 'Permission denied'."""

    code = "key_encrypted"

    def __str__(self) -> str:
        return f"{self.path} {self.reason}; name the place of its passphrase under 'access.sshPassphrase'"


class KeyMalformed(KeyFileUnusable):
    """The file's bytes are no private key; ssh says of all these only 'error in libcrypto' or 'invalid format'."""

    code = "key_malformed"

    def __str__(self) -> str:
        return (
            f"{self.path} {self.reason}; write the private key that 'access.sshKey' means into it as ssh-keygen made it"
        )


def environment(access: Access, url: str, base: Path, folder: Path) -> dict[str, str]:
    """The environment that makes git start ssh this way; what ssh needs as files is written into *folder*.

    Raises KnownHostsMissing, KeyFileUnusable, NoCredential.
    """
    options = [*_ALWAYS, "-o", f"UserKnownHostsFile={_quoted(_known_hosts(access, url, base, folder))}"]
    if access.ssh_key:
        key = _quoted(_key(access.ssh_key, base, has_passphrase=bool(access.ssh_passphrase)))
        options += ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", f"IdentityFile={key}"]
    passphrase: dict[str, str] = {}
    if access.ssh_passphrase:
        # In batch mode ssh would not even ask its helper for the passphrase.
        passphrase = {
            "SECRETSYNC_SSH_PASSPHRASE": read(access.ssh_passphrase, base, "access.sshPassphrase"),
            "SSH_ASKPASS": str(write_atomically(folder / "askpass", _ASKPASS, 0o700)),
            "SSH_ASKPASS_REQUIRE": "force",
        }
    else:
        options += ["-o", "BatchMode=yes"]
    command = {"GIT_SSH_COMMAND": shlex.join(["ssh", *options]), "GIT_SSH_VARIANT": "ssh"}
    return {**command, **passphrase, **_account(folder)}


def _account(folder: Path) -> dict[str, str]:
    """What gives ssh the entry of /etc/passwd that it wants, where a pod's user has none and nss_wrapper is there."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        library = next((str(path) for glob in _NSS_WRAPPER for path in Path("/").glob(glob[1:])), "")
        if library:
            entry = f"secretsync:x:{os.getuid()}:{os.getgid()}::{folder}:/usr/sbin/nologin\n"
            passwd = str(write_atomically(folder / "passwd", entry))
            return {"LD_PRELOAD": library, "NSS_WRAPPER_PASSWD": passwd, "NSS_WRAPPER_GROUP": "/etc/group"}
    return {}


def _known_hosts(access: Access, url: str, base: Path, folder: Path) -> Path:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORT
    if access.host_key:
        # as ssh itself names a server (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)
        name = host if port == _PORT else f"[{host}]:{port}"
        lines = "".join(f"{name} {key}\n" for key in access.host_key.splitlines())
        return write_atomically(folder / f"known-{host}-{port}", lines, 0o600)
    if access.known_hosts:
        path = base / access.known_hosts
    else:
        try:
            path = Path.home() / ".ssh" / "known_hosts"
        except RuntimeError:  # neither HOME nor an entry in /etc/passwd
            raise KnownHostsMissing(host, "~/.ssh/known_hosts", port) from None
    try:
        with opened_regular(path):
            return path
    except OSError:
        raise KnownHostsMissing(host, str(path), port) from None


def _key(path: Path, base: Path, *, has_passphrase: bool) -> Path:
    key = base / path
    try:
        status = key.stat()
        content = read_regular(key, _LARGEST_KEY)
    except OSError as error:
        raise KeyFileUnusable(str(key.absolute()), f"cannot be read: {error.strerror}") from None
    # OpenSSH ignores such a key (authfile.c, sshkey_perm_ok), and then says only 'Permission denied'.
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        raise KeyFileUnusable(str(key.absolute()), "can be read by others, so ssh ignores it")
    if malformed := key_fault(content):
        raise KeyMalformed(str(key.absolute()), malformed)
    if is_encrypted(content) and not has_passphrase:
        raise KeyEncrypted(str(key.absolute()), "is encrypted")
    return key


def opens(environment: Mapping[str, str], key: Path) -> bool:
    """Whether the passphrase in *environment*, as made here, opens the private key; ssh does not say so."""
    command = ["ssh-keygen", "-y", "-f", str(key)]
    whole = {**passed_on(), **environment}
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            command, env=whole, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
        return done.returncode == 0
    return True


def is_encrypted(content: bytes) -> bool:
    """Whether a private key wants a passphrase: PEM says so, OpenSSH's form (PROTOCOL.key) names a cipher first."""
    head, _, body = content.partition(b"\n")
    if b"OPENSSH" not in head:
        return b"ENCRYPTED" in head or b"Proc-Type: 4,ENCRYPTED" in content
    with suppress(ValueError):
        return not base64.b64decode(body.partition(b"-----END")[0]).startswith(_UNENCRYPTED)
    return False


def key_fault(content: bytes) -> str:
    """What is wrong with the form of a private key, as a part of a sentence; empty where nothing is."""
    kind = _PEM_KIND.match(content)
    if content.startswith((b"ssh-", b"ecdsa-", b"sk-", b"---- BEGIN SSH2 PUBLIC")) or (kind and b"PUBLIC" in kind[1]):
        return "is the public half of a key"
    if content.startswith(b"PuTTY-User-Key-File"):
        return "is a key of PuTTY (puttygen exports it in OpenSSH's form)"
    if not content.startswith(b"-----BEGIN "):
        if content.lstrip().startswith(b"-----BEGIN ") or content.startswith(b"\xef\xbb\xbf"):
            return "has something before '-----BEGIN'"
        return "holds base64 of a key: it was encoded twice" if _is_encoded_twice(content) else "is no private key"
    if kind and not kind[1].endswith(b"PRIVATE KEY"):
        return f"holds a {visible(kind[1].decode(errors='replace'))} and no private key of SSH"
    if b"\r" in content:
        return "has the line ends of Windows (CRLF)"
    if b"\n" not in content.strip():
        return "is in one line: its line breaks were lost"
    if b"-----END " not in content:
        return "has no '-----END': it was cut off"
    return "" if content.endswith(b"\n") else "lacks the line break at its end"


def _is_encoded_twice(content: bytes) -> bool:
    try:
        return base64.b64decode(content, validate=False).startswith(b"-----BEGIN ")
    except ValueError:
        return False


def _quoted(path: Path) -> str:
    """As a value in ssh's configuration, where % is expanded and a space ends it."""
    return '"{}"'.format(str(path).replace("%", "%%"))
