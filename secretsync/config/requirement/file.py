"""One file by its URL and its hash: ``name @ https://host/file#sha256=…``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult

from secretsync.config.requirement.errors import UnusableRequirement
from secretsync.config.requirement.form import Reader, Requirement, Written
from secretsync.config.requirement.url import digests, file_name, split_url


@dataclass(frozen=True, slots=True)
class FileRequirement(Requirement):
    """One file by its URL and its hash (sha256 in hex)."""

    name: str
    url: str
    sha256: str


def file_named(names: str) -> Reader:
    """A reader of files whose name matches *names*, a regular expression."""
    name_pattern = re.compile(names)

    def read(written: Written) -> FileRequirement | None:
        if not written.name or not written.url.startswith(("https:", "http:")):
            return None
        parts = split_url(written.url, written.text)
        file = file_name(parts)
        return _file(written, parts, file) if name_pattern.fullmatch(file) else None

    return read


def _file(written: Written, parts: SplitResult, file: str) -> FileRequirement:
    fragment_digests = digests(parts.fragment, written.text)
    all_digests = {*written.hashes, *(digest for algorithm, digest in fragment_digests if algorithm == "sha256")}
    if len(all_digests) != 1:
        raise UnusableRequirement(written.text, f"{file} needs one hash, as nothing else says what it is: #sha256=…")
    return FileRequirement(written.name, parts._replace(fragment="").geturl(), all_digests.pop())
