"""Packages that cannot be imported as they lie in git: built first, by the project's own backend, when asked to."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.core import landlock
from secretsync.core.model import Bundle
from secretsync.sources.build import BuildFailed
from secretsync.sources.open import open_source
from tests.sources.layouts import POLICY, below, commit, git, write

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("pip"), reason="pip is not installed: python -m ensurepip")

BACKEND = """
import base64, hashlib, os, pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    version = os.environ.get("SETUPTOOLS_SCM_PRETEND_VERSION", "0")
    info, name = f"my_policy-{version}.dist-info", f"my_policy-{version}-py3-none-any.whl"
    files = {str(p.relative_to("src")): p.read_bytes() for p in pathlib.Path("src").rglob("*.py")}
    files["my_policy/_version.py"] = f"version = {version!r}\\n".encode()
    files["my_policy/environment.py"] = repr(sorted(os.environ)).encode()
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: my-policy\\nVersion: {version}\\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    rows = [f"{n},sha256={base64.urlsafe_b64encode(hashlib.sha256(d).digest()).rstrip(b'=').decode()},{len(d)}"
            for n, d in files.items()]
    files[f"{info}/RECORD"] = "\\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "my-policy"
dynamic = ["version"]
[tool.setuptools_scm]
write_to = "src/my_policy/_version.py"
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "policy"
    write(folder, {"pyproject.toml": PYPROJECT, "backend.py": BACKEND, **below("src/my_policy", POLICY)})
    commit(folder)
    git(folder, "tag", "v1.2.3")
    return folder


def fetch(repository: Path, **keys: object) -> Bundle:
    raw = {"moduleName": "my_policy", "requirement": f"git+file://{repository}@v1.2.3", **keys}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=repository.parent, base=repository.parent)
    return source.fetch(source.resolve())


def test_a_tree_that_lacks_a_generated_file_is_not_built_unless_asked_and_says_so(repository: Path) -> None:
    bundle = fetch(repository)
    assert "_version.py" not in {file.path for file in bundle.files}
    assert "src/my_policy/_version.py is written by a build" in bundle.notes[0]
    assert "build: wheel" in bundle.notes[0]


@pytest.mark.slow
def test_a_wheel_is_built_with_the_tags_version_and_without_our_credentials(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_TOKEN", "canary")
    bundle = fetch(repository, build="wheel", version="1.2.3")
    files = {file.path: file.data for file in bundle.files}
    assert files["_version.py"] == b"version = '1.2.3'\n"
    assert bundle.version == "1.2.3"
    assert b"SITE_TOKEN" not in files["environment.py"]
    assert os.environ["SITE_TOKEN"]


@pytest.mark.slow
def test_a_build_that_fails_or_hangs_is_named(repository: Path) -> None:
    write(repository, {"backend.py": "def build_wheel(*_):\n    raise RuntimeError('no luck')\n"})
    commit(repository)
    git(repository, "tag", "--force", "v1.2.3")
    with pytest.raises(BuildFailed, match="by hand"):
        fetch(repository, build="wheel", tagMoved="allow")
    write(repository, {"backend.py": "import time\ntime.sleep(60)\n"})
    commit(repository)
    git(repository, "tag", "--force", "v1.2.3")
    with pytest.raises(BuildFailed, match="did not end"):
        fetch(repository, build="wheel", tagMoved="allow", timeout=3)


def test_building_is_for_git(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="build: is for git"):
        Package.model_validate({"moduleName": "m", "requirement": "./m", "build": "wheel"}, by_alias=True)


HOSTILE = """
import os, socket, subprocess, sys

def tried(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "succeeded"

found = {{
    "write": tried(lambda: open({outside!r} + "/planted", "w")),
    "key": tried(lambda: open({outside!r} + "/key").read()),
    "environ": tried(lambda: open("/proc/{pid}/environ", "rb").read()),
}}
subprocess.Popen(["sh", "-c", "sleep 1; echo x > left-behind"], start_new_session=True)
for _ in range(40):
    sys.stderr.write("x" * 1_000_000)
raise SystemExit("Error: " + repr(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(landlock.version() < 1, reason="this kernel has no Landlock, or a profile refuses it")
def test_a_hostile_build_reads_and_writes_nothing_of_ours_and_its_flood_is_cut(
    repository: Path, tmp_path: Path
) -> None:
    """The build of a package that was taken over: it prints 40 MB and leaves a process behind."""
    outside = tmp_path / "home"
    outside.mkdir()
    (outside / "key").write_text("canary")
    ours = subprocess.Popen(["sleep", "60"])
    write(repository, {"backend.py": HOSTILE.format(outside=str(outside), pid=ours.pid)})
    commit(repository)
    git(repository, "tag", "--force", "v1.2.3")
    with pytest.raises(BuildFailed) as failed:
        fetch(repository, build="wheel", version="1.2.3", tagMoved="allow")
    ours.kill()
    ours.wait()
    assert len(str(failed.value)) < 1_000
    assert "succeeded" not in str(failed.value)
    assert sorted(path.name for path in outside.iterdir()) == ["key"]
