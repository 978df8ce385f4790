"""The map in CONTRIBUTING.md holds: imports point down, in no circle; a library of the world has one importer."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests import ROOT

PACKAGE = ROOT / "secretsync"
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORLD = {"kubernetes", "git", "requests", "schedule", "subprocess", "socket", "urllib", "http", "os", "time", "click"}
PURE = (
    "plan/",
    "core/kinds/",
    "rucio/check/",
    "rucio/charts/",
    "rucio/conditions/",
    "rucio/wiring",
    "rucio/workload_context",
)
PURE_CORE = ("model", "errors", "packing", "secret_codec", "pod_references", "yaml_edit", "template_annotations")


def rows(head: str) -> list[list[str]]:
    """The cells of the table below the line that begins with *head*."""
    table = PAGE[PAGE.index(head) :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


ROOMS = [row[0].strip("`") for row in rows("| room |")]
IMPORTERS = {
    library.strip("`"): tuple(re.findall(r"`([^`]+)`", importers)) for library, importers in rows("| library |")
}
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}


@cache
def imports(path: Path) -> tuple[str, ...]:
    """All that a file imports, wherever in it; of a ``from`` import each name, as it may be a module."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            package = ".".join(path.relative_to(ROOT).parts[: -node.level]) + "." if node.level else ""
            found += (f"{package}{node.module}.{name.name}" for name in node.names)
    return tuple(found)


@cache
def own_imports(module: str) -> set[str]:
    """The modules of secretsync that one of them imports."""
    found = set()
    for name in imports(MODULES[module]):
        path = name.replace(".", "/").removeprefix("secretsync").removeprefix("/")
        here = next((at for at in (path, f"{path}/__init__", path.rpartition("/")[0]) if at in MODULES), None)
        package = f"{path.rpartition('/')[0]}/__init__"
        if name.startswith("secretsync") and (at := here or (package if package in MODULES else None)):
            found.add(at)
    return found - {module}


def room(module: str) -> str:
    return module.partition("/")[0]


def test_every_module_is_in_a_room_of_the_map() -> None:
    assert sorted({room(module) for module in MODULES} - {"__init__", "__main__"}) == sorted(ROOMS)


def test_the_map_names_what_is_in_each_room() -> None:
    for name, _, content in rows("| room |"):
        at = name.strip("`")
        there = {
            module.removeprefix(f"{at}/").partition("/")[0]
            for module in MODULES
            if module.startswith(f"{at}/") and module != f"{at}/__init__"
        }
        named = {one.strip("/") for one in re.findall(r"`([a-z_]+/?)`", content)}
        if at != "config":  # which has a module for each part of the configuration
            assert named == there, f"{at}: the page and the folder differ"


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"__init__", "__main__"}))
def test_imports_point_down_the_map(module: str) -> None:
    below = ROOMS[ROOMS.index(room(module)) :]
    assert [other for other in sorted(own_imports(module)) if room(other) not in (*below, "__init__")] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    # a package's __init__ is run before its modules: only what it imports itself counts
    try:
        TopologicalSorter({module: own_imports(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(f"in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    "module",
    [module for module in sorted(MODULES) if module.startswith(PURE) or module in {f"core/{one}" for one in PURE_CORE}],
)
def test_what_calculates_imports_nothing_that_touches_the_world(module: str) -> None:
    named = {name for name in imports(MODULES[module]) if not name.startswith("urllib.parse")}  # which takes text apart
    assert not {name.partition(".")[0] for name in named} & WORLD


@pytest.mark.parametrize("library", sorted(IMPORTERS))
def test_a_library_that_touches_the_world_has_one_importer(library: str) -> None:
    importers = [
        module
        for module, path in sorted(MODULES.items())
        if library in {name.partition(".")[0] for name in imports(path)}
    ]
    assert [module for module in importers if not module.startswith(IMPORTERS[library])] == []
    assert importers
