"""The explanation names the functions of the story as they are in the code, in the order in which they run."""

from __future__ import annotations

import ast
import re

import pytest

from tests import ROOT

pytestmark = pytest.mark.slow


STORY = (ROOT / "docs" / "explanation.md").read_text().partition("## The story of a pass")[2].partition("\n## ")[0]
STEPS = re.findall(r"^\d+\. \*\*[^*]+\*\* \((.*?)\)", STORY, re.MULTILINE)
RECONCILER = ROOT / "secretsync" / "reconcile" / "reconciler.py"


def functions_in_brackets(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", " ".join(re.findall(r"\(([^()]*)\)", text)))


def defined() -> set[str]:
    """The functions of secretsync."""
    modules = (ROOT / "secretsync").rglob("*.py")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def calls(function: str) -> list[str]:
    """What a function of the reconciler calls, in the order of its lines."""
    tree = ast.parse(RECONCILER.read_text(encoding="utf-8"))
    body = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    found = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    return [ast.unparse(call.func).rpartition(".")[2] for call in sorted(found, key=lambda call: call.lineno)]


def test_every_step_names_a_function_and_every_function_exists() -> None:
    assert len(STEPS) == len(re.findall(r"^\d+\. ", STORY, re.MULTILINE)) > 8
    assert set(functions_in_brackets(STORY)) - defined() == set()


def test_the_steps_come_in_the_order_of_the_code() -> None:
    story = [name for step in STEPS for name in re.findall(r"`(\w+)`", step)[:1]]
    locked = [name for name in calls("_reconcile_locked") if name in story]
    assert locked == [name for name in story if name in locked]
    assert {"observe", "check_packages", "_prove", "keep_previous_bundles", "apply_secrets", "roll_out"} <= set(locked)
