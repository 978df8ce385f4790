"""What is known about Rucio's releases and its images; made by ``python -m scripts.rucio_facts``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from packaging.version import Version


class PackageLost(StrEnum):
    """What Rucio does when the policy package, or a module that its ``__init__`` imports, is not found."""

    WARNING = "generic with a warning"
    SILENT = "generic without a log line"
    STOPS = "stops"


@dataclass(frozen=True)
class ImageBase:
    """What images are built on, and the Python that it has. *source* is the container file that says so.

    *since* is the first release whose own tag is built on it, None where only a tag beside that is.
    """

    base: str
    python: str
    since: str | None
    source: str


@dataclass(frozen=True)
class Rucio:
    """One version of Rucio. *known* is the release whose facts are used: the version's own, or the nearest."""

    version: str
    known: str

    @property
    def is_known(self) -> bool:
        """Whether this minor release was recorded, and none is used in its place."""
        return self.known == _minor(self.version)

    @property
    def is_older_than_known(self) -> bool:
        """Whether it is from before what is recorded: what the oldest known release does is only a guess then."""
        return Version(_minor(self.version) or self.known) < Version(known_releases()[0])

    @property
    def major(self) -> str:
        """All that Rucio compares ``SUPPORTED_VERSION`` with."""
        return str(self.release.major)

    @property
    def release(self) -> Version:
        """The version as one can be compared; for a tag that is none (``latest``) the known release."""
        return _release(self.version) or Version(self.known)

    @property
    def package_lost(self) -> PackageLost:
        """What Rucio does where the package cannot be imported."""
        return PackageLost(self._own["package_lost"])

    @property
    def algorithm_types(self) -> tuple[str, ...] | None:
        """The types of algorithms that Rucio accepts; None where it does not look."""
        types = self._own["algorithm_types"]
        return None if types is None else tuple(types)

    @property
    def reads_specifier_sets(self) -> bool:
        """Whether Rucio's packaging makes a SpecifierSet of another one, as it does from 24.2 on."""
        return bool(self._own["reads_specifier_sets"])

    @cached_property
    def algorithm_arguments(self) -> dict[str, tuple[str, ...]]:
        """What each type of algorithm is called with, by place."""
        return {kind: tuple(names) for kind, names in self._own["algorithm_arguments"].items()}

    @cached_property
    def late_in_permission(self) -> frozenset[str]:
        """The names that ``rucio.core.permission`` has only after it has imported the package."""
        return frozenset(self._own["late_in_permission"])

    @property
    def default_algorithms(self) -> bool:
        """Whether function T of module ``<module>.T`` is taken for the type T without ``get_algorithms()``."""
        return bool(self._own["default_algorithms"])

    @cached_property
    def actions(self) -> frozenset[str]:
        """What the generic permissions decide on."""
        return frozenset(self._own["actions"])

    @cached_property
    def known_actions(self) -> frozenset[str]:
        """The actions that Rucio's gateway asks for, and those that the generic permissions decide on."""
        return frozenset(self._own["asked"])

    @property
    def limits(self) -> dict[str, object]:
        """Constants of the generic schema, taken for those that a package's schema lacks."""
        return dict(self._own["limits"])

    @cached_property
    def modules(self) -> frozenset[str]:
        """The dotted names of all modules of Rucio."""
        return _at(_facts()["modules"], self.known)

    @cached_property
    def closes_a_cycle(self) -> frozenset[str]:
        """Modules whose import needs ``rucio.common.schema``, which itself imports the policy package."""
        return _at(_facts()["closes_a_cycle"], self.known)

    def names(self, module: str) -> frozenset[str] | None:
        """The names that *module* of Rucio has, None where that is not known."""
        names = _facts()["names"].get(module)
        return (_at(names, self.known) or None) if names else None

    def installed(self, image: str) -> frozenset[str]:
        """The top-level modules that the image has beside Rucio and the standard library."""
        return _at(_facts()["installed"][image], self.known)

    @cached_property
    def needs(self) -> frozenset[str]:
        """The top-level modules that Rucio imports or may import: no package can have one of these names."""
        return frozenset({"rucio"}).union(
            standard_library(), *(self.installed(distribution) for distribution in _facts()["installed"])
        )

    def distributions(self, image: str) -> frozenset[str]:
        """The distributions that the image has, by their canonical names."""
        return _at(_facts()["distributions"][image], self.known)

    def signature(self, module: str, function: str) -> str | None:
        """The parameters of a function of Rucio, ``account,key,*,session=``; None where they are not known."""
        forms = _facts()["signatures"].get(module, {}).get(function, {})
        return next((form for form, releases in forms.items() if not releases or self.known in releases), None)

    def arguments(self, action: str) -> frozenset[str] | None:
        """The names that may stand in ``kwargs`` when Rucio asks for the action; None where that is not known."""
        names = _facts()["arguments"].get(action)
        return (_at(names, self.known) or None) if names else None

    def members(self, class_: str) -> frozenset[str] | None:
        """The attributes of a class of Rucio (``rucio.common.types.InternalAccount``), None where not known."""
        members = _facts()["classes"].get(class_)
        return (_at(members, self.known) or None) if members else None

    @property
    def python(self) -> tuple[int, int]:
        """The Python that this release's images run."""
        major, minor = self._own["python"].split(".")
        return int(major), int(minor)

    @property
    def image_base(self) -> ImageBase:
        """What this release's images are built on."""
        return next(base for base in image_bases() if base.python == self._own["python"])

    @property
    def validates_by_schemas(self) -> bool:
        """Whether Rucio itself validates by the package's SCHEMAS; before, the package's validate_schema() did."""
        return bool(self._own["validates_by_schemas"])

    @cached_property
    def schemas(self) -> frozenset[str]:
        """The names that Rucio validates by."""
        return frozenset(self._own["schemas"])

    @property
    def _own(self) -> dict[str, Any]:
        facts: dict[str, Any] = _facts()["releases"][self.known]
        return facts


