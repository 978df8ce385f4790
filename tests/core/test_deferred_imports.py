"""A library's imports that wait until they are used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from secretsync.core.deferred_imports import deferred_imports

MODULES = {
    "slowly/__init__.py": "def answer(): return 42\n",
    "slowly/below.py": "class Word(str): pass\n",
    "slowly_imports.py": "import slowly\nfrom slowly import answer\nfrom slowly.below import Word\n",
}


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith("slowly")]:
        del sys.modules[name]


def imported() -> set[str]:
    return {name for name in sys.modules if name.startswith("slowly")}


def test_a_module_is_imported_when_what_it_has_is_called() -> None:
    with deferred_imports("slowly", "slowly.below"):
        user = import_module("slowly_imports")
    assert imported() == {"slowly_imports"}
    assert user.answer() == 42
    assert imported() == {"slowly_imports", "slowly"}
    assert user.Word("x") == "x"
    assert imported() == {"slowly_imports", "slowly", "slowly.below"}


def test_or_when_a_name_below_it_is_asked_for() -> None:
    with deferred_imports("slowly", "slowly.below"):
        user = import_module("slowly_imports")
    assert user.slowly.below.Word("x") == "x"


def test_afterwards_others_import_the_module_itself() -> None:
    with deferred_imports("slowly"):
        pass
    assert import_module("slowly").answer() == 42


def test_what_was_imported_before_is_left_as_it_is() -> None:
    before = import_module("slowly")
    with deferred_imports("slowly", "slowly.below"):
        user = import_module("slowly_imports")
    assert user.answer is before.answer
    assert sys.modules["slowly"] is before
