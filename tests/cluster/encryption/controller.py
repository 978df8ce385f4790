"""What the sealed-secrets controller has: a key, its certificate, and the way back from a SealedSecret."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, days: float = 30) -> bytes:
    """A self-signed certificate of *key* that ends *days* from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sealed-secrets")])
    end = datetime.now(UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(end - timedelta(days=3650)).not_valid_after(end)
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM)


@dataclass
class Controller:
    """*key* never leaves it; *path* is where its certificate was fetched to."""

    key: rsa.RSAPrivateKey
    path: Path

    @classmethod
    def make(cls, path: Path) -> Controller:
        key = rsa.generate_private_key(65537, 2048)
        path.write_bytes(certificate(key))
        return cls(key, path)

    def private_pem(self) -> bytes:
        form = serialization.PrivateFormat.TraditionalOpenSSL
        return self.key.private_bytes(PEM, form, serialization.NoEncryption())

    def unseal(self, manifest: dict[str, Any]) -> dict[str, bytes]:
        """The data of a SealedSecret of strict scope, as the controller's HybridDecrypt reads it."""
        label = f"{manifest['metadata']['namespace']}/{manifest['metadata']['name']}".encode()
        return {
            key: self._open(base64.b64decode(text), label) for key, text in manifest["spec"]["encryptedData"].items()
        }

    def _open(self, sealed: bytes, label: bytes) -> bytes:
        (length,) = struct.unpack(">H", sealed[:2])
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label)
        session_key = self.key.decrypt(sealed[2 : 2 + length], oaep)
        return AESGCM(session_key).decrypt(bytes(12), sealed[2 + length :], None)
