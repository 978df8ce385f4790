"""How a source is reached and how much it may bring; credentials are named by file or environment variable."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from secretsync.config.fields import Count, Model, Text

_KEY_TYPE = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+")
_CREDENTIALS = ("password", "token", "bearer")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def _host_keys(value: str) -> str:
    """A line for each key of a server's .pub files, or of what ssh-keyscan prints: comments and hosts are left out."""
    lines = [line.split() for line in value.splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(_host_key(fields) for fields in lines if fields)


def _host_key(fields: list[str]) -> str:
    """Type and base64 of a key."""
    if not _KEY_TYPE.fullmatch(fields[0]) and not fields[0].startswith("@"):
        fields = fields[1:]
    if len(fields) < 2 or not _KEY_TYPE.fullmatch(fields[0]) or not _BASE64.fullmatch(fields[1]):
        raise ValueError(
            "is not a server's public key: write its type and the key itself, 'ssh-ed25519 AAAA…', "
            "as its .pub file and ssh-keyscan show them, not its fingerprint"
        )
    if not _is_whole(fields[0], fields[1]):
        raise ValueError(f"is not a whole key of type {fields[0]}: write the line as ssh-keyscan shows it")
    return " ".join(fields[:2])


def _is_whole(key_type: str, encoded: str) -> bool:
    """Whether the base64 is a key of this type: its fields, each after its length, first the type (RFC 4253)."""
    try:
        key = base64.b64decode(encoded)
    except ValueError:
        return False
    parts: list[bytes] = []
    while key:
        length = int.from_bytes(key[:4])
        part, key = key[4 : 4 + length], key[4 + length :]
        if len(part) < length or not length:
            return False
        parts.append(part)
    return len(parts) > 1 and parts[0] == key_type.encode()


class FromFile(Model):
    """The first line of a file, which is read again for each fetch; relative to the configuration's folder."""

    file: Path


class FromEnvironment(Model):
    """The value of an environment variable."""

    env: str = Field(min_length=1)


Credential = FromFile | FromEnvironment


class Access(Model):
    """Who asks, and how it is known who answers."""

    username: Text = Field("", description="default: x-access-token for git, __token__ for an index")
    password: Credential | None = Field(None, description="the password of username")
    token: Credential | None = Field(None, description="an access, deploy or installation token, sent as a password")
    bearer: Credential | None = Field(None, description="a token that is sent as 'Authorization: Bearer'")
    allow_plain_http: bool = Field(False, description="send credentials over http://, where everybody can read them")
    ssh_key: Path | None = Field(None, description="the private key; default: what ssh itself finds")
    ssh_passphrase: Credential | None = Field(None, description="opens the private key")
    known_hosts: Path | None = Field(None, description="the servers' keys; default: ~/.ssh/known_hosts")
    host_key: Annotated[str, AfterValidator(_host_keys)] = Field(
        "", description="the server's key itself, ssh-ed25519 AAAA…; of several, each in a line of its own"
    )
    redirects_to: tuple[str, ...] = Field(
        (),
        description="hosts that an index, or a repository without credentials, may forward to; http://host where "
        "that is not encrypted",
    )
    ca: Path | None = Field(None, description="certificate authorities to trust instead of the system's")
    client_certificate: Path | None = Field(None, description="shown to the server, in PEM")
    client_key: Path | None = Field(None, description="the client certificate's key; default: in the same file")

    @property
    def credential(self) -> tuple[str, Credential] | None:
        """The key and the place of the password or token; None where none is given."""
        return next(((name, place) for name in _CREDENTIALS if (place := getattr(self, name))), None)

    @model_validator(mode="after")
    def _is_one_way_in(self) -> Access:
        credentials = [name for name in _CREDENTIALS if getattr(self, name)]
        if len(credentials) > 1:
            raise ValueError(f"{' and '.join(credentials)} are given; choose one")
        if self.password and not self.username:
            raise ValueError("password is given without username")
        if self.known_hosts and self.host_key:
            raise ValueError("knownHosts and hostKey are given; choose one")
        return self


class Verification(Model):
    """What must be signed, and by whom: only keys that are named here count."""

    mode: Literal["tag", "commit", "tagAndCommit"] = Field(description="what must be signed")
    openpgp_keys: tuple[Path, ...] = Field((), description="files with OpenPGP public keys")
    allowed_signers: Path | None = Field(None, description="ssh's allowed_signers file")
    revoked_keys: Path | None = Field(None, description="ssh's list of revoked keys (a KRL, or public keys)")

    @model_validator(mode="after")
    def _names_somebody(self) -> Verification:
        if not self.openpgp_keys and not self.allowed_signers:
            raise ValueError("names nobody who may sign: give openpgpKeys or allowedSigners")
        return self


class Limits(Model):
    """A policy package is about 100 KB; more than this is a mistake or an attack."""

    files: Count = Field(2_000, gt=0, description="how many files the package may have")
    bytes: Count = Field(
        16 * 1024 * 1024,
        gt=0,
        description="how many bytes its files may have in all, and those of an archive that brings it",
    )
    download: Count = Field(
        512 * 1024 * 1024, gt=0, description="how many bytes a fetch may bring, and its cache may hold"
    )
