"""How a source is reached and how much it may bring; credentials are named by file or environment variable."""

from __future__ import annotations

from pydantic import Field

from secretsync.config.fields import Model


class Limits(Model):
    """A policy package is about 100 KB; more than this is a mistake or an attack."""

    files: int = Field(2_000, gt=0, description="how many files the package may have")
    bytes: int = Field(16 * 1024 * 1024, gt=0, description="how many bytes its files may have in all")
    download: int = Field(
        512 * 1024 * 1024, gt=0, description="how many bytes a fetch may bring, and a repository's cache may hold"
    )
