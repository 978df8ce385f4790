"""Credentials, read when they are needed, and kept out of everything that is written."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from secretsync.config.access import Access, Credential, FromFile
from secretsync.core.errors import SourceError
from secretsync.core.files import read_regular
from secretsync.core.log import register_secret


@dataclass(eq=False)
class NoCredential(SourceError):
    """A credential is named in the configuration and is not there; *location* is its file or variable.

    *key* is where in the configuration that is.
    """

    code = "no_credential"
    category = "configuration"

    location: str
    reason: str
    key: str

    def __str__(self) -> str:
        return f"{self.location} {self.reason}: make it, or correct {self.key!r} of the configuration"


@dataclass(eq=False)
class CredentialsOverPlainHttp(SourceError):
    """Credentials would travel unencrypted."""

    code = "credentials_over_plain_http"

    url: str

    def __str__(self) -> str:
        return (
            f"{self.url}: over http:// everybody on the way can read the credentials; use https://, "
            "or say 'allowPlainHttp: true' under 'access' of the package or target"
        )


class UnreadableIndexUrl(SourceError):
    """The index's URL is none; it is not repeated, as PIP_INDEX_URL may hold a password."""

    code = "unreadable_index_url"
    category = "configuration"

    def __str__(self) -> str:
        return (
            "the index's URL has a host or port that cannot be read: correct 'index' of the package, or PIP_INDEX_URL"
        )


@dataclass(frozen=True)
class Authorization:
    """The value of an ``Authorization`` header; *secrets* are all texts that must appear nowhere."""

    header: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def redact(self, text: str) -> str:
        """*text* without the secrets, each replaced by an ellipsis."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return text


def authorization(access: Access, url: str, base: Path, *, default_user: str) -> Authorization | None:
    """What to send to *url*; None where no credential is configured.

    Raises NoCredential, CredentialsOverPlainHttp.
    """
    if access.credential is None or not url.startswith("http"):
        return None
    if url.startswith("http:") and not access.allow_plain_http:
        raise CredentialsOverPlainHttp(url)
    key, credential = access.credential
    secret = read(credential, base, f"access.{key}")
    if key == "bearer":
        return Authorization(f"Bearer {secret}", (secret,))
    return _basic(access.username or default_user, secret)


def refuse_unusable_certificates(access: Access, base: Path) -> None:
    """Raises NoCredential where a certificate or key that *access* names is not there, or is in no form of PEM.

    Libraries say of these only that the server is not trusted, or ask at the terminal for a passphrase.
    """
    files = {"ca": access.ca, "clientCertificate": access.client_certificate, "clientKey": access.client_key}
    for name, path in files.items():
        if path and (fault := _pem_fault(base / path, b"PRIVATE KEY" if name == "clientKey" else b"CERTIFICATE")):
            raise NoCredential(str((base / path).absolute()), fault, f"access.{name}")


def _pem_fault(path: Path, kind: bytes) -> str:
    """What is wrong with a file of PEM that must hold *kind*, as a part of a sentence; empty where nothing is."""
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return "is not there, or no file"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not re.search(rb"-----BEGIN [A-Z0-9 ]*" + kind, content):
        return f"holds no {kind.decode().lower()} in PEM ('-----BEGIN … {kind.decode()}-----')"
    return "holds a key that is encrypted, which needs a passphrase" if b"ENCRYPTED" in content else ""


def describe_credential(access: Access, url: str) -> str:
    """Which credential is sent to *url* and where it is configured, or that none is; never its value."""
    if urlsplit(url).scheme == "ssh":
        if access.ssh_key:
            return f"sent the SSH key of file {access.ssh_key}"
        return "sent the SSH keys that ssh itself finds, as 'access' names no sshKey"
    certificate = (
        f" and the client certificate of file {access.client_certificate}" if access.client_certificate else ""
    )
    if access.credential:
        key, credential = access.credential
        kind = "bearer token" if key == "bearer" else key
        user = f" with username {access.username!r}" if access.username and key != "bearer" else ""
        return f"sent the {kind} of {location_of(credential)}{user}{certificate}"
    if certificate:
        return f"sent{certificate.removeprefix(' and')}"
    return "no credential was sent, as 'access' names none"


def location_of(credential: Credential) -> str:
    """Where a credential is read."""
    if isinstance(credential, FromFile):
        return f"file {credential.file}"
    return f"environment variable {credential.env}"


def read(credential: Credential, base: Path, key: str) -> str:
    """The credential as it is now; *key* is where the configuration names it. Raises NoCredential."""
    if isinstance(credential, FromFile):
        location = str((base / credential.file).absolute())
        try:
            value = read_regular(base / credential.file).decode()
        except PermissionError:
            reason = (
                f"may not be read by this user ({os.getuid()}; in a pod, fsGroup or the volume's defaultMode decides)"
            )
            raise NoCredential(location, reason, key) from None
        except OSError as error:
            raise NoCredential(location, f"cannot be read: {error.strerror}", key) from None
        except UnicodeDecodeError:
            raise NoCredential(location, "does not hold text", key) from None
    else:
        location = location_of(credential)
        value = os.environ.get(credential.env, "")
    value = value.strip().partition("\n")[0].strip()
    if not value:
        raise NoCredential(location, "is empty or not there", key)
    register_secret(value)
    return value


def of_url(url: str) -> tuple[str, Authorization | None]:
    """PIP_INDEX_URL may hold credentials, as pip allows: the URL without them, and what they are.

    Raises UnreadableIndexUrl.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UnreadableIndexUrl from None
    if parts.username is None:
        return parts.geturl(), None  # its scheme in lower case
    user, password = unquote(parts.username), unquote(parts.password or "")
    register_secret(password)
    clean = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return clean, _basic(user, password)


def _basic(user: str, password: str) -> Authorization:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    register_secret(encoded)
    return Authorization(f"Basic {encoded}", (password, encoded))
