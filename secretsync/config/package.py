"""What is deployed: a policy package and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from secretsync.config.access import Access, Limits, Verification
from secretsync.config.check import Check
from secretsync.config.fields import Model, ModuleName, Name, Seconds, Text
from secretsync.config.requirement import AS_TEXT, GitRequirement, IndexRequirement, Requirement

Sha256 = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


def plain_index_url(url: str) -> str:
    """*url*. Raises ValueError where it holds credentials, or is read in a way that indexes are not."""
    if "@" in url.partition("//")[2].partition("/")[0]:
        raise ValueError("an index's URL must not hold credentials; name their place under 'access'")
    if not url.lower().startswith(("https://", "http://")):
        raise ValueError("an index is read over https:// or http:// alone; './dir' names a package's directory")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("is no URL: its host or port cannot be read") from None
    return url


class Package(Model):
    """A policy package, in the form of ``policyPackages.packages`` of Rucio's Helm charts, and a few keys beside it."""

    module_name: ModuleName = Field(description="what Rucio imports: underscores, never hyphens")
    requirement: Annotated[Requirement, AS_TEXT] = Field(
        description="in pip's forms: name==1.4.0, git+https://host/repo@ref#subdirectory=dir, a path",
    )
    version: Text = Field("", description="the version that this must turn out to be; empty: any")
    secret_name: Name | None = Field(None, description="the Secret's name, where a target has several packages")
    include: tuple[str, ...] = Field((), description="only files whose path in the package matches one of these globs")
    exclude: tuple[str, ...] = Field((), description="no files whose path in the package matches one of these globs")
    layout: Literal["directories", "zip"] = Field(
        "directories", description="one Secret for each directory, or one key that holds the package as a zip"
    )
    vo: Text = Field("", description="the VO whose policy this is, where Rucio serves several")
    tag: Text = Field("", description="for git: the newest tag in this range of versions, as in ~=0.3 (PEP 440)")
    tag_prefix: Text = Field("", description="what stands before the version in a tag; empty: nothing, or v")
    tag_moved: Literal["refuse", "warn", "allow"] = Field(
        "warn", description="what to do when a tag, or a version on an index, is not what it was before"
    )
    rollback: Literal["refuse", "warn", "allow"] = Field(
        "warn", description="for git: what to do when a tag, or a signed commit, is older than the one before"
    )
    index: str = Field("", description="the simple index's URL; default: $PIP_INDEX_URL, else https://pypi.org/simple/")
    extra_indexes: tuple[str, ...] = Field(
        (), description="asked in this order, and only while none before has a distribution of that name"
    )
    hashes: tuple[Sha256, ...] = Field(
        (), description="for an index: the file must have one of these, sha256:… as pip writes them"
    )
    hashes_from: Path | None = Field(
        None,
        description="for an index: a requirements file as pip's --require-hashes takes it; its hashes hold as well",
    )
    timeout: Seconds = Field(120, gt=0, description="how long each question to the source may take")
    access: Access = Field(Access(), description="credentials and TLS")
    build: Literal["", "wheel"] = Field(
        "", description="build a wheel first, for trees that cannot be imported as they are; runs the package's code"
    )
    verify: Verification | None = Field(None, description="for git: only signed commits or tags")
    limits: Limits = Field(Limits(), description="how much a source may bring")
    check: Check = Field(Check(), description="how strict the check of this package is")

    @field_validator("index", "extra_indexes")
    @classmethod
    def _holds_no_credentials(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for url in (value,) if isinstance(value, str) else value:
            if url:
                plain_index_url(url)
        return value

    @field_validator("tag")
    @classmethod
    def _is_a_specifier(cls, value: str) -> str:
        if value:
            from packaging.specifiers import InvalidSpecifier, SpecifierSet

            try:
                SpecifierSet(value)
            except InvalidSpecifier:
                raise ValueError(f"{value!r} is no range of versions; write for instance '~=0.3' or '>=1,<2'") from None
        return value

    @model_validator(mode="after")
    def _keys_fit_the_requirement(self) -> Package:
        requirement = self.requirement
        if self.tag and not (isinstance(requirement, GitRequirement) and requirement.ref == ""):
            raise ValueError("tag: is for a git requirement without @ref; choose one of the two")
        if (self.hashes or self.hashes_from) and not isinstance(requirement, IndexRequirement):
            raise ValueError("hashes and hashesFrom: are for files of an index; a commit's full id pins a repository")
        if self.build and not isinstance(requirement, GitRequirement):
            raise ValueError(
                "build: is for git requirements; an index has wheels, and a directory can be built by hand"
            )
        return self
