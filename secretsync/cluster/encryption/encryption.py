"""What a form of encryption has to do, and how its manifests are read back without a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import yaml

from secretsync.core import packing
from secretsync.core.foreign import read_yaml
from secretsync.core.model import Manifest, Secret
from secretsync.core.secret_codec import secret_from

SEALED_SECRET = "SealedSecret"  # noqa: S105 - a kind

KINDS = ("Secret", SEALED_SECRET)
"""The kinds of manifests that describe a Secret."""

_NO_FOLDING = 1 << 30


class Encryption(Protocol):
    """A form in which manifests keep the content of Secrets. An encryption of the same content differs each time."""

    def refuse_unusable(self) -> None:
        """Raises ConfigError where nothing can be encrypted, as a certificate or a program is missing."""

    def encrypt(self, secret: Secret, path: Path, previous: Manifest | None) -> str:
        """The text of a manifest of *secret* for the file at *path*, which holds *previous*. Raises SecretSyncError."""


class KeepingProposed:
    """*encryption*, less what is *proposed* already: the same Secret is not encrypted again in every pass.

    *proposed* has the text of a file as it was encrypted last, None where it was not.
    """

    def __init__(self, encryption: Encryption, proposed: Callable[[Path], str | None]) -> None:
        self._encryption, self._proposed = encryption, proposed

    def refuse_unusable(self) -> None:
        """Raises the errors of the encryption that cannot be used."""
        self._encryption.refuse_unusable()

    def encrypt(self, secret: Secret, path: Path, previous: Manifest | None) -> str:
        """The text that the request proposes already where it is of this Secret, else a new encryption of it."""
        text = self._proposed(path)
        if text is not None and _is_manifest_of(secret, text):
            return text
        return self._encryption.encrypt(secret, path, previous)


def _is_manifest_of(secret: Secret, text: str) -> bool:
    """Whether *text* is a manifest of *secret* by all that can be read of it: name, annotations, digest and keys."""
    try:
        (manifest,) = read_yaml(text)
        sealed = read_secret(manifest)
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return False
    return (
        sealed.encrypted
        and (sealed.namespace, sealed.name, sealed.type) == (secret.namespace, secret.name, secret.type)
        and sealed.immutable == secret.immutable
        and (sealed.labels, sealed.annotations) == (secret.labels, secret.annotations)
        and packing.has_same_files(sealed, secret)
    )


def read_secret(manifest: Manifest) -> Secret:
    """The Secret that a manifest of one of KINDS describes. Raises UnreadableSecret."""
    if manifest["kind"] == SEALED_SECRET:
        return _from_sealed_secret(manifest)
    if "sops" in manifest:
        return _from_sops(manifest)
    return secret_from(manifest)


def _from_sealed_secret(manifest: Manifest) -> Secret:
    spec = manifest.get("spec") or {}
    template = spec.get("template") or {}
    metadata, described = manifest["metadata"], template.get("metadata") or {}
    return Secret(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        data=dict.fromkeys(spec.get("encryptedData") or {}, b""),
        labels=described.get("labels") or {},
        annotations=described.get("annotations") or {},
        type=template.get("type") or "Opaque",
        immutable=bool(template.get("immutable")),
        encrypted=True,
    )


def _from_sops(manifest: Manifest) -> Secret:
    keys = {**(manifest.get("data") or {}), **(manifest.get("stringData") or {})}
    described = {key: value for key, value in manifest.items() if key not in ("data", "stringData", "sops")}
    return replace(secret_from(described), data=dict.fromkeys(keys, b""), encrypted=True)


def dump(manifest: Manifest) -> str:
    """A manifest as text, the same for the same manifest."""
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=_NO_FOLDING)
