"""The configuration of an encryption becomes one."""

from __future__ import annotations

from pathlib import Path

from secretsync import config
from secretsync.cluster.encryption import Encryption


def encryption_of(target: config.Target) -> config.Encrypt | None:
    """What *target* is configured to be encrypted by; clusters of their own keep Secrets as they are."""
    cluster = target.cluster
    return cluster.encrypt if isinstance(cluster, (config.DirectoryCluster, config.RepositoryCluster)) else None


def open_encryption(settings: config.Encrypt | None, base: Path, root: Path) -> Encryption | None:
    """What encrypts the manifests below *root*. Raises ConfigError where that cannot encrypt anything."""
    if settings is None:
        return None
    encryption: Encryption
    if settings.sealed_secrets:
        from secretsync.cluster.encryption.sealed_secrets import SealedSecrets

        encryption = SealedSecrets(base / settings.sealed_secrets)
    else:
        from secretsync.cluster.encryption.sops import Sops

        encryption = Sops(root)
    encryption.refuse_unusable()
    return encryption
