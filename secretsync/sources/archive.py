"""A policy package in a gzipped tar at a URL, as GitHub and GitLab make one of a repository's tree."""

from __future__ import annotations

from pathlib import Path

from packaging.version import Version

from secretsync.config import Package
from secretsync.config.requirement import FileRequirement
from secretsync.core.model import Bundle, Revision
from secretsync.sources.bundle import bundle_of_tree
from secretsync.sources.index.http import Index
from secretsync.sources.index.select import Candidate
from secretsync.sources.sdist import read_sdist
from secretsync.sources.version import tagged_version


class ArchiveSource:
    """The file of that hash and no other; below its one top folder lies a tree as a repository has it."""

    def __init__(
        self, package: Package, requirement: FileRequirement, *, cache: Path, base: Path, notes: tuple[str, ...] = ()
    ) -> None:
        self._package, self._requirement, self._notes = package, requirement, notes
        # the credentials of 'access' are for the host that the URL names, whatever index there is besides
        self._web = Index(package.model_copy(update={"index": requirement.url}), cache / "archives", base)

    @staticmethod
    def pinned(requirement: FileRequirement, bundle: Bundle) -> str:
        """The requirement with the hash of the archive, for pip."""
        return f"{requirement.name}@{requirement.url}#{bundle.revision.id.replace(':', '=')}"

    @staticmethod
    def package_name(requirement: FileRequirement) -> str:
        """The name that the requirement gives the package."""
        return requirement.name

    def resolve(self) -> Revision:
        """The hash in the requirement says all: nothing is asked."""
        return Revision(self._requirement.url, "", f"sha256:{self._requirement.sha256}")

    def fetch(self, revision: Revision) -> Bundle:
        """Download the file, compare its hash, take the module's files from it.

        Raises HashMismatch, IndexFailed, DownloadTooLarge, UnusableArchive, VersionMismatch and what locating the
        package can raise.
        """
        package, requirement = self._package, self._requirement
        path = self._web.download(
            Candidate(
                file=f"{requirement.name}.tar.gz",
                name=requirement.name,
                version=Version("0"),  # only an index chooses by it
                url=requirement.url,
                digests={"sha256": requirement.sha256},
                is_wheel=False,
            )
        )
        archive = read_sdist(path, most_bytes=package.limits.bytes)
        file = requirement.url.partition("?")[0].rpartition("/")[2]
        return bundle_of_tree(
            package,
            revision,
            archive.entries,
            lambda _paths: archive.contents,
            tag=("the file's name", tagged_version(file.removesuffix(".tar.gz"))),
            notes=self._notes,
        )
