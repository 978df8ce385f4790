"""A bundle on disk as a pod sees it."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

from secretsync.rucio.prove.layout import lay_out
from tests.build import bundle

FILES = {"__init__.py": "", "permission.py": "p = 1\n", "algorithms/scope.py": "s = 1\n"}


def test_each_directory_is_a_secret_volume_of_its_own_below_the_other(tmp_path: Path) -> None:
    package = lay_out(bundle(FILES, "pol"), tmp_path) / "pol"
    assert (package / "permission.py").read_text() == "p = 1\n"
    assert (package / "permission.py").readlink() == Path("..data/permission.py")
    assert (package / "algorithms" / "scope.py").resolve().parent.parent == package / "algorithms"
    assert (package / "algorithms" / "..data").is_symlink()


def test_any_user_may_read_the_files_and_nobody_is_meant_to_write_them(tmp_path: Path) -> None:
    file = lay_out(bundle(FILES, "pol"), tmp_path) / "pol" / "permission.py"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert stat.S_IMODE(file.resolve().parent.stat().st_mode) == 0o555


def test_a_zip_lies_in_its_volume_and_is_itself_on_the_path(tmp_path: Path) -> None:
    archive = lay_out(bundle(FILES, "pol"), tmp_path, layout="zip")
    assert archive.name == "pol.zip"
    assert "pol/algorithms/" in zipfile.ZipFile(archive).namelist()
