"""What only the long-running form needs: the ports at which it answers."""

from __future__ import annotations

from pydantic import Field

from secretsync.config.fields import Model


class Health(Model):
    """Where /healthz, /readyz and /metrics are answered."""

    port: int = Field(ge=1, le=65535)
