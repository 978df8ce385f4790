"""How the manifests of Secrets keep their content, where everybody who reads git may read them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from secretsync.config.fields import Model


class Encrypt(Model):
    """One form of encryption."""

    sealed_secrets: Path | None = Field(
        None, description="the certificate of the sealed-secrets controller, as 'kubeseal --fetch-cert' prints it"
    )
    sops: Literal[True] | None = Field(None, description="by the site's sops and its .sops.yaml")

    @model_validator(mode="after")
    def _is_one(self) -> Encrypt:
        if (self.sealed_secrets is None) == (self.sops is None):
            raise ValueError("is one of {sealedSecrets: CERTIFICATE} or {sops: true}")
        return self

    @property
    def form(self) -> str:
        """The name of the form."""
        return "sops" if self.sops else "sealedSecrets"
