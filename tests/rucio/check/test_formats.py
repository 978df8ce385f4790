"""Findings as text, JSON and annotations."""

from __future__ import annotations

import json

from secretsync.cli.output.findings import Checked, as_json, github, gitlab, text
from secretsync.rucio.check import Finding, Severity, fails, with_severities

FINDING = Finding(
    "syntax", Severity.ERROR, "permission.py", 7, "Rucio dies, 100% of " + "a b " * 40, "Mend it", "", ("41.5.1",)
)
ABSENT = Finding("schema-missing", Severity.WARNING, "", 0, "Rucio uses its own", "Add it")
CHECKED = [Checked("pol", (FINDING, ABSENT))]


def test_text_fits_80_columns_and_counts() -> None:
    lines = text(CHECKED).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "error permission.py:7 [syntax] (Rucio 41.5.1)"
    assert lines[-1] == "pol: 1 error, 1 warning"


def test_nothing_found_is_said() -> None:
    assert text([Checked("pol", ())]) == "pol: nothing found\n"


def test_a_terminal_obeys_no_word_of_a_package() -> None:
    nasty = Finding("syntax", Severity.ERROR, "a\x1b[2J.py", 1, "bad \x1b]0;title\x07", "Mend it")
    assert "\x1b" not in text([Checked("pol", (nasty,))])


def test_json_has_every_field_for_a_program() -> None:
    (told,) = json.loads(as_json(CHECKED))
    assert told["package"] == "pol"
    assert told["findings"][0]["rule"] == "syntax"
    assert told["findings"][0]["rucio"] == ["41.5.1"]


def test_github_annotations_are_escaped() -> None:
    assert "\n" not in github([Checked("pol", (FINDING,))]).rstrip("\n")
    first, second = github(CHECKED).splitlines()
    assert first.startswith("::error file=pol/permission.py,line=7,title=syntax::Rucio dies, 100%25 of")
    assert second.startswith("::warning file=pol/__init__.py,title=schema-missing::")


def test_gitlab_takes_the_report_as_code_quality() -> None:
    told = json.loads(gitlab(CHECKED))
    assert [one["severity"] for one in told] == ["critical", "major"]
    assert told[0]["location"] == {"path": "pol/permission.py", "lines": {"begin": 7}}
    assert len({one["fingerprint"] for one in told}) == 2


def test_a_configuration_lowers_or_silences_a_rule() -> None:
    lowered = with_severities((FINDING, ABSENT), {"syntax": Severity.NOTICE, "schema-missing": None})
    assert [(one.rule, one.severity) for one in lowered] == [("syntax", Severity.NOTICE)]


def test_what_fails_is_what_weighs_as_much_as_the_threshold() -> None:
    assert fails((ABSENT,), Severity.WARNING)
    assert not fails((ABSENT,), Severity.ERROR)
    assert not fails((FINDING,), None)
