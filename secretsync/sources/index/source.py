"""A policy package on an index that speaks the simple API (PEP 503, PEP 691)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name

from secretsync.config import Package
from secretsync.config.requirement import IndexRequirement
from secretsync.core.model import Bundle, Revision
from secretsync.sources.bundle import make_bundle
from secretsync.sources.index.errors import HashMismatch
from secretsync.sources.index.hashes import read_hashes
from secretsync.sources.index.http import Index
from secretsync.sources.index.select import Candidate, choose, of_url
from secretsync.sources.locate import locate
from secretsync.sources.sdist import read_sdist
from secretsync.sources.tree import Entry
from secretsync.sources.version import confirm_version
from secretsync.sources.wheel import read_wheel


class IndexSource:
    """Resolves to one wheel by its sha256, downloads it once, reads the module's files from it."""

    def __init__(
        self,
        package: Package,
        requirement: IndexRequirement,
        *,
        cache: Path,
        base: Path,
        notes: tuple[str, ...] = (),
    ) -> None:
        hashes = tuple(value.removeprefix("sha256:") for value in package.hashes)
        self._package, self._requirement = package, replace(requirement, hashes=(*requirement.hashes, *hashes))
        self._base = base
        self._index = Index(package, cache / "wheels", base)
        self._notes = notes
        self._chosen: Candidate | None = None

    @staticmethod
    def pinned(requirement: IndexRequirement, bundle: Bundle) -> str:
        """The requirement with the version, or the file's hash, for pip."""
        if requirement.url:
            return f"{requirement.url}#{bundle.revision.id.replace(':', '=')}"
        return f"{requirement.name}=={bundle.version}"

    @staticmethod
    def package_name(requirement: IndexRequirement) -> str:
        """The name of the distribution."""
        return requirement.name

    def resolve(self) -> Revision:
        """The newest release that satisfies the requirement, by the sha256 of its wheel.

        Raises UnknownDistribution, NoMatchingFile, NoHashes, HashMismatch, VersionMismatch, IndexFailed.
        """
        self._chosen = chosen = self._choose()
        return Revision(chosen.page or chosen.url, self._requirement.specifier, f"sha256:{chosen.sha256}")

    def fetch(self, revision: Revision) -> Bundle:
        """Download the wheel, verify its hash, take the module's files from it.

        Raises HashMismatch, UnusableWheel and what locating the package can raise.
        """
        chosen = self._chosen
        if chosen is None or f"sha256:{chosen.sha256}" != revision.id:
            chosen = self._choose(revision.id.removeprefix("sha256:"))
        path = self._index.download(chosen)
        most_bytes = self._package.limits.bytes
        if chosen.is_wheel:
            contents = read_wheel(path, most_bytes=most_bytes)
            entries: Iterable[Entry] = map(Entry, contents)
            module, notes = self._module(contents)
        else:
            archive = read_sdist(path, most_bytes=most_bytes)
            entries, contents = archive.entries, archive.contents
            module, notes = self._package.module_name, ()
        located = locate(entries, module, include=self._package.include, exclude=self._package.exclude)
        return make_bundle(
            self._package,
            revision,
            {path: contents[source_path] for path, source_path in located.files.items()},
            version=str(chosen.version),
            module=module,
            notes=(*self._notes, *chosen.notes, *notes),
        )

    def _choose(self, sha256: str = "") -> Candidate:
        requirement = self._with_hashes_of_file()
        chosen = self._index.hashed(of_url(requirement)) if requirement.url else self._newest(requirement, sha256)
        confirm_version(self._package, str(chosen.version), chosen.file)
        expected = requirement.hashes
        if expected and chosen.sha256 not in expected:
            raise HashMismatch(chosen.file, " or ".join(expected), chosen.sha256)
        return chosen

    def _with_hashes_of_file(self) -> IndexRequirement:
        """The requirement with the hashes that hold now: the file is read again for each pass. Raises NoHashes."""
        if not self._package.hashes_from:
            return self._requirement
        file_hashes = read_hashes(self._base / self._package.hashes_from, self._requirement.name)
        return replace(self._requirement, hashes=(*self._requirement.hashes, *file_hashes))

    def _newest(self, requirement: IndexRequirement, sha256: str) -> Candidate:
        """The best file of the index, or the very one of that hash; one without a hash is downloaded for it."""
        page, files = self._index.files(requirement.name)
        if sha256:
            files = [file for file in files if file.digests.get("sha256") == sha256] or files
        return self._index.hashed(replace(choose(requirement, files), page=page))

    def _module(self, contents: Mapping[str, bytes]) -> tuple[str, tuple[str, ...]]:
        """The module as configured, or the wheel's only one where the distribution's name was given for it.

        Rucio's chart compares moduleName with the distribution's name, so sites have it there.
        """
        module = self._package.module_name
        suffix = "/__init__.py"
        packages = [path.removesuffix(suffix) for path in contents if path.endswith(suffix) and path.count("/") == 1]
        names_the_distribution = canonicalize_name(module) == canonicalize_name(self._requirement.name)
        if module in packages or len(packages) != 1 or not names_the_distribution:
            return module, ()
        note = (
            f"moduleName {module!r} is the distribution's name; what it holds, and what Rucio must import, "
            f"is {packages[0]!r}: write that"
        )
        return packages[0], (note,)
