"""Imports point down only, and a library that touches the world has one importer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "secretsync"
WORLD = {"kubernetes", "git", "requests", "schedule", "subprocess", "socket", "urllib", "http", "os", "time", "click"}
CORE = {
    "model", "errors", "requirement", "locate", "manifest", "pack", "changes", "ownership", "state", "stale",
    "rollout", "wait", "plan", "surroundings", "pinned", "wiring/styles", "wiring/values", "wiring/patch",
    "wiring/lint", "wiring/merge", "wiring/yaml_text", "wiring/site_values", "wiring/injection",
    "permissions", "doctor/container", "doctor/rucio_cfg", "doctor/conditions",
    "doctor/footing", "metrics", "reasons", "verdict", "events", "wired", "wiring/field_managers", "wiring/rewiring",
}  # fmt: skip
ONLY_IN = {
    "kubernetes": ("cluster/kubernetes",),
    "git": ("sources/git",),
    "requests": ("sources/index", "sources/http", "notify/"),
    "schedule": ("loop",),
    "prometheus_client": ("registry", "health_port"),
}
EDGES = ("sources", "cluster", "notify")
STORY = ("sync", "loop", "service", "cli", "assemble", "memory")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def rooms() -> list[str]:
    return sorted(str(path.relative_to(PACKAGE).with_suffix("")) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("room", sorted(CORE))
def test_the_core_imports_nothing_that_touches_the_world(room: str) -> None:
    named = set(imports(PACKAGE / f"{room}.py")) - {"urllib.parse"}  # which only takes text apart
    touched = {name.partition(".")[0] for name in named} & WORLD
    assert not touched


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_that_touches_the_world_has_one_importer(library: str) -> None:
    importers = [
        room for room in rooms() if library in {name.partition(".")[0] for name in imports(PACKAGE / f"{room}.py")}
    ]
    assert [room for room in importers if not room.startswith(ONLY_IN[library])] == []


@pytest.mark.parametrize("room", [room for room in rooms() if room.startswith(EDGES)])
def test_an_edge_knows_nothing_of_the_story(room: str) -> None:
    known = {name.split(".")[1] for name in imports(PACKAGE / f"{room}.py") if name.startswith("secretsync.")}
    assert not known & set(STORY)
