"""Whatever the way in, the same tree is the same bundle."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretsync.config import Package
from secretsync.core.model import Bundle
from secretsync.sources.open import open_source
from tests.servers.simple_index import Release, SimpleIndex, serve
from tests.sources.layouts import commit
from tests.sources.wheels import wheel

pytestmark = pytest.mark.slow


NAMES = st.text("abcxyz_", min_size=1, max_size=5)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/".join([*parts[:-1], f"{parts[-1]}.py"]))
CONTENTS = st.binary(max_size=200).filter(lambda data: not data.startswith(b"version https://git-lfs"))
TREES = st.dictionaries(PATHS, CONTENTS, max_size=8)


def fetch(requirement: str, folder: Path, index: str = "") -> Bundle:
    package = Package(module_name="my_policy", requirement=requirement, index=index)
    source = open_source(package, cache=folder / "cache", base=folder)
    return source.fetch(source.resolve())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_git_a_wheel_and_a_directory_give_the_same_bundle(tree: dict[str, bytes]) -> None:
    files = {f"my_policy/{path}": data for path, data in {"__init__.py": b"", **tree}.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, data in files.items():
            (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "tree" / path).write_bytes(data)
        directory = fetch("./tree", folder)
        commit(folder / "tree")
        repository = fetch(f"git+file://{folder}/tree", folder)
        released = Release("my-policy", "my_policy-1.0-py3-none-any.whl", wheel(files))
        with serve(SimpleIndex([released])) as index:
            published = fetch("my-policy==1.0", folder, index)
    assert directory.files == repository.files == published.files
    assert {f"my_policy/{file.path}": file.data for file in directory.files} == files
