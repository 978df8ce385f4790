"""What changes in Rucio's terms, and what a stale copy lacks."""

from __future__ import annotations

from secretsync.cli.output.policy import against_generic_text, diff_text
from secretsync.rucio.check.against_generic import against_generic
from secretsync.rucio.check.policy_diff import policy_diff
from tests.rucio.check.build import INIT, PERMISSION, RUCIO, SCHEMA, policy

ALGORITHMS = INIT + "def get_algorithms():\n    f = print\n    return {'scope': {'a': f}}\n"


def test_the_same_policy_has_an_empty_diff() -> None:
    diff = policy_diff(policy(), policy())
    assert diff.empty
    assert diff_text(diff) == "The policy is the same.\n"


def test_actions_added_and_removed() -> None:
    diff = policy_diff(policy(), policy({"permission.py": PERMISSION.replace('"add_did"', '"del_did"')}))
    assert (diff.actions_added, diff.actions_removed) == (("del_did",), ("add_did",))


def test_an_action_whose_function_changes_shows_the_lines() -> None:
    diff = policy_diff(policy(), policy({"permission.py": PERMISSION.replace("return True", "return False")}))
    (changed,) = diff.actions_changed
    assert changed.name == "add_rule"
    assert {"-    return True", "+    return False"} <= set(changed.diff)
    assert "Action add_rule:" in diff_text(diff)


def test_an_action_that_another_function_decides_is_changed() -> None:
    diff = policy_diff(policy(), policy({"permission.py": PERMISSION.replace("perm_add_rule,", "perm_default,")}))
    assert [one.name for one in diff.actions_changed] == ["add_rule"]


def test_a_helper_that_changes_is_shown_since_actions_depend_on_it() -> None:
    helper = "\ndef _is_root(issuer):\n    return %s\n"
    before, after = (policy({"permission.py": PERMISSION + helper % value}) for value in ("True", "False"))
    assert [one.name for one in policy_diff(before, after).helpers_changed] == ["_is_root"]


def test_schemas_and_limits_with_old_and_new_value() -> None:
    diff = policy_diff(policy(), policy({"schema.py": SCHEMA.replace("250", "500").replace('"string"', '"number"')}))
    assert [(one.name, one.before, one.after) for one in diff.limits_changed] == [("NAME_LENGTH", "250", "500")]
    assert [one.name for one in diff.schemas_changed] == ["name"]
    assert "NAME_LENGTH: 250 -> 500" in diff_text(diff)


def test_algorithms_defaults_and_supported_versions() -> None:
    diff = policy_diff(
        policy({"lfn2pfn.py": "def lfn2pfn(): pass\n"}),
        policy({"__init__.py": ALGORITHMS + "SUPPORTED_VERSION = '>=40'\n"}),
    )
    assert (diff.algorithms_added, diff.algorithms_removed) == (("scope/a",), ("lfn2pfn",))
    assert diff.supported_version
    assert (diff.supported_version.before, diff.supported_version.after) == (">=36", ">=40")


def test_a_policy_that_begins_to_delegate_says_so() -> None:
    delegating = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"
    assert "leaves everything to Rucio's generic permissions" in diff_text(
        policy_diff(policy(), policy({"permission.py": delegating}))
    )


def test_a_function_of_thousands_of_lines_is_counted_not_compared() -> None:
    long = "def perm_add_rule(issuer, kwargs, *, session=None):\n" + "    x = 1\n" * 5000
    before = PERMISSION[: PERMISSION.index("def perm_add_rule")] + long
    (changed,) = policy_diff(
        policy({"permission.py": before}), policy({"permission.py": before + "    x = 2\n"})
    ).actions_changed
    assert changed.diff == ("- 5,001 lines", "+ 5,002 lines")


def test_a_copy_lacks_what_generic_has_since_gained() -> None:
    compared = against_generic(policy(), RUCIO)
    assert "add_opendata_did" in compared.lacks
    assert "add_rule" not in compared.lacks
    assert compared.decided_by == "the package's perm_default"
    assert "add_opendata_did" in against_generic_text(compared)


def test_what_generic_gained_depends_on_the_version() -> None:
    assert "add_opendata_did" not in against_generic(policy(), "37.0.0").lacks


def test_a_policy_that_delegates_lacks_nothing() -> None:
    delegating = {"permission.py": "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"}
    assert against_generic(policy(delegating), RUCIO).lacks == ()
