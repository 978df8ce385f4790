"""A distribution of an index, or one file as an index has it."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.config.requirement.errors import UnusableRequirement
from secretsync.config.requirement.form import Requirement, Written
from secretsync.config.requirement.url import digests, file_name, split_url


@dataclass(frozen=True, slots=True)
class IndexRequirement(Requirement):
    """A distribution of an index, or, where *url* is not empty, one file of it.

    *hashes* are sha256 in hex, of which the file must have one; *digests* are pairs of an algorithm and a digest in hex
    that its URL gives, all of which it must have.
    """

    name: str
    specifier: str = ""
    url: str = ""
    hashes: tuple[str, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()


def read(written: Written) -> IndexRequirement:
    """The file of an https:// or http:// URL, else the distribution of that name. Raises UnusableRequirement."""
    if written.url.startswith(("https:", "http:")):
        return _file(written.url, written.hashes, written.text)
    return _distribution(written.text, written.hashes)


def _file(url: str, hashes: tuple[str, ...], requirement: str) -> IndexRequirement:
    parts = split_url(url, requirement)
    file = file_name(parts)
    if not file.endswith((".whl", ".tar.gz", ".zip")):
        raise UnusableRequirement(
            requirement, "names no wheel or source archive; a repository's URL begins with 'git+'"
        )
    fragment_digests = digests(parts.fragment, requirement)
    hashes += tuple(digest for algorithm, digest in fragment_digests if algorithm == "sha256")
    # A wheel's name begins with the distribution's; an archive's ends with the version (PEP 427, PEP 625).
    name = file.split("-")[0] if file.endswith(".whl") else file.rpartition("-")[0]
    other_digests = tuple(pair for pair in fragment_digests if pair[0] != "sha256")
    return IndexRequirement(name, url=parts._replace(fragment="").geturl(), hashes=hashes, digests=other_digests)


def _distribution(text: str, hashes: tuple[str, ...]) -> IndexRequirement:
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    try:
        parsed = Parsed(text)
    except InvalidRequirement:
        raise UnusableRequirement(
            text, "is none of name==1.4.0, git+https://host/repo@ref#subdirectory=dir, ./path, name @ https://…whl"
        ) from None
    if parsed.marker:
        raise UnusableRequirement(text, "has a condition after ';': policy packages run in Rucio's images alone")
    if parsed.url:
        raise UnusableRequirement(text, "what follows '@' is neither git+…, https://… nor http://…")
    return IndexRequirement(parsed.name, str(parsed.specifier), hashes=hashes)
