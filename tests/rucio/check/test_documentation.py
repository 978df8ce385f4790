"""The rules are explained, once."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import documentation
from secretsync.rucio.check.rules import RULES
from secretsync.rucio.check.rules.rule import Rule
from tests import ROOT

RULES_FOLDER = ROOT / "secretsync" / "rucio" / "check" / "rules"
NOT_RULES = {"__init__", "rule", "failing", "live", "calls"}


def test_docs_rules_md_is_what_the_table_says() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == documentation.markdown()


def test_a_rule_is_one_file_and_one_line_of_the_table() -> None:
    files = {path.stem for path in RULES_FOLDER.glob("*.py")} - NOT_RULES
    assert {rule.find.__module__.rpartition(".")[2] for rule in RULES} == files
    assert len(RULES) == len(files) == len({rule.name for rule in RULES})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_says_what_rucio_does(rule: Rule) -> None:
    assert "Rucio" in rule.behaviour
    assert rule.title
    assert rule.behaviour.endswith(".")


def test_the_list_fits_80_columns() -> None:
    assert max(len(line) for line in documentation.terminal().splitlines()) <= 80
