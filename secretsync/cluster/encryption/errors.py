"""What can go wrong when a manifest is encrypted. No sentence here holds content, a key, or what a program wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from secretsync.core.errors import ClusterError, ConfigError


@dataclass(eq=False)
class CertificateUnusable(ConfigError):
    """The certificate of the sealed-secrets controller cannot encrypt; *reason* says why."""

    code = "certificate_unusable"

    path: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"encrypt: {self.path} {self.reason}; write there what 'kubeseal --fetch-cert' prints "
            "(what is in git already stays readable)"
        )


@dataclass(eq=False)
class SopsMissing(ConfigError):
    """There is no sops command."""

    code = "sops_missing"

    def __str__(self) -> str:
        return "encrypt: there is no 'sops' on PATH: install it, or choose another 'encrypt' of the target"


@dataclass(eq=False)
class SopsWithoutRule(ConfigError):
    """The site's ``.sops.yaml`` does not say with which keys a file is encrypted."""

    code = "sops_without_rule"

    file: str
    configuration: str

    def __str__(self) -> str:
        if not self.configuration:
            return (
                f"encrypt: there is no .sops.yaml in a folder of {self.file} or above it: "
                "add one whose creation_rules name the keys"
            )
        return f"encrypt: no creation rule of {self.configuration} matches {self.file}: add one whose path_regex does"


@dataclass(eq=False)
class SopsFailed(ClusterError):
    """The site's sops did not encrypt a manifest; *reason* is made of what it says of itself."""

    code = "sops_failed"

    file: str
    reason: str

    def __str__(self) -> str:
        return f"sops {self.reason}: {self.file} was not encrypted, and nothing was written; run it by hand to see more"


@dataclass(eq=False)
class ContentEncrypted(ClusterError):
    """A Secret would have to be written whose content only the cluster can read."""

    code = "content_encrypted"

    namespace: str
    name: str

    def __str__(self) -> str:
        return (
            f"Secret {self.namespace}/{self.name} is encrypted, so what it holds cannot be written again: "
            "follow the source again with 'secretsync resume', or revert the commit that brought it"
        )
