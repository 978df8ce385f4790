"""What is deployed: a policy package and where it comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from secretsync.config.access import Access, Limits
from secretsync.config.fields import Model, ModuleName, Name, Seconds, Text
from secretsync.requirement import parse


class Package(Model):
    """A policy package, in the form of ``policyPackages.packages`` of Rucio's Helm charts, and a few keys beside it."""

    module_name: ModuleName = Field(description="what Rucio imports: underscores, never hyphens")
    requirement: str = Field(
        min_length=1,
        description="in pip's forms: name==1.4.0, git+https://host/repo@ref#subdirectory=dir, a path",
    )
    version: Text = Field("", description="the version that this must turn out to be; empty: any")
    secret_name: Name | None = Field(None, description="the Secret's name, where a target has several packages")
    include: tuple[str, ...] = Field((), description="only files whose path in the package matches one of these globs")
    exclude: tuple[str, ...] = Field((), description="no files whose path in the package matches one of these globs")
    layout: Literal["directories", "zip"] = Field(
        "directories", description="one Secret for each directory, or one key that holds the package as a zip"
    )
    vo: str = Field("", description="the VO whose policy this is, where Rucio serves several")
    index: str = Field("", description="the simple index's URL; default: $PIP_INDEX_URL, else https://pypi.org/simple/")
    timeout: Seconds = Field(120, gt=0, description="how long each question to the source may take")
    access: Access = Access()
    limits: Limits = Limits()

    @field_validator("requirement")
    @classmethod
    def _is_a_requirement(cls, value: str) -> str:
        parse(value)
        return value
