"""Supported versions, has_permission and its table, algorithms."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import Severity
from tests.rucio.check.build import INIT, PERMISSION, errors, findings, only


@pytest.mark.parametrize(
    "value",
    ["'41'", "['41', '42']", "['==41', '==42']", "'>=41.2'", "'==41.5.1'", "'<41'", "41", "('>=41',)", "[41]",
     "['1.28', '32' '33', '34']"],
)  # fmt: skip
def test_a_supported_version_that_ends_the_process_is_an_error(value: str) -> None:
    assert errors(findings({"__init__.py": f"SUPPORTED_VERSION = {value}\n"})) == ["supported-version"]


@pytest.mark.parametrize(
    "value", ["'>=35.0.0'", "['>=35.0.0']", "'>=38.0,<42.0'", "'==41.*'", "'~=41.0'", "''", "[]", "'==41'"]
)
def test_a_supported_version_that_admits_rucio_is_no_finding(value: str) -> None:
    assert findings({"__init__.py": f"SUPPORTED_VERSION = {value}\n"}) == ()


def test_a_minor_version_that_excludes_nothing_is_a_warning() -> None:
    found = only(findings({"__init__.py": "SUPPORTED_VERSION = '!=36.4.0'\n"}))
    assert (found.severity, found.about) == (Severity.WARNING, "!=36.4.0")


def test_that_the_full_version_would_pass_is_said() -> None:
    found = findings({"__init__.py": "SUPPORTED_VERSION = '>=41.2'\n"})
    assert "although its full version would pass" in found[0].effect


def test_without_a_supported_version_there_is_no_finding() -> None:
    assert findings({"__init__.py": ""}) == ()


def test_without_has_permission_every_check_fails() -> None:
    assert "AttributeError" in only(findings({"permission.py": "x = 1\n"})).effect


@pytest.mark.parametrize(
    "signature",
    [
        "issuer, action, kwargs",
        "issuer, action",
        "*, issuer, action, kwargs, session",
        "issuer, action, kwargs, extra, session",
    ],
)
def test_a_signature_that_rucio_does_not_call_means_generic_permissions(signature: str) -> None:
    found = only(findings({"permission.py": f"def has_permission({signature}):\n    return True\n"}))
    assert found.rule == "has-permission"
    assert "generic permissions for every action" in found.effect


@pytest.mark.parametrize(
    "signature",
    [
        "issuer, action, kwargs, session",
        "issuer, action, kwargs, *, session=None",
        "*args, **more",
        "a, b, c, d=1, *, session=None",
    ],
)
def test_a_signature_that_rucio_can_call_is_no_finding(signature: str) -> None:
    assert findings({"permission.py": f"def has_permission({signature}):\n    return None\n"}) == ()


def test_a_coroutine_is_no_answer_at_the_gateway() -> None:
    source = "async def has_permission(issuer, action, kwargs, *, session=None):\n    return False\n"
    assert "fails with an AttributeError" in only(findings({"permission.py": source})).effect


def test_a_has_permission_that_delegates_is_no_finding() -> None:
    assert (
        findings({"permission.py": "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"})
        == ()
    )


def test_an_imported_has_permission_is_no_finding() -> None:
    assert findings({"permission.py": "from .real import has_permission\n", "real.py": PERMISSION}) == ()


def test_a_function_that_the_table_names_and_nobody_defines_fails_every_check() -> None:
    found = only(findings({"permission.py": PERMISSION.replace("def perm_add_rule", "def perm_renamed")}))
    assert (found.rule, found.about) == ("permission-table", "add_rule")
    assert "NameError" in found.effect


def test_a_function_that_cannot_take_its_arguments_leaves_its_action_to_generic() -> None:
    broken = PERMISSION.replace(
        "def perm_add_rule(issuer, kwargs, *, session=None)", "def perm_add_rule(issuer, kwargs)"
    )
    found = only(findings({"permission.py": broken}))
    assert (found.rule, found.about) == ("permission-table", "add_rule")


def algorithms(table: str) -> dict[str, str | bytes | None]:
    return {"__init__.py": INIT + f"def get_algorithms():\n    f = print\n    return {table}\n"}


@pytest.mark.parametrize(
    ("version", "is_error"),
    [("37.7.1", False), ("38.2.0", False), ("38.3.0", True), ("39.4.2", True), ("41.5.1", True)],
)
def test_surl_raises_from_38_3_on(version: str, is_error: bool) -> None:
    assert errors(findings(algorithms("{'surl': {'a': f}}"), rucio=version)) == (["algorithm-type"] if is_error else [])


def test_before_38_3_surl_replaces_the_other_name() -> None:
    found = only(findings(algorithms("{'surl': {'a': f}, 'non_deterministic_pfn': {'b': f}}"), rucio="38.2.0"))
    assert "replaces" in found.effect


def test_tables_made_in_steps_are_read() -> None:
    source = INIT + "def get_algorithms():\n    found = {}\n    found['surl'] = {'a': print}\n    return found\n"
    assert errors(findings({"__init__.py": source})) == ["algorithm-type"]


def test_the_known_types_are_no_finding() -> None:
    assert findings(algorithms("{'scope': {'a': f}, 'auto_approve': {'b': f}, 'fts3_plugins_init': {}}")) == ()


def test_with_several_vos_names_start_with_the_vo() -> None:
    files = algorithms("{'scope': {'Atl_scope': f, 'scope': f}}")
    assert only(findings(files, vo="atl")).about == "scope"
    assert findings(files) == ()


def test_a_default_algorithm_needs_the_name_of_its_type() -> None:
    assert only(findings({"lfn2pfn.py": "def other(): pass\n"})).rule == "default-algorithm"
    assert findings({"lfn2pfn.py": "def lfn2pfn(*_): pass\n"}) == ()


def test_a_module_whose_algorithms_are_registered_by_name_needs_no_default() -> None:
    init = INIT + "def get_algorithms():\n    from pol.scope import Scope\n    return {'scope': {'a': Scope.f}}\n"
    assert findings({"__init__.py": init, "scope.py": "class Scope:\n    f = print\n"}) == ()
