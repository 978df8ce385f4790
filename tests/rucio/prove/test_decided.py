"""Who decided on an action: the package, Rucio's generic permissions, or nobody, as the probe's answers tell."""

from __future__ import annotations

import pytest

from secretsync.rucio.prove.decided import Decided, decided_by, decisions, is_the_questions_fault

KEY = "KeyError: 'account'"
LACKS = "TypeError: 'NoneType' object is not callable"
BINDS = "TypeError: has_account_attribute() missing 1 required positional argument: 'session'"
LOST = "RuleNotFound: No replication rule found"


def answer(package: object, generic: object = True, *, asked: bool = True, account: str = "root") -> dict[str, object]:
    return {
        "account": account,
        "action": "add_rule",
        "asked": asked,
        "rucio": package,
        "package": package,
        "generic": generic,
    }


@pytest.mark.parametrize(
    ("given", "decided"),
    [
        (answer(True), Decided.PACKAGE),
        (answer(False), Decided.PACKAGE),
        (answer(None), Decided.NONE),
        (answer(LACKS), Decided.NOT_IN_TABLE),
        (answer(BINDS), Decided.TYPE_ERROR),
        (answer(KEY), Decided.ERROR),
        (answer(KEY, KEY), Decided.AS_GENERIC),
        (answer(KEY, "KeyError: 'scope'"), Decided.ERROR),
        (answer(KEY, asked=False), Decided.NOT_ASKED),
        (answer("KeyError: 'add_rule'", asked=False), Decided.ERROR),
        (answer(LOST), Decided.UNKNOWN),
    ],
)
def test_each_answer_tells_who_decided(given: dict[str, object], decided: Decided) -> None:
    assert decided_by(given) is decided


def test_an_error_that_says_something_about_the_question_is_not_the_packages() -> None:
    assert is_the_questions_fault(answer(KEY, KEY), "rucio")
    assert not is_the_questions_fault(answer(KEY), "rucio")
    assert not is_the_questions_fault(answer(True), "rucio")


def test_an_action_on_which_two_decide_names_both_and_what_is_not_known_says_why() -> None:
    assert decisions([answer(True), answer(BINDS, account="nobody")]) == {
        "add_rule": "package / generic, because of a TypeError"
    }
    assert decisions([answer(LOST)]) == {"add_rule": "not known (RuleNotFound)"}
