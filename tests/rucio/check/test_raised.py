"""Expressions of constants that fail at import, and what looks like one and works."""

from __future__ import annotations

import pytest

from tests.rucio.check.build import errors, findings

NONE = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"


def of_permission(code: str) -> list[str]:
    return errors(findings({"permission.py": f"{code}\n{NONE}"}))


@pytest.mark.parametrize(
    "code",
    [
        "RATIO = 1 / 0",
        "X = int('x')",
        "X = [][0]",
        "X = {}['k']",
        "LIMITS = {'a': 1}\nX = LIMITS['b']",
        "ADMINS = ('root',)\nX = ADMINS[1]",
        "A, B = (1, 2, 3)",
        "X = 'a' + 1",
        "X = None\nY = X.lower()",
        "X = {'a': 1}.has_key('a')",
        "X = max([])",
        "X = '%d' % 'a'",
        "X = '{} {}'.format(1)",
        "X = ('a'\n ('b'))",
        "X = ['a' ['b']]",
        "class Limits:\n    FILES = int('a')",
        "def f(n):\n    return 10 / n\nX = f(0)",
        "try:\n    X = int('x')\nexcept TypeError:\n    X = 0",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n    y: str",
        "from typing import NamedTuple\nclass A(NamedTuple):\n    x: int = 1\n    y: str",
    ],
)
def test_what_is_certain_to_fail_ends_the_import(code: str) -> None:
    assert of_permission(code) == ["stops-at-import"]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def f(a):\n    return a\nX = f()", "unbound-call"),
        ("class A:\n    def __init__(self, x):\n        self.x = x\nB = A()", "unbound-call"),
        ("import enum\nclass A(enum.Enum):\n    X = 1\nB = A.Y", "missing-attribute"),
    ],
)
def test_a_call_or_a_member_that_does_not_fit_is_seen_at_import(code: str, rule: str) -> None:
    assert of_permission(code) == [rule]


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    X = 1 / 0\nexcept ArithmeticError:\n    X = 0",
        "X = 1 / 3",
        "X = [1, 2][0:5]",
        "X = lambda: 1 / 0",
        "X = True or 1 / 0",
        "for x in []:\n    undefined_thing(x)",
        "def f():\n    return 1 / 0",
        "HANDLERS = {}\ndef register(f):\n    HANDLERS[f.__name__] = f\n    return f\n"
        "@register\ndef add(): pass\nX = HANDLERS['add']",
        "TABLE = {}\ndef fill(t):\n    t['a'] = 1\nfill(TABLE)\nX = TABLE['a']",
        "A = [1, 2]\nB = A\nB.append(3)\nX = A[2]",
        "A = {}\nvars()['A'].update(x=1)\nX = A['x']",
        "X = 5\nglobals().update(X='a')\nY = X.upper()",
        "X = None\ndef f():\n    global X\n    X = 'a'\nf()\nY = X.upper()",
        "import enum\nclass Color(str, enum.Enum):\n    RED = 'red'\nX = Color.RED.upper()",
        "import enum\nclass Color(enum.Enum):\n    RED = 1\nX = Color.__members__",
        "import sys\nX = sys.version_info[4]",
        "X = sorted([3, 1], reverse=True)[1]",
        "X = (*'ab',)[1]",
        "def f(s):\n    if s is None:\n        s = '1'\n    return int(s)\nX = f(None)",
        "class A(dict):\n    def __init__(self, x):\n        super().__init__()\nB = A(1)",
        "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    x: int = field(init=False)\n    y: str",
        "from dataclasses import dataclass\nfrom typing import ClassVar\n"
        "@dataclass\nclass A:\n    x: ClassVar[int] = 1\n    y: str",
    ],
)
def test_what_works_or_is_not_reached_is_no_error(code: str) -> None:
    assert of_permission(code) == []


def test_a_constant_that_another_module_sets_is_none() -> None:
    later = "from .settings import NAME\n"
    files = {
        "settings.py": "NAME = None\ndef upper():\n    return NAME.upper()\n",
        "later.py": later,
        "permission.py": "from . import settings\nsettings.NAME = 'a'\nX = settings.upper()\n" + NONE,
    }
    assert errors(findings(files)) == []


def test_a_loop_over_nothing_is_not_even_a_warning() -> None:
    assert findings({"permission.py": f"for x in ():\n    undefined_thing(x)\n{NONE}"}) == ()
