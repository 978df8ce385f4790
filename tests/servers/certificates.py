"""A certificate authority made for one test, with openssl's command line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_EXTENSIONS = "subjectAltName=DNS:localhost,IP:127.0.0.1\n"


class Authority:
    """Signs certificates for localhost and for clients; its own is *ca*."""

    def __init__(self, folder: Path) -> None:
        if not shutil.which("openssl"):
            pytest.skip("openssl is not installed: apt-get install openssl")
        self.folder, self.ca = folder, folder / "ca.pem"
        folder.mkdir(parents=True, exist_ok=True)
        self._openssl("req", "-x509", *_key("ca.key"), "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")

    def certificate(self, name: str) -> tuple[Path, Path]:
        """A certificate and its key, for localhost; the same each time for one name."""
        if (self.folder / f"{name}.pem").exists():
            return self.folder / f"{name}.pem", self.folder / f"{name}.key"
        (self.folder / "extensions").write_text(_EXTENSIONS)
        self._openssl("req", *_key(f"{name}.key"), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions")
        self._openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


def _key(name: str) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", name)
