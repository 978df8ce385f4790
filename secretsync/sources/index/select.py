"""Which of an index's files is meant, and why the others are not. A calculation, by pip's rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import (
    BuildTag,
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from pypi_simple import DistributionPackage

from secretsync.config.requirement import IndexRequirement
from secretsync.core.errors import SourceError

# What Rucio's images run.
IMAGE_PYTHON = "3.9"
_PURE = frozenset(Tag(python, "none", "any") for python in ("py3", "py39"))


@dataclass(eq=False)
class NoMatchingFile(SourceError):
    """The distribution has no file that can be used; *reasons* say why not, newest first."""

    code = "no_matching_file"

    requirement: str
    reasons: list[str]

    def __str__(self) -> str:
        why = "; ".join(self.reasons[:5]) or "the index lists no file"
        return f"nothing satisfies {self.requirement}: {why}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that can be used; *sha256* is empty where the index tells none. *notes* are warnings."""

    file: str
    version: Version
    url: str
    sha256: str
    build: BuildTag = ()
    is_wheel: bool = True
    notes: tuple[str, ...] = ()


def choose(requirement: IndexRequirement, files: Iterable[DistributionPackage]) -> Candidate:
    """The newest release that satisfies *requirement* and that Rucio's images can use, as a wheel if it has one.

    Raises NoMatchingFile."""
    usable: list[Candidate] = []
    reasons: list[tuple[str, str]] = []
    for file in files:
        judged = _judge(requirement, file)
        if isinstance(judged, Candidate):
            usable.append(judged)
        else:
            reasons.append((file.filename, judged))
    matching = set(SpecifierSet(requirement.specifier).filter(candidate.version for candidate in usable))
    reasons += [
        (candidate.file, f"not {requirement.specifier or 'a release'}")
        for candidate in usable
        if candidate.version not in matching
    ]
    if not matching:
        raise NoMatchingFile(_written(requirement), [f"{file}: {reason}" for file, reason in reversed(reasons)])
    return max(
        (candidate for candidate in usable if candidate.version in matching),
        key=lambda candidate: (candidate.version, candidate.is_wheel, candidate.build),
    )


def of_url(requirement: IndexRequirement) -> Candidate:
    """The one file that the requirement itself names. Raises NoMatchingFile."""
    name = requirement.url.rpartition("/")[2]
    parsed = _parse(name)
    if isinstance(parsed, str):
        raise NoMatchingFile(_written(requirement), [f"{name}: {parsed}"])
    return replace(parsed, url=requirement.url, sha256=requirement.hashes[0] if len(requirement.hashes) == 1 else "")


def _judge(requirement: IndexRequirement, file: DistributionPackage) -> Candidate | str:
    """The file as a candidate, or why it is none."""
    parsed = _parse(file.filename)
    if isinstance(parsed, str):
        return parsed
    sha256 = file.digests.get("sha256", "")
    if requirement.hashes and sha256 and sha256 not in requirement.hashes:
        return "its sha256 is none of those that the requirement names"
    if not _runs_on_the_images(file.requires_python):
        return f"it wants Python {file.requires_python}, and Rucio's images run {IMAGE_PYTHON}"
    notes: tuple[str, ...] = ()
    if file.is_yanked:
        why = f" ({file.yanked_reason})" if file.yanked_reason else ""
        if not _is_pinned(requirement.specifier):
            return f"it was yanked{why}; only '==' takes a yanked release"
        notes = (f"{file.filename} was yanked{why}; it is used since '==' names it",)
    return replace(parsed, url=file.url, sha256=sha256, notes=notes)


def _parse(file: str) -> Candidate | str:
    if file.endswith(".tar.gz"):
        return _parse_archive(file)
    if not file.endswith(".whl"):
        return "it is neither a wheel nor a .tar.gz"
    try:
        _, version, build, tags = parse_wheel_filename(file)
    except (InvalidWheelFilename, InvalidVersion):
        return "its name is not that of a wheel"
    if not tags & _PURE:
        return f"it is built for {', '.join(sorted(map(str, tags)))}; a policy package must be py3-none-any"
    return Candidate(file, version, "", "", build)


def _parse_archive(file: str) -> Candidate | str:
    try:
        _, version = parse_sdist_filename(file)
    except (InvalidSdistFilename, InvalidVersion):
        return "its name is not that of a source archive"
    return Candidate(file, version, "", "", is_wheel=False)


def _runs_on_the_images(requires_python: str | None) -> bool:
    try:
        return not requires_python or SpecifierSet(requires_python).contains(IMAGE_PYTHON)
    except InvalidSpecifier:
        # pip ignores what it cannot read.
        return True


def _is_pinned(specifier: str) -> bool:
    parts = list(SpecifierSet(specifier))
    return len(parts) == 1 and parts[0].operator in ("==", "===") and not parts[0].version.endswith(".*")


def _written(requirement: IndexRequirement) -> str:
    hashes: Sequence[str] = [f" --hash=sha256:{value[:12]}…" for value in requirement.hashes]
    return (requirement.url or f"{requirement.name}{requirement.specifier}") + "".join(hashes)
