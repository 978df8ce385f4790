"""Who decides on each action, and what a new version changes."""

from __future__ import annotations

from secretsync.rucio.check.actions import ActionRow, action_table, with_proof
from tests.rucio.check.build import PERMISSION, RUCIO, policy

HEAD = "def has_permission(issuer, action, kwargs, *, session=None):\n"


def decided(permission: str, version: str = RUCIO) -> dict[str, str]:
    return {row.action: row.decided_by for row in action_table(policy({"permission.py": permission}), (version,))}


def test_a_function_of_the_table_its_default_or_generic_decides() -> None:
    assert decided(PERMISSION)["add_rule"] == "perm_add_rule"
    assert decided(PERMISSION)["del_rse"] == "perm_default"
    assert set(decided(HEAD + "    return None\n").values()) == {"generic"}
    own = HEAD + "    return action == 'add_rse'\n"
    assert set(decided(own).values()) == {"has_permission"}


def test_every_action_that_the_gateway_asks_for_has_a_row() -> None:
    assert len(decided(PERMISSION)) > 94
    assert "list_vos" in decided(PERMISSION)


def test_a_type_error_makes_generic_decide_in_the_versions_that_raise_it() -> None:
    call = "    return has_account_attribute(issuer, 'admin')\n"
    source = f"from rucio.core.account import has_account_attribute\n{PERMISSION}{call}"
    rows = action_table(policy({"permission.py": source.replace("    return True\n", "")}), ("38.5.5", "41.5.1"))
    found = {row.rucio: row.decided_by for row in rows if row.action == "add_rule"}
    assert found == {("38.5.5",): "perm_add_rule", ("41.5.1",): "generic (TypeError)"}


def test_what_fails_is_said() -> None:
    lookup = PERMISSION.replace("perm.get(action, perm_default)", "perm[action]")
    assert decided(lookup)["del_rse"] == "fails (KeyError)"
    assert decided(lookup)["add_rule"] == "perm_add_rule"
    assert set(decided(HEAD + "    return 1\n").values()) == {"fails"}
    assert set(decided("import metacat\n" + PERMISSION).values()) == {"generic"}


def test_what_changes_against_live_is_marked() -> None:
    live = policy()
    after = policy({"permission.py": PERMISSION.replace("return True", "return False")})
    changed = {row.action: row.changed for row in action_table(after, (RUCIO,), live) if row.changed}
    assert changed == {"add_rule": "changed"}
    own = policy({"permission.py": PERMISSION.replace('"add_did": perm_default', '"own": perm_default')})
    assert {row.action: row.changed for row in action_table(own, (RUCIO,), live) if row.changed} == {"own": "new"}


def test_who_decided_before_is_told_where_something_is_live() -> None:
    live = policy({"permission.py": HEAD + "    return None\n"})
    before = {row.action: (row.before, row.decided_by) for row in action_table(policy(), (RUCIO,), live)}
    assert before["add_rule"] == ("generic", "perm_add_rule")
    assert {row.before for row in action_table(policy(), (RUCIO,))} == {""}


def test_what_was_proven_stands_beside_it_for_each_version() -> None:
    row = ActionRow("add_rule", "perm_add_rule", "", ("38.5.5", "41.5.1"))
    proven = {"38.5.5": {"add_rule": "package"}, "41.5.1": {"add_rule": "generic, because of a TypeError"}}
    assert [(one.rucio, one.proven) for one in with_proof((row,), proven)] == [
        (("38.5.5",), "package"),
        (("41.5.1",), "generic, because of a TypeError"),
    ]
