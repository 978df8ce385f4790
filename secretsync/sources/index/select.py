"""Which of an index's files is meant, and why the others are not. A calculation, by pip's rules."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import compatible_tags
from packaging.utils import (
    BuildTag,
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from secretsync.config.requirement import IndexRequirement
from secretsync.config.requirement.url import DIGITS
from secretsync.core.errors import SourceError
from secretsync.sources.index.page import Listed

IMAGE_PYTHON = "3.9"
"""What Rucio's images run (AlmaLinux 9)."""

_PATCH_RELEASES = tuple(f"{IMAGE_PYTHON}.{patch}" for patch in range(16, 26))
"""Those that AlmaLinux 9 has had; an image has one of them."""

_PURE = frozenset(compatible_tags((3, 9), "cp39", ["any"]))
_LONGEST = 255
"""Characters of a file's name that an operating system takes (NAME_MAX)."""
_LONGEST_SPECIFIER = 200
_MOST_TAGS = 100
"""Tags of a wheel's name: the product of what its last three parts list."""
_HEX = re.compile("[0-9a-f]+")


@dataclass(eq=False)
class NoMatchingFile(SourceError):
    """The distribution has no file that can be used; *reasons* say why not, newest first.

    Where no release fits the version that was asked for, *releases* are those there are, newest first.
    """

    code = "no_matching_file"

    requirement: str
    reasons: list[str]
    releases: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.releases:
            more = f" and {len(self.releases) - 5} older" if len(self.releases) > 5 else ""
            return (
                f"the index has no release for {self.requirement}: correct 'requirement'; the newest releases are "
                f"{', '.join(self.releases[:5])}{more}"
            )
        reasons = "; ".join(self.reasons[:5]) or "the index lists no file"
        return f"nothing satisfies {self.requirement}: {reasons}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that can be used; *digests*, in hex by algorithm, are all that it must have. *notes* are warnings.

    *page* is the index's page that lists it, empty where its URL was given.
    """

    file: str
    name: str
    version: Version
    url: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    build: BuildTag = ()
    is_wheel: bool = True
    notes: tuple[str, ...] = ()
    page: str = ""

    @property
    def sha256(self) -> str:
        """Empty where nobody gave one."""
        return self.digests.get("sha256", "")


def choose(requirement: IndexRequirement, files: Iterable[Listed]) -> Candidate:
    """The newest release that satisfies *requirement* and that Rucio's images can use, as a wheel if it has one.

    Raises NoMatchingFile."""
    usable: list[Candidate] = []
    refused: list[_Refused] = []
    for file in files:
        judgement = _evaluate(requirement, file)
        if isinstance(judgement, Candidate):
            usable.append(judgement)
        else:
            refused.append(judgement)
    specifier = SpecifierSet(requirement.specifier)
    matching = set(specifier.filter(candidate.version for candidate in usable))
    if not matching:
        refused += [
            _Refused(candidate.file, f"not {requirement.specifier or 'a release'}", candidate.version)
            for candidate in usable
        ]
        raise NoMatchingFile(_written(requirement), _reasons(refused, specifier), _releases(refused, specifier))
    best = max(
        (candidate for candidate in usable if candidate.version in matching),
        key=lambda candidate: (candidate.version, candidate.is_wheel, candidate.build),
    )
    return replace(best, notes=(*best.notes, *_passed_over(best, refused, specifier)))


def _releases(refused: list[_Refused], specifier: SpecifierSet) -> tuple[str, ...]:
    """The releases that there are, newest first, where none of them is one that was asked for."""
    versions = {refusal.version for refusal in refused if refusal.version}
    if not str(specifier) or any(specifier.contains(version, prereleases=True) for version in versions):
        return ()
    return tuple(map(str, sorted(versions, reverse=True)))


@dataclass(frozen=True, slots=True)
class _Refused:
    """A file that cannot be used, and why; *version* is None where its name does not tell.

    *does_not_run* says that the images' Python is the reason.
    """

    file: str
    reason: str
    version: Version | None = None
    does_not_run: bool = False


def _reasons(refused: list[_Refused], specifier: SpecifierSet) -> list[str]:
    """What stands in the way of the releases that were asked for comes first, the newest before the older."""

    def weight(refusal: _Refused) -> tuple[bool, bool, Version]:
        asked_for = refusal.version is not None and specifier.contains(refusal.version, prereleases=True)
        requested = asked_for and not refusal.reason.startswith("not ")
        return requested, requested and refusal.does_not_run, refusal.version or Version("0")

    return [f"{refusal.file}: {refusal.reason}" for refusal in sorted(refused, key=weight, reverse=True)]


def _passed_over(best: Candidate, refused: list[_Refused], specifier: SpecifierSet) -> list[str]:
    """A warning that names the newest release that the images' Python cannot run, if *best* is older than that."""
    prereleases = bool(specifier.prereleases) or best.version.is_prerelease
    newer = [
        (refusal.version, refusal)
        for refusal in refused
        if refusal.does_not_run and refusal.version and refusal.version > best.version
        if specifier.contains(refusal.version, prereleases=prereleases)
    ]
    if not newer:
        return []
    version, refusal = max(newer, key=lambda pair: pair[0])
    return [
        f"{best.file} is used and not the newer release {version}, whose file {refusal.file} does not fit: "
        f"{refusal.reason}"
    ]


