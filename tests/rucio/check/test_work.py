"""A file that is written to fill the time or the memory is read no further than what any package needs."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import Situation, check
from secretsync.rucio.check.bounded import LONGEST as LONGEST_SHOWN
from secretsync.rucio.check.bounded import MOST_OF_A_RULE
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.values import LONGEST, MOST_PARTS, UNREADABLE, readable
from secretsync.rucio.check.work import MOST, TooMuchWork, Work
from tests.rucio.check.build import errors, findings, only, policy

pytestmark = pytest.mark.slow


def version_of(init: str) -> object:
    package = Package(policy({"__init__.py": init}))
    module = package.get("")
    assert module
    return package.values(module).get("SUPPORTED_VERSION")


@pytest.mark.parametrize(
    "init",
    [
        "A = 2 ** 10 ** 9",
        "A = 'a' * 10 ** 10",
        "A = '%999999999d' % 5",
        "A = '%*d' % (999999999, 5)",
        "A = '{:999999999d}'.format(5)",
        "A = '{:{}}'.format('', 999999999)",
        "A = '{a:{b}}'.format(a='', b='999999999')",
        "W = 999999999\nA = f'{1:{W}}'",
        "A = 'aaaaaaaaaa'\n" + "A = f'{A}{A}'\n" * 40,
        "A = 'aaaaaaaaaa'\n" + "A += A\n" * 40,
        "A = [1]\n" + "A = [*A, *A]\n" * 40,
        "A = [1]\n" + "A.extend(A)\n" * 40,
        "A = [1]\n" + "A = [A, A, A]\n" * 40,
        "A = {}\n" + "A = {'a': A, 'b': A}\n" * 40,
        "A = []\nA.append(A)\nif A == A:\n    A = 1",
        "A = {}\nA['a'] = A",
        "A = 'aaaaaaaaaa'\n" + "A = '{0}{0}{0}{0}{0}{0}{0}{0}'.format(A)\n" * 12,
        "A = 'a'\n" + "A = '%s%s%s%s%s%s%s%s' % (A, A, A, A, A, A, A, A)\n" * 12,
        "A = 'a'\n" + "A = A.replace('a', 'aaaaaaaaaa')\n" * 12,
        "A = ['a'] * 1\nB = ['a']\n" + "B = B + B\n" * 12 + "A = 'b'\n" + "A = A.join(B)\n" * 4,
        "R = [1]\n" + "R = R + R\n" * 12 + "A = [[[z for z in R] for y in R] for x in R]",
        "def f0():\n    return '1'\n"
        + "".join(f"def f{i}():\n    return " + " + ".join([f"f{i - 1}()"] * 20) + "\n" for i in range(1, 9))
        + "A = f8()",
    ],
)
def test_what_grows_without_end_is_not_known(init: str) -> None:
    assert not readable(version_of(f"{init}\nSUPPORTED_VERSION = [A]\n"))


def test_findings_by_the_thousand_are_the_worst_of_them_and_their_number() -> None:
    calls = "".join(f"f{number}()\n" for number in range(3_000))
    found = findings({"__init__.py": "SUPPORTED_VERSION = ['>=36']\n" + calls})
    undefined = [finding for finding in found if finding.rule == "undefined-name"]
    assert len(undefined) == MOST_OF_A_RULE + 1
    assert "This rule has 2,900 more findings" in undefined[0].effect
    assert {str(finding.severity) for finding in undefined} == {"error"}


def test_a_name_of_a_hundred_thousand_characters_is_shown_in_part() -> None:
    found = findings({"__init__.py": "SUPPORTED_VERSION = ['>=36']\n" + "a" * 100_000 + "()\n"})
    assert any(finding.rule == "undefined-name" for finding in found)
    assert max(len(finding.effect) for finding in found) <= LONGEST_SHOWN


def test_a_file_that_uses_up_the_work_has_findings_and_no_errors() -> None:
    many = "import os\n" + "A = " + repr([[0] * 9] * 900) + "\n" + "if os.x:\n    B = 1\nelse:\n    B = 2\n" * 300
    found = only(findings({"__init__.py": many + "SUPPORTED_VERSION = '>=36'\n"}))
    assert (found.rule, str(found.severity)) == ("supported-version", "warning")


def test_a_schema_that_holds_itself_is_no_end() -> None:
    assert (
        errors(findings({"schema.py": "A = {}\nA['properties'] = {'a': A, 'b': A}\nSCHEMAS = {'account': A}\n"})) == []
    )


def test_sets_of_characters_of_all_of_unicode_are_work() -> None:
    patterns = ", ".join(f"'n{i}': {{'type': 'string', 'pattern': '{'[^a]' * 100}é{i}'}}" for i in range(40))
    package = policy({"schema.py": f"SCHEMAS = {{{patterns}}}\n"})
    assert errors(check(package, Situation(rucio=("41.5.1",)))) == []


def test_work_ends_for_good() -> None:
    work = Work(2)
    work.spend(2)
    for _ in range(2):
        with pytest.raises(TooMuchWork):
            work.spend(1)


def test_what_a_package_may_use_is_more_than_one_value_may_have() -> None:
    assert LONGEST < MOST_PARTS < MOST
    assert not readable([UNREADABLE])
