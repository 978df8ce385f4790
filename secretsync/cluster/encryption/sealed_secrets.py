"""A Secret as a SealedSecret, which only the controller of the cluster can unseal.

Each value is encrypted by AES-256-GCM with a key of its own, which is encrypted by RSA-OAEP (SHA-256) for the
certificate of the controller. The label of OAEP ties it to the namespace and name: scope ``strict``.
https://github.com/bitnami-labs/sealed-secrets/blob/main/docs/developer/crypto.md
"""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from secretsync.cluster.encryption.encryption import SEALED_SECRET, dump
from secretsync.cluster.encryption.errors import CertificateUnusable
from secretsync.core.files import read_regular
from secretsync.core.model import Manifest, Secret
from secretsync.core.secret_codec import OURS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_KEY_BYTES = 32
_NONCE = bytes(12)
"""A key encrypts one value and is never used again, so its nonce may be zero; the controller expects that."""

_MOST_BYTES = 1 << 20
_SCOPES = "sealedsecrets.bitnami.com/"


class SealedSecrets:
    """The certificate at *path*; it is read again for each Secret, as controllers renew it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def refuse_unusable(self) -> None:
        """Raises CertificateUnusable."""
        _public_key(self._path)

    def encrypt(self, secret: Secret, path: Path, previous: Manifest | None) -> str:  # noqa: ARG002 - rules of sops need the path
        """The text of a SealedSecret; others' labels and annotations of *previous* stay. Raises CertificateUnusable."""
        key = _public_key(self._path)
        label = f"{secret.namespace}/{secret.name}".encode()
        sealed = {name: _text(seal(key, value, label)) for name, value in sorted(secret.data.items())}
        return dump(_manifest(secret, sealed, previous))


def seal(key: RSAPublicKey, content: bytes, label: bytes) -> bytes:
    """*content* encrypted for *key*: the length of the RSA part in two bytes, the RSA part, the AES part."""
    # imported here, as below: only who encrypts needs it
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256

    session_key = os.urandom(_KEY_BYTES)
    sealed_key = key.encrypt(session_key, OAEP(MGF1(SHA256()), SHA256(), label))
    return struct.pack(">H", len(sealed_key)) + sealed_key + AESGCM(session_key).encrypt(_NONCE, content, None)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _manifest(secret: Secret, sealed: Mapping[str, str], previous: Manifest | None) -> Manifest:
    name = {"name": secret.name, "namespace": secret.namespace}
    template: Manifest = {
        "metadata": {
            **name,
            "labels": dict(sorted(secret.labels.items())),
            "annotations": dict(sorted(secret.annotations.items())),
        },
        "type": secret.type,
    }
    if secret.immutable:
        template["immutable"] = True
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": SEALED_SECRET,
        "metadata": {**_foreign_annotations(previous), **name, "labels": dict(sorted(secret.labels.items()))},
        "spec": {"encryptedData": dict(sealed), "template": template},
    }


def _foreign_annotations(previous: Manifest | None) -> Manifest:
    """Annotations that others put on the SealedSecret itself; one that widens the scope would break the seal."""
    if previous is None or previous["kind"] != SEALED_SECRET:
        return {}
    annotations = previous["metadata"].get("annotations") or {}
    foreign = {key: value for key, value in annotations.items() if not key.startswith((OURS, _SCOPES))}
    return {"annotations": foreign} if foreign else {}


def _public_key(path: Path) -> RSAPublicKey:
    """The key of the first certificate at *path*. Raises CertificateUnusable."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    pem = _read(path)
    if b"PRIVATE KEY-----" in pem:
        raise CertificateUnusable(path, "holds a private key, which must not be here: keep the certificate alone")
    try:
        certificate = load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except Exception:  # noqa: BLE001 - the errors of the parser and of OpenSSL share no base
        raise CertificateUnusable(path, "is not a certificate in PEM") from None
    if not isinstance(key, RSAPublicKey):
        raise CertificateUnusable(path, "is a certificate of another key than RSA, which SealedSecrets do not use")
    if (end := certificate.not_valid_after_utc) < datetime.now(UTC):
        raise CertificateUnusable(path, f"is a certificate that expired on {end:%Y-%m-%d}")
    return key


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise CertificateUnusable(path, f"cannot be read ({error.strerror})") from None