ALGORITHM_TYPES = (
    "non_deterministic_pfn", "scope", "lfn2pfn", "pfn2lfn", "fts3_tape_metadata_plugins", "fts3_plugins_init",
    "auto_approve",
)  # fmt: skip
"""Every type that some Rucio asks for; releases before 38.3 look for fewer and refuse none."""


_FIRST_OF_IMAGES, _LAST_OF_FIRST_NUMBERING, _FIRST_OF_SECOND_NUMBERING, _NO_RELEASE = 18, 31, 32, 100
"""1.18 is the oldest release of which images are used; a tag such as 2024.1 or 100 is a site's own."""


def rucio(version: str = "") -> Rucio:
    """The facts for *version*, an image's tag for instance; empty: the newest known release."""
    releases = known_releases()
    minor = _minor(version)
    if not version:
        return Rucio(releases[-1], releases[-1])
    if minor is None or minor in releases:
        return Rucio(version, minor or releases[-1])
    older = [release for release in releases if Version(release) <= Version(minor)]
    newest_wanted = not older or Version(minor).major > Version(releases[-1]).major
    nearest = releases[-1] if newest_wanted and older else (older[-1] if older else releases[0])
    return Rucio(version, nearest)


@cache
def image_bases() -> tuple[ImageBase, ...]:
    """What images of Rucio are built on, that of the newest releases' own tags first."""
    return tuple(ImageBase(**base) for base in _facts()["image_bases"])


@cache
def known_releases() -> tuple[str, ...]:
    """``("37.0", …)``, the oldest first."""
    return tuple(sorted(_facts()["releases"], key=Version))


@cache
def standard_library() -> frozenset[str]:
    """The top-level modules of the images' Python 3.9."""
    return frozenset(_facts()["standard_library"])


def not_yet_in_the_images(module: str) -> frozenset[str]:
    """Names that *module* of the standard library has only since a Python newer than the images'."""
    return frozenset(_facts()["not_yet_in_the_images"].get(module, ()))


def newer_methods(class_: str) -> frozenset[str]:
    """Methods that a class (``builtins.int``) has only since a Python newer than the images'."""
    return frozenset(_facts()["newer_methods"].get(class_, ()))


def newer_arguments(callee: str) -> frozenset[str]:
    """Arguments that what is called takes only since a Python newer than the images'."""
    return frozenset(_facts()["newer_arguments"].get(callee, ()))


def _minor(version: str) -> str | None:
    """``41.5`` for ``41.5.1`` and ``release-41.5.1``; None for a tag that names no release (``latest``, ``v3.1``)."""
    release = _release(version)
    return f"{release.major}.{release.minor}" if release and len(release.release) > 1 else None


def _release(version: str) -> Version | None:
    """The release that a tag names; None where Rucio has had no such release, as where a site numbers its own images.

    Rucio's releases are 1.0 to 1.31, and from 32.0 on (https://github.com/rucio/rucio/releases).
    """
    match = re.match(r"(?:release-)?v?(\d{1,3}(?:\.\d{1,4}){0,3})(?!\w)", version)
    if not match:
        return None
    release = Version(match[1])
    first_numbering = release.major == 1 and _FIRST_OF_IMAGES <= release.minor <= _LAST_OF_FIRST_NUMBERING
    return release if first_numbering or _FIRST_OF_SECOND_NUMBERING <= release.major < _NO_RELEASE else None


def _at(sets: dict[str, Any], release: str) -> frozenset[str]:
    return frozenset(sets["all"]) | {name for name, releases in sets["some"].items() if release in releases}


@cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(files(__package__).joinpath("rucio_facts.json").read_text(encoding="utf-8"))
    return facts
