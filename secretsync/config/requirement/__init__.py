"""A requirement in pip's forms, as Rucio's charts and pip's command line take it, read into what it names.

Each form is a line of SOURCES: its reader, and the class below ``sources/`` that opens what it names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pydantic import GetPydanticSchema
from pydantic_core import core_schema

from secretsync.config.requirement import directory, git, index
from secretsync.config.requirement.directory import DirectoryRequirement
from secretsync.config.requirement.errors import LONGEST, CredentialsInRequirement, UnusableRequirement
from secretsync.config.requirement.file import FileRequirement, file_named
from secretsync.config.requirement.form import PatternRequirement, Reader, Requirement, Written, pattern
from secretsync.config.requirement.git import GitRequirement
from secretsync.config.requirement.index import IndexRequirement

__all__ = [
    "AS_TEXT",
    "SOURCES",
    "CredentialsInRequirement",
    "DirectoryRequirement",
    "FileRequirement",
    "GitRequirement",
    "IndexRequirement",
    "PatternRequirement",
    "Requirement",
    "UnusableRequirement",
    "parse",
    "pattern",
]

SOURCES: Mapping[str, Reader] = {
    "git.source:GitSource": git.read,
    "archive:ArchiveSource": file_named(r"(?!.*-v?\d).+\.tar\.gz"),  # the name of an sdist ends with its version
    "directory:DirectorySource": directory.read,
    "index.source:IndexSource": index.read,
}
"""The forms, the first that reads a text wins, and the last reads what is left. The key is the module below
``sources/`` and its class that resolves, fetches, pins and names what such a requirement names: see
``sources/open.py``. The class is imported when it is used."""

_HASH_OPTION = re.compile(r"\s--hash=(\S*)")
_SHA256 = re.compile(r"sha256[:=]([0-9a-fA-F]{64})")
_USER_INFO = re.compile(r":[^\s/@:]*@")
_DIRECT_REFERENCE = re.compile(r"(?P<name>[A-Za-z0-9][\w.\-]*)\s*(?:\[[^]]*\]\s*)?@\s*(?P<url>[a-z+]+:.*)", re.DOTALL)
_SCP_LIKE = re.compile(r"(?:git\+)?[^/:@\s]+@[^/:@\s]+:(?!//).*")
_HELPER = re.compile(r"(?:git\+)?([a-z][a-z0-9+.-]*)::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse(requirement: str) -> Requirement:
    """Read *requirement*. Raises UnusableRequirement, with what to write instead."""
    written = _written(requirement.strip())
    read = ((source, reader(written)) for source, reader in SOURCES.items())
    source, parsed = next((source, parsed) for source, parsed in read if parsed)
    return replace(parsed, text=requirement, source=source)


AS_TEXT = GetPydanticSchema(
    lambda _source, _handler: core_schema.no_info_after_validator_function(
        parse, core_schema.str_schema(min_length=1), serialization=core_schema.to_string_ser_schema()
    )
)
"""How a model holds a requirement: a text in the configuration, which is parsed once."""


def _written(text: str) -> Written:
    _refuse_what_no_requirement_holds(text)
    text, hashes = _split_hashes(text)
    direct = _DIRECT_REFERENCE.fullmatch(text)
    return Written(text, hashes, direct["name"], direct["url"].strip()) if direct else Written(text, hashes, "", text)


def _refuse_what_no_requirement_holds(text: str) -> None:
    if not text:
        raise UnusableRequirement(text, "is empty")
    if len(text) > LONGEST:
        raise UnusableRequirement(text, f"has more than {LONGEST:,} characters")
    if _USER_INFO.search(text) and not _is_local(text):
        raise CredentialsInRequirement(text)
    if text.startswith("-"):
        raise UnusableRequirement(text, "begins with '-', which is an option of pip; write what follows it")
    if _CONTROL.search(text):
        raise UnusableRequirement(text, "holds a line break or another control character")
    if helper := _HELPER.match(text):
        raise UnusableRequirement(text, f"'{helper[1]}::' runs a command instead of naming a repository")
    if _SCP_LIKE.fullmatch(text):
        raise UnusableRequirement(text, "write git+ssh://git@host/path instead of git@host:path, as for pip")
    if re.match(r"(hg|svn|bzr)\+", text):
        raise UnusableRequirement(text, "of version control systems, only git is supported")


def _is_local(text: str) -> bool:
    """A path, in which ':' and '@' are letters like others."""
    return text.startswith((".", "/", "file:", "git+file:"))


def _split_hashes(text: str) -> tuple[str, tuple[str, ...]]:
    written = _HASH_OPTION.findall(text)
    return _HASH_OPTION.sub("", text).strip(), tuple(_sha256(value, text) for value in written)


def _sha256(value: str, requirement: str) -> str:
    if match := _SHA256.fullmatch(value):
        return match[1].lower()
    raise UnusableRequirement(requirement, f"{value!r} is no hash: it must be sha256 and 64 hexadecimal digits")
