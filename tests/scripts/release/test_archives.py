"""Archives say nothing of the machine that made them."""

from __future__ import annotations

import io
import tarfile
import zipfile

from scripts.release.archives import normalised_tarball, normalised_wheel

EPOCH = 1_700_000_000


def tarball(files: list[str], *, mode: int, mtime: int, owner: str) -> bytes:
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w:gz") as target:
        for name in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime, entry.uname = len(name), mode, mtime, owner
            target.addfile(entry, io.BytesIO(name.encode()))
    return result.getvalue()


def test_tarballs_of_one_content_are_the_same_whoever_made_them_when_in_whichever_order() -> None:
    mine = normalised_tarball(tarball(["a", "b"], mode=0o600, mtime=1, owner="me"), EPOCH)
    yours = normalised_tarball(tarball(["b", "a"], mode=0o664, mtime=2, owner="you"), EPOCH)
    assert mine == yours
    with tarfile.open(fileobj=io.BytesIO(mine)) as files:
        assert [(file.name, file.mode, file.mtime, file.uname) for file in files] == [
            ("a", 0o644, EPOCH, ""),
            ("b", 0o644, EPOCH, ""),
        ]
        assert files.extractfile("a").read() == b"a"  # type: ignore[union-attr]


def test_a_program_stays_one() -> None:
    data = normalised_tarball(tarball(["run"], mode=0o700, mtime=1, owner="me"), EPOCH)
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        assert files.getmember("run").mode == 0o755


def wheel(mode: int, year: int) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for name in ("p/__init__.py", "p.dist-info/RECORD"):
            entry = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            target.writestr(entry, name)
    return result.getvalue()


def test_wheels_of_one_content_are_the_same_and_record_stays_last() -> None:
    mine, yours = normalised_wheel(wheel(0o600, 2020), EPOCH), normalised_wheel(wheel(0o664, 2021), EPOCH)
    assert mine == yours
    assert zipfile.ZipFile(io.BytesIO(mine)).namelist() == ["p/__init__.py", "p.dist-info/RECORD"]
