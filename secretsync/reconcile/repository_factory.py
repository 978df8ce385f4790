"""The configuration of a repository becomes a cluster: its remote, its forge and the branch of its request."""

from __future__ import annotations

import hashlib
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from secretsync import config
from secretsync.cluster.repository.cluster import RepositoryCluster
from secretsync.cluster.repository.errors import ForgeUnknown
from secretsync.cluster.repository.forge import Forge, forge_of
from secretsync.cluster.repository.forge.rest import Api
from secretsync.cluster.repository.git import GitRepository, Identity
from secretsync.config import credentials
from secretsync.reconcile.encryption_factory import open_encryption
from secretsync.sources.cache import private_folder
from secretsync.sources.git.remote import Remote


def open_repository(installation: str, target: config.Target, cache: Path, base: Path) -> RepositoryCluster:
    """The branch that *target* changes; nothing is asked yet. Raises NotOurs, CacheUnwritable."""
    settings = cast("config.RepositoryCluster", target.cluster)
    requirement = settings.repository
    proposed = settings.propose == "merge-request"
    branch = (settings.branch or f"secretsync/{installation}/{target.namespace}") if proposed else ""
    key = hashlib.sha256(f"{requirement.url} {requirement.ref} {branch} {target.namespace}".encode()).hexdigest()[:24]
    folder = private_folder(private_folder(cache / "sites") / key)
    remote = Remote(requirement.url, settings.access, folder=folder, base=base, timeout=settings.timeout)
    signing = base / settings.signing_key if settings.signing_key else None
    open_encryption(settings.encrypt, base, folder)  # says at once where nothing can be encrypted
    identity = Identity(settings.author.name, settings.author.email, signing)
    return RepositoryCluster(
        GitRepository(remote, folder / "objects.git", identity, timeout=settings.timeout),
        requirement.ref,
        settings.directory,
        folder,
        files=[values.file for values in settings.values],
        proposal_branch=branch,
        forge=partial(open_forge, settings, requirement.url, base) if proposed else None,
        by_digest=bool(settings.values),
        history=target.rollout.history,
        encryption=partial(open_encryption, settings.encrypt, base) if settings.encrypt else None,
    )


def open_forge(settings: config.RepositoryCluster, url: str, base: Path) -> Forge:
    """The API of the forge that serves *url*. Raises ForgeUnknown and NoCredential."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme == "file":
        raise ForgeUnknown(url)
    module = import_module(f"secretsync.cluster.repository.forge.{settings.forge or forge_of(url)}")
    token = settings.forge_token or settings.access.token or settings.access.bearer or settings.access.password
    headers = (
        module.headers(credentials.read(token, base, "forgeToken" if settings.forge_token else "access"))
        if token
        else {}
    )
    scheme = parts.scheme if parts.scheme in ("http", "https") else "https"
    host = parts.netloc.rpartition("@")[2] if scheme == parts.scheme else parts.hostname
    sent = (
        f"sent the token of {credentials.location_of(token)}" if token else "no token was sent, as none is configured"
    )
    credentials.refuse_unusable_certificates(settings.access, base)
    api = Api(module.api_url(host, scheme), headers, settings.access, base, sent)
    return cast("Forge", module.Forge(api, parts.path.strip("/").removesuffix(".git")))
