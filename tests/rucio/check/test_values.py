"""``SUPPORTED_VERSION`` is read through what can be followed, and said to be unreadable where it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.rucio.check import Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.values import UNREADABLE, readable
from tests.rucio.check.build import errors, findings, only, policy

VERSIONS = "OLDEST = 99\nRANGE = '>=99'\n"


@pytest.mark.parametrize(
    "init",
    [
        "SUPPORTED_VERSION = '>=%d' % 99",
        "SUPPORTED_VERSION = '>=%s,<%s' % (99, 100)",
        "BASE = '>=99'\nSUPPORTED_VERSION = BASE",
        "SUPPORTED_VERSION = ','.join(['>=99', '<100'])",
        "N = 99\nSUPPORTED_VERSION = f'>={N}'",
        "SUPPORTED_VERSION = '>='\nSUPPORTED_VERSION += '99'",
        "SUPPORTED_VERSION = '>={}'.format(99)",
        "SUPPORTED_VERSION = '>=99' if True else '>=37'",
        "if True:\n    SUPPORTED_VERSION = '>=99'\nelse:\n    SUPPORTED_VERSION = '>=37'",
        "from .versions import RANGE as SUPPORTED_VERSION",
        "from .versions import *\nSUPPORTED_VERSION = RANGE",
        "from . import versions\nSUPPORTED_VERSION = versions.RANGE",
        "from .versions import OLDEST\nSUPPORTED_VERSION = ['>=' + str(OLDEST)]",
        "A = B = '>=99'\nSUPPORTED_VERSION, OTHER = A, B",
        "SUPPORTED_VERSION = ('>=37', '<99')",
        "SUPPORTED_VERSION = []\nSUPPORTED_VERSION.append('>=99')",
        "SUPPORTED_VERSION = {'new': '>=99'}['new']",
        "def make():\n    return '>=99'\nSUPPORTED_VERSION = make()",
        "BASE = '41'\nSUPPORTED_VERSION = BASE",
    ],
)
def test_a_calculated_version_that_rucio_refuses_is_an_error(init: str) -> None:
    assert errors(findings({"__init__.py": init + "\n", "versions.py": VERSIONS})) == ["supported-version"]


@pytest.mark.parametrize(
    "init",
    [
        "import os\nSUPPORTED_VERSION = os.environ.get('RANGE', '>=37')",
        "import sys\nSUPPORTED_VERSION = '>=37' if sys.maxsize > 5 else '>=99'",
        "from rucio.version import version_string\nSUPPORTED_VERSION = version_string()",
        "for SUPPORTED_VERSION in ('>=37', '>=99'):\n    pass",
        "import sys\nif sys.argv:\n    SUPPORTED_VERSION = '>=37'\nelse:\n    SUPPORTED_VERSION = '>=38'",
        "try:\n    SUPPORTED_VERSION = '>=37'\nexcept Exception:\n    SUPPORTED_VERSION = '>=99'",
        "SUPPORTED_VERSION = '%99999999d' % 5",
    ],
)
def test_what_cannot_be_followed_is_said_and_no_error(init: str) -> None:
    found = only(findings({"__init__.py": init + "\n"}))
    assert (found.rule, found.severity) == ("supported-version", Severity.WARNING)
    assert "cannot be read" in found.effect


@pytest.mark.parametrize("init", ["N = 37\nSUPPORTED_VERSION = f'>={N}'", "SUPPORTED_VERSION = ['>=37'] + ['<42']"])
def test_a_calculated_version_that_rucio_admits_is_no_alarm(init: str) -> None:
    assert findings({"__init__.py": init + "\n"}) == ()


CONSTANTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(CONSTANTS)
def test_what_python_would_write_is_read_as_it_is(value: object) -> None:
    package = Package(policy({"__init__.py": f"X = {value!r}\nY = X\n"}))
    module = package.get("")
    assert module
    assert package.values(module)["Y"] == value


def test_a_value_with_one_part_that_is_calculated_is_not_readable() -> None:
    assert not readable({"a": [1, UNREADABLE]})
    assert readable({"a": [1, None]})


DOUBLED = "".join(f"A{n} = {{'a': A{n - 1}, 'b': A{n - 1}}}\n" for n in range(1, 50))
MERGED = "".join(f"A{n} = {{**A{n - 1}, 'k{n}': A{n - 1}}}\n" for n in range(1, 50))


@pytest.mark.parametrize("lines", [DOUBLED, MERGED])
def test_values_that_hold_each_other_many_times_are_taken_for_calculated(lines: str) -> None:
    found = findings({"__init__.py": f"A0 = {{'a': 'b'}}\n{lines}SUPPORTED_VERSION = A49\n"})
    assert [one.rule for one in found] == ["supported-version"]
    assert "cannot be read here" in found[0].effect


def test_a_package_whose_values_take_too_many_steps_is_read_as_far_as_they_go() -> None:
    branches = "".join(f"if random.random() > {n}:\n    Y{n} = 1\nelse:\n    Y{n} = 2\n" for n in range(600))
    found = only(findings({"__init__.py": f"import random\n{branches}SUPPORTED_VERSION = ['>=38']\n"}))
    assert "cannot be read here" in found.effect
