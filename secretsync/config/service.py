"""What only the long-running form needs: the ports at which it answers."""

from __future__ import annotations

from pydantic import Field

from secretsync.config.access import Credential
from secretsync.config.fields import Count, Model, Name
from secretsync.config.target import Cluster


class Health(Model):
    """Where /healthz, /readyz and /metrics are answered."""

    port: Count = Field(ge=1, le=65535, description="where it listens, on all addresses")
    page: bool = Field(
        default=False, description="whether / shows the report on the last passes to everybody who reaches the port"
    )


class Webhook(Model):
    """Where POST /sync starts a pass at once."""

    port: Count = Field(ge=1, le=65535, description="where it listens, on all addresses; another than health's")
    secret: Credential = Field(
        description="what a caller sends as a bearer token, GitHub, Bitbucket, Gitea, Forgejo and Gogs sign with, "
        "GitLab calls the signing or the secret token, and Azure DevOps sends as a password"
    )


class Election(Model):
    """Where several processes agree, by a Lease, which of them makes the passes."""

    cluster: Cluster = Field(description="the cluster in which the Lease is")
    namespace: Name = Field(description="where the Lease is")
