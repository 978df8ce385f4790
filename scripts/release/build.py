"""Builds a release's files from a commit: nothing of the work tree's own comes in."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from scripts.release import archives, bill, notes, versions

NAME = "rucio-secretsync"
_BACKEND = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def build(root: Path, helm: str, target: Path, version: str, section: str) -> None:
    """Write wheel, sdist, chart, bill of materials, notes and checksums of HEAD to the new directory *target*.

    *section* is the heading of the change log. Raises subprocess.CalledProcessError where a build fails.
    """
    target.mkdir(parents=True)
    epoch = commit_time(root)
    with tempfile.TemporaryDirectory() as scratch:
        tree = _exported(root, Path(scratch, "tree"))
        sdist = _sdist(tree, target, epoch)
        _wheel(_unpacked(sdist, Path(scratch, "sdist")), target, epoch)
        _chart(tree, helm, target, epoch)
        materials = bill.bill((tree / "requirements.lock").read_text(encoding="utf-8"), NAME, version)
        (target / f"{NAME}-{version}.cdx.json").write_text(json.dumps(materials, indent=1) + "\n", encoding="utf-8")
        changes = notes.notes((tree / "CHANGELOG.md").read_text(encoding="utf-8"), section)
        (target / "NOTES.md").write_text(changes, encoding="utf-8")
    (target / "SHA256SUMS").write_text(checksums(target), encoding="utf-8")


def commit_time(root: Path) -> int:
    """When HEAD was committed, in seconds: the time of every file, as SOURCE_DATE_EPOCH has it."""
    return int(_output(root, "git", "log", "-1", "--format=%ct"))


def checksums(folder: Path) -> str:
    """What ``sha256sum --check`` reads, for the files of *folder*."""
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())


def _exported(root: Path, tree: Path) -> Path:
    archive = subprocess.run(["git", "archive", "--format=tar", "HEAD"], cwd=root, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tree, filter="data")
    return tree


def _sdist(tree: Path, target: Path, epoch: int) -> Path:
    """The sdist, in *target*."""
    _backend(tree, "build_sdist", target, epoch)
    (path,) = target.glob("*.tar.gz")
    path.write_bytes(archives.normalised_tarball(path.read_bytes(), epoch))
    return path


def _wheel(tree: Path, target: Path, epoch: int) -> None:
    """The wheel, made from what the sdist holds: so the sdist is known to be whole."""
    _backend(tree, "build_wheel", target, epoch)
    (path,) = target.glob("*.whl")
    path.write_bytes(archives.normalised_wheel(path.read_bytes(), epoch))


def _chart(tree: Path, helm: str, target: Path, epoch: int) -> None:
    subprocess.run(
        [helm, "package", "chart", "--destination", str(target.resolve())], cwd=tree, check=True, capture_output=True
    )
    (path,) = target.glob("*.tgz")
    path.write_bytes(archives.normalised_tarball(path.read_bytes(), epoch))


def _unpacked(sdist: Path, folder: Path) -> Path:
    with tarfile.open(sdist) as files:
        files.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


def _backend(tree: Path, hook: str, target: Path, epoch: int) -> None:
    """A hook of PEP 517, as a front end calls it."""
    command = [sys.executable, "-c", _BACKEND, hook, str(target.resolve())]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True)


def _output(root: Path, *command: str) -> str:
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def built_version(root: Path) -> str:
    """The version that all places state. Raises ValueError with a sentence for each that states another."""
    places = versions.stated(root)
    version = places["secretsync/__init__.py"]
    if wrong := versions.disagreements(places, version):
        raise ValueError("; ".join(wrong))
    return version
