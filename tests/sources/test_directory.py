"""A directory on disk: read as it is, never followed out of itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.core.model import Source
from secretsync.sources.bundle import LfsPointer, PackageTooLarge
from secretsync.sources.directory import DirectoryChanged, UnreadableDirectory
from secretsync.sources.locate import LinkLeadsOut, SpecialFileInPackage
from secretsync.sources.open import open_source
from secretsync.sources.version import VersionMismatch
from tests.sources.layouts import POLICY, below, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path / "tree", below("my_policy", POLICY))
    return tmp_path / "tree"


def source(tree: Path, **keys: object) -> Source:
    raw = {"moduleName": "my_policy", "requirement": "./tree", **keys}
    return open_source(Package.model_validate(raw, by_alias=True), cache=tree.parent / "cache", base=tree.parent)


def test_the_revision_is_the_digest_of_the_packages_files_alone(tree: Path) -> None:
    before = source(tree).resolve()
    write(tree, {"README.md": "more", "my_policy/__pycache__/a.pyc": "x"})
    assert source(tree).resolve() == before
    write(tree, {"my_policy/new.py": ""})
    assert source(tree).resolve() != before
    assert before.source == "./tree"


def test_a_change_between_two_looks_is_an_error(tree: Path) -> None:
    opened = source(tree)
    revision = opened.resolve()
    write(tree, {"my_policy/schema.py": "changed"})
    with pytest.raises(DirectoryChanged):
        opened.fetch(revision)


def test_an_absolute_path_and_a_file_url_are_taken_as_they_are(tree: Path) -> None:
    revision = source(tree).resolve().id
    assert source(tree, requirement=str(tree)).resolve().id == revision
    assert source(tree, requirement=f"file://{tree}").resolve().id == revision


def test_a_symlink_out_of_the_directory_is_not_followed(tree: Path) -> None:
    (tree.parent / "secret.py").write_text("x")
    (tree / "my_policy" / "link.py").symlink_to("../../secret.py")
    with pytest.raises(LinkLeadsOut, match=r"my_policy/link\.py"):
        source(tree).resolve()


def test_a_git_lfs_pointer_is_an_error_by_name(tree: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 5\n"
    write(tree, {"my_policy/data.bin": pointer})
    with pytest.raises(LfsPointer, match=r"data\.bin"):
        source(tree).resolve()


@pytest.mark.parametrize("limit", [{"files": 2}, {"bytes": 20}])
def test_a_package_above_its_limits_is_refused(tree: Path, limit: dict[str, int]) -> None:
    with pytest.raises(PackageTooLarge, match=rf"limits\.{next(iter(limit))}"):
        source(tree, limits=limit).resolve()


def test_a_directory_that_is_not_there_is_named(tree: Path) -> None:
    with pytest.raises(UnreadableDirectory, match="nowhere"):
        source(tree, requirement="./nowhere").resolve()


def test_its_version_is_compared(tree: Path) -> None:
    write(tree, {"pyproject.toml": "[project]\nname='x'\nversion='1.0'\n"})
    assert source(tree, version=1.0).fetch(source(tree).resolve()).version == "1.0"
    with pytest.raises(VersionMismatch):
        source(tree, version="2").resolve()


def test_a_named_pipe_in_the_package_is_refused_by_name_and_never_opened(tmp_path: Path) -> None:
    folder = tmp_path / "pol"
    folder.mkdir()
    (folder / "__init__.py").touch()
    os.mkfifo(folder / "permission.py")
    package = Package.model_validate({"moduleName": "pol", "requirement": str(tmp_path)})
    with pytest.raises(SpecialFileInPackage, match=r"'pol/permission.py' is a named pipe"):
        open_source(package, cache=tmp_path / "cache", base=tmp_path).resolve()
