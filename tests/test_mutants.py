"""The bugs that `make mutants` puts into the core are programs, and each is another one."""

from __future__ import annotations

import pytest

from scripts.mutants import CORE, ROOT, changed, changes, modules


def mutants(text: str) -> set[str]:
    return {changed(text, *change) for change in changes(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b", {"a <= b"}),
        ("a in b", {"a not in b"}),
        ("a and b", {"a or b"}),
        ("x = not a", {"x = not not a"}),
        ("x = True", {"x = False"}),
        ("x = 1", {"x = 2"}),
        ("min(a)", {"max(a)"}),
        ("lock.keep(a)", {"None"}),
        ("log.info(a)", set()),
        ("if a:\n    b", {"if True:\n    b", "if False:\n    b"}),
        ("[a for a in b if a]", {"[a for a in b]"}),
        ("def f(a: A | None) -> A | None: ...", set()),
    ],
)
def test_each_kind_of_bug_is_one_small_change(text: str, expected: set[str]) -> None:
    assert mutants(text) == expected


def test_the_core_is_where_the_table_says() -> None:
    assert all((ROOT / name).exists() for name in CORE)
    assert all((ROOT / test).exists() for tests in CORE.values() for test in tests)
    assert {"plan.py", "packing.py", "select.py", "reconciler.py"} <= {module.name for module in modules([])}
