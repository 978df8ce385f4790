"""What secretsync may do: enough, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from secretsync.cluster.rbac import Access, missing, surplus
from secretsync.operations.permissions import required_rules, secret_names_with_history

NAMES = secret_names_with_history(["atlas", "atlas-sub"], ["atlas"], 2)
NEEDS = required_rules("secretsync", NAMES, wired=False, proves=True)
RULES = [need.rule() for need in NEEDS]


def test_secrets_are_named_for_every_verb_but_create_and_never_listed() -> None:
    rules = [rule for rule in RULES if rule["resources"] == ["secrets"]]
    assert [rule["verbs"] for rule in rules if "resourceNames" not in rule] == [["create"]]
    (named,) = [rule for rule in rules if "resourceNames" in rule]
    assert named["resourceNames"] == ["secretsync-state", "atlas", "atlas-sub", "atlas-history-1", "atlas-history-2"]
    assert not {"list", "watch"} & {verb for rule in rules for verb in rule["verbs"]}


def test_a_site_that_wires_cannot_name_its_secrets() -> None:
    rules = [need.rule() for need in required_rules("secretsync", NAMES, wired=True, proves=True)]
    assert not any("resourceNames" in rule for rule in rules if rule["resources"] == ["secrets"])


def test_without_the_canary_no_job_is_made() -> None:
    rules = [need.rule() for need in required_rules("secretsync", NAMES, wired=False, proves=False)]
    assert {verb for rule in rules if "jobs" in rule["resources"] for verb in rule["verbs"]} == {"list"}


def test_what_the_role_says_is_enough_and_nothing_more() -> None:
    assert missing(NEEDS, RULES) == ()
    assert surplus(NEEDS, RULES) == ()


@pytest.mark.parametrize("number", range(len(RULES)))
def test_each_rule_is_missed_when_it_is_not_there(number: int) -> None:
    assert missing(NEEDS, RULES[:number] + RULES[number + 1 :])


def test_what_is_missing_is_named_by_verb_resource_and_name() -> None:
    rules = [{**rule, "resourceNames": ["atlas"]} if "resourceNames" in rule else rule for rule in RULES]
    assert "get secrets atlas-sub" in [str(access) for access in missing(NEEDS, rules)]
    assert "update leases.coordination.k8s.io secretsync" in [str(access) for access in missing(NEEDS, rules)]


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, "list secrets"),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["watch"]}, "watch secrets"),
        ({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}, "create pods/exec"),
        ({"apiGroups": [""], "resources": ["*/exec"], "verbs": ["create"]}, "create pods/exec"),
    ],
)
def test_what_is_granted_and_not_needed_is_said(rule: dict[str, Any], more: str) -> None:
    assert more in [str(access) for access in surplus(NEEDS, [*RULES, rule])]


def test_a_rule_for_one_name_is_none_for_all() -> None:
    named = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"], "resourceNames": ["atlas"]}
    assert Access("list", "", "secrets") not in surplus(NEEDS, [named])
