"""Manifests of Secrets that only the cluster can read: SealedSecrets, and what the site's sops encrypts.

In: a Secret with its content. Out: the text of a manifest. The content is never written to a disk, and nothing here
can decrypt: what a manifest holds is told by the digest in its annotations.
"""

from secretsync.cluster.encryption.encryption import Encryption

__all__ = ["Encryption"]
