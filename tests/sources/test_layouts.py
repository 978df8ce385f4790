"""Each real layout, as a git repository and as a directory: exactly the package's files come out."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.core.model import Bundle
from secretsync.sources.open import open_source
from tests.sources.layouts import LAYOUTS, Layout, build, commit


def fetch(package: Package, folder: Path) -> Bundle:
    source = open_source(package, cache=folder / "cache", base=folder)
    return source.fetch(source.resolve())


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_package_is_found_in_a_repository(layout: Layout, tmp_path: Path) -> None:
    repository = build(layout, tmp_path / "repository")
    commit(repository)
    requirement = f"git+file://{repository}" + (f"#subdirectory={layout.subdirectory}" if layout.subdirectory else "")
    bundle = fetch(Package(module_name=layout.module, requirement=requirement), tmp_path)
    assert {file.path: file.data.decode() for file in bundle.files} == layout.expected


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_package_is_found_in_a_directory(layout: Layout, tmp_path: Path) -> None:
    build(layout, tmp_path / "tree")
    if layout.links and layout.subdirectory:
        pytest.skip("a directory is named whole, its links may not lead out of it")
    bundle = fetch(Package(module_name=layout.module, requirement=f"./tree/{layout.subdirectory}"), tmp_path)
    expected = {
        path: text for path, text in layout.expected.items() if layout.subdirectory == "" or path != "README.md"
    }
    assert {file.path: file.data.decode() for file in bundle.files} == expected