def of_url(requirement: IndexRequirement) -> Candidate:
    """The one file that the requirement itself names. Raises NoMatchingFile."""
    name = unquote(requirement.url.partition("?")[0].rpartition("/")[2])
    parsed = _parse(name, requirement.name)
    if isinstance(parsed, str):
        raise NoMatchingFile(_written(requirement), [f"{name[:_LONGEST]}: {parsed}"])
    digests = {"sha256": requirement.hashes[0]} if len(requirement.hashes) == 1 else {}
    return replace(parsed, url=requirement.url, digests={**digests, **dict(requirement.digests)})


def _evaluate(requirement: IndexRequirement, file: Listed) -> Candidate | _Refused:
    """The file as a candidate, or why it is none."""
    parsed = _parse(file.file, requirement.name)
    if isinstance(parsed, str):
        return _Refused(file.file[:_LONGEST], parsed, _version_of_wheel(file.file), "is built for" in parsed)
    judgement = _evaluate_listed(requirement, file, parsed)
    if isinstance(judgement, Candidate):
        return judgement
    does_not_run = not _runs_on_the_images(file.requires_python)
    return _Refused(file.file[:_LONGEST], judgement, parsed.version, does_not_run)


def _version_of_wheel(file: str) -> Version | None:
    if len(file) > _LONGEST or _has_many_tags(file):
        return None
    try:
        return parse_wheel_filename(file)[1]
    except (InvalidWheelFilename, InvalidVersion):
        return None


def _evaluate_listed(requirement: IndexRequirement, file: Listed, parsed: Candidate) -> Candidate | str:
    """The file with what the index says of it, or why it cannot be used."""
    digests = {name: digest for name, digest in file.digests.items() if name in DIGITS}
    for name, digest in digests.items():
        if len(digest) != DIGITS[name] or not _HEX.fullmatch(digest):
            return f"its {name} is no digest"
    if requirement.hashes and "sha256" in digests and digests["sha256"] not in requirement.hashes:
        return "its sha256 is none of those that the requirement names"
    if not _runs_on_the_images(file.requires_python):
        needs_python = f"it wants Python {file.requires_python[:_LONGEST]}"
        return f"{needs_python}, and Rucio's images run {IMAGE_PYTHON} (Requires-Python)"
    notes: tuple[str, ...] = ()
    if file.is_yanked:
        reason = f" ({file.yanked_reason[:_LONGEST]})" if file.yanked_reason else ""
        if not _is_pinned(requirement.specifier):
            return f"it was yanked{reason}; only '==' takes a yanked release"
        notes = (f"{file.file} was yanked{reason}; it is used since '==' names it",)
    return replace(parsed, url=file.url, digests=digests, notes=notes)


def _parse(file: str, distribution: str) -> Candidate | str:
    """The file's name, taken apart; or why it is not one of a file of *distribution*."""
    if len(file.encode(errors="replace")) > _LONGEST or "/" in file or "\0" in file:
        return "its name is not that of a file"
    if file.endswith(".tar.gz"):
        parsed = _parse_archive(file)
    elif file.endswith(".whl"):
        parsed = _parse_wheel(file)
    else:
        return "it is neither a wheel nor a .tar.gz"
    if isinstance(parsed, Candidate) and parsed.name != canonicalize_name(distribution):
        return f"it is a file of another distribution, {parsed.name}"
    return parsed


def _parse_wheel(file: str) -> Candidate | str:
    if _has_many_tags(file):
        return "its name has more tags than any wheel"
    try:
        name, version, build, tags = parse_wheel_filename(file)
    except (InvalidWheelFilename, InvalidVersion):
        return "its name is not that of a wheel"
    if not tags & _PURE:
        return f"it is built for {', '.join(sorted(map(str, tags)))}; a policy package must be py3-none-any"
    return Candidate(file, name, version, build=build)


def _has_many_tags(file: str) -> bool:
    tags = file.removesuffix(".whl").split("-")[-3:]
    return math.prod(part.count(".") + 1 for part in tags) > _MOST_TAGS


def _parse_archive(file: str) -> Candidate | str:
    try:
        name, version = parse_sdist_filename(file)
    except (InvalidSdistFilename, InvalidVersion):
        return "its name is not that of a source archive"
    return Candidate(file, name, version, is_wheel=False)


def _runs_on_the_images(requires_python: str) -> bool:
    """Whether pip of the images' Python takes it, whichever patch release that is."""
    if not requires_python or len(requires_python) > _LONGEST_SPECIFIER:
        return True
    try:
        specifiers = SpecifierSet(requires_python)
        return any(specifiers.contains(release) for release in _PATCH_RELEASES)
    except InvalidSpecifier:
        # pip ignores what it cannot read.
        return True


def _is_pinned(specifier: str) -> bool:
    parts = list(SpecifierSet(specifier))
    return len(parts) == 1 and parts[0].operator in ("==", "===") and not parts[0].version.endswith(".*")


def _written(requirement: IndexRequirement) -> str:
    hashes: Sequence[str] = [f" --hash=sha256:{value[:12]}…" for value in requirement.hashes]
    return (requirement.url or f"{requirement.name}{requirement.specifier}") + "".join(hashes)
