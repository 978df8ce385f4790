"""How strict the check is, as the configuration says it."""

from __future__ import annotations

from secretsync.config import Check
from secretsync.rucio.check import Severity


def test_a_rule_has_the_severity_that_is_written_and_one_that_is_off_has_none() -> None:
    rules = {"syntax": {"severity": "notice", "reason": "r"}, "schema-missing": {"severity": False, "reason": "r"}}
    check = Check.model_validate({"rules": rules})
    assert check.severities == {"syntax": Severity.NOTICE, "schema-missing": None}


def test_never_is_no_threshold() -> None:
    assert Check().threshold is Severity.ERROR
    assert Check(fail="warning").threshold is Severity.WARNING
    assert Check(fail="never").threshold is None
