"""What is live and would vanish."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import Finding, Severity, Situation, check
from tests.rucio.check.build import INIT, PERMISSION, RUCIO, only, policy

ALGORITHMS = INIT + "def get_algorithms():\n    f = print\n    return {'scope': {'a': f, 'b': f}}\n"
TABLE = """
def has_permission(issuer, action, kwargs, *, session=None):
    perm = {%s}
    return perm.get(action, perm_x)(issuer)

def perm_x(issuer): pass
"""


def against(
    live: dict[str, str | bytes | None], wanted: dict[str, str | bytes | None], *accepted: str
) -> tuple[Finding, ...]:
    return check(policy(wanted), Situation(rucio=(RUCIO,), live=policy(live), accepted=frozenset(accepted)))


@pytest.mark.parametrize("name", ["__init__", "permission", "schema"])
def test_a_module_that_is_live_and_vanishes_is_an_error_until_accepted(name: str) -> None:
    def guard(found: tuple[Finding, ...]) -> list[Severity]:
        return [one.severity for one in found if one.rule == "module-vanished"]

    assert guard(against({}, {f"{name}.py": None})) == [Severity.ERROR]
    assert guard(against({}, {f"{name}.py": None}, f"module-vanished:{name}")) == [Severity.NOTICE]
    assert guard(against({f"{name}.py": None}, {f"{name}.py": None})) == []


def test_the_same_package_again_is_no_finding() -> None:
    assert against({}, {}) == ()


def test_a_has_permission_that_begins_to_delegate_is_an_error() -> None:
    found = only(
        against(
            {}, {"permission.py": "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"}
        )
    )
    assert found.rule == "permission-emptied"


def test_half_of_the_table_gone_is_an_error() -> None:
    before = TABLE % ", ".join(f"'a{n}': perm_x" for n in range(10))
    after = TABLE % ", ".join(f"'a{n}': perm_x" for n in range(4))
    found = only(against({"permission.py": before}, {"permission.py": after}))
    assert found.rule == "permission-emptied"
    assert "10 actions today and would on 4" in found.effect


def test_a_few_actions_less_are_no_guards_business() -> None:
    before = TABLE % ", ".join(f"'a{n}': perm_x" for n in range(10))
    after = TABLE % ", ".join(f"'a{n}': perm_x" for n in range(9))
    assert against({"permission.py": before}, {"permission.py": after}) == ()


def test_a_changed_length_needs_a_migration_and_is_accepted_by_name() -> None:
    wider = {"schema.py": "NAME_LENGTH = 500\nSCHEMAS = {}\n"}
    found = only(against({}, wider))
    assert (found.rule, found.about, found.severity) == ("length-changed", "NAME_LENGTH", Severity.ERROR)
    assert "from 250 to 500" in found.effect
    assert only(against({}, wider, "NAME_LENGTH")).severity is Severity.NOTICE


def test_a_length_that_vanishes_becomes_rucios_own() -> None:
    assert against({}, {"schema.py": "SCHEMAS = {}\n"}) == ()  # 250 both
    assert (
        "from 90 to 250"
        in only(against({"schema.py": "NAME_LENGTH = 90\nSCHEMAS = {}\n"}, {"schema.py": "SCHEMAS = {}\n"})).effect
    )


def test_a_default_algorithm_that_vanishes_is_an_error() -> None:
    live = {"lfn2pfn.py": "def lfn2pfn(): pass\n"}
    assert only(against(live, {})).rule == "default-algorithm-vanished"
    assert "hash" in only(against(live, {}, "nothing")).effect


def test_an_algorithm_that_vanishes_is_a_warning() -> None:
    found = only(against({"__init__.py": ALGORITHMS}, {"__init__.py": ALGORITHMS.replace(", 'b': f", "")}))
    assert (found.rule, found.about, found.severity) == ("algorithm-vanished", "scope/b", Severity.WARNING)


def test_accepting_one_thing_accepts_no_other() -> None:
    assert (
        only(against({}, {"schema.py": "NAME_LENGTH = 500\nSCHEMAS = {}\n"}, "SCOPE_LENGTH", PERMISSION)).severity
        is Severity.ERROR
    )
