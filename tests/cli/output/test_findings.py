"""Findings as text, JSON, Markdown, and what forges and CI servers read."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from secretsync.cli.output.findings import FORMATS, Checked, Proven
from secretsync.rucio.check import Finding, Severity, fails, with_severities
from secretsync.rucio.check.actions import ActionRow
from secretsync.rucio.check.against_generic import AgainstGeneric
from secretsync.rucio.check.policy_diff import Changed, PolicyDiff
from tests.cli.output.test_foreign_words import CONTROLS, HOSTILE
from tests.cli.output.test_markdown import outside_of_code

FINDING = Finding(
    "syntax", Severity.ERROR, "permission.py", 7, "Rucio dies, 100% of " + "a b " * 40, "Mend it", "", ("41.5.1",)
)
ABSENT = Finding("schema-missing", Severity.WARNING, "", 0, "Rucio uses its own", "Add it")
CHECKED = [Checked("pol", (FINDING, ABSENT), rucio=("38.5.5", "41.5.1"), directory="src/pol")]
NASTY = Finding("syntax", Severity.ERROR, "a\x1b[2J.py", 1, "bad \x1b]0;title\x07 | **x**\n::error::", "Mend it")


def test_text_fits_80_columns_and_counts() -> None:
    lines = FORMATS["text"](CHECKED).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "error permission.py:7 [syntax] (Rucio 41.5.1)"
    assert lines[-1] == "pol: 1 error, 1 warning"


def test_nothing_found_is_said() -> None:
    assert FORMATS["text"]([Checked("pol", ())]) == "pol: passed\n"


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("form", FORMATS)
def test_no_format_obeys_the_words_of_a_package(form: str, words: str) -> None:
    findings = (NASTY, Finding("syntax", Severity.WARNING, words, 1, words, words))
    names, changed = (words,), Changed(words, "", words)
    diff = PolicyDiff(names, names, (changed,), (changed,), (changed,), (changed,), names, names, changed, changed)
    shown = FORMATS[form](
        [
            Checked(
                f"pol {words}",
                findings,
                diff,
                (AgainstGeneric(words, (words,), (words,), words),),
                actions=(ActionRow(words, words, words, ("41.5.1",), words),),
                proofs=(Proven(words, words, words),),
            )
        ]
    )
    assert not CONTROLS.search(shown)
    assert not re.search(r"^(FAKE|::error::)", shown, re.MULTILINE)
    shown.encode()
    if form == "markdown":
        assert not re.search(r"@channel|<b>|<img|<script|\]\(|https?://evil", outside_of_code(shown))
    if form == "sarif":
        assert "](" not in shown


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_carries_the_version_of_rucio_and_ends_its_last_line(form: str) -> None:
    shown = FORMATS[form](CHECKED)
    assert "41.5.1" in shown
    assert shown.endswith("\n")


def test_json_has_every_field_for_a_program() -> None:
    document = json.loads(FORMATS["json"](CHECKED))
    assert document["version"] == 1
    (found,) = document["packages"]
    assert found["package"] == "pol"
    assert found["findings"][0]["rule"] == "syntax"
    assert found["findings"][0]["rucio"] == ["41.5.1"]
    assert found["rucio"] == ["38.5.5", "41.5.1"]


def test_github_annotations_name_a_file_from_the_repositorys_root_and_are_escaped() -> None:
    assert "\n" not in FORMATS["github"]([Checked("pol", (NASTY,))]).rstrip("\n")
    first, second = FORMATS["github"](CHECKED).splitlines()
    title = "title=syntax (Rucio 41.5.1)"
    assert first.startswith(f"::error file=src/pol/permission.py,line=7,{title}::Rucio dies, 100%25 of")
    assert second.startswith("::warning file=src/pol/__init__.py,title=schema-missing (Rucio 38.5.5%2C 41.5.1)::")


@pytest.mark.parametrize(
    ("files", "path"),
    [(("permission.py", "__init__.py"), "__init__.py"), (("permission.py", "x.py"), "permission.py"), ((), "lost.py")],
)
def test_what_is_said_of_an_absent_file_stands_beside_one_that_is_there(files: tuple[str, ...], path: str) -> None:
    lost = Finding("unmounted-file", Severity.ERROR, "lost.py", 0, "No pod has it", "Mount it")
    assert f"file=pol/{path}," in FORMATS["github"]([Checked("pol", (lost,), directory="pol", files=files)])


def test_gitlab_takes_the_report_as_code_quality() -> None:
    found = json.loads(FORMATS["gitlab"](CHECKED))
    assert [one["severity"] for one in found] == ["critical", "major"]
    assert found[0]["location"] == {"path": "src/pol/permission.py", "lines": {"begin": 7}}
    assert len({one["fingerprint"] for one in found}) == 2


def test_sarif_has_a_rule_for_each_result_and_a_place_for_each_line() -> None:
    (run,) = json.loads(FORMATS["sarif"](CHECKED))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["schema-missing", "syntax"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "src/pol/permission.py"}, "region": {"startLine": 7}}
    assert [one["level"] for one in run["results"]] == ["error", "warning"]


def test_a_path_with_a_space_is_a_uri_in_sarif() -> None:
    (run,) = json.loads(FORMATS["sarif"]([Checked("pol", (FINDING,), directory="my policies/pol")]))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "my%20policies/pol/permission.py"}


def test_junit_fails_the_rule_that_finds_an_error_and_passes_the_others() -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](CHECKED)).find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "1"
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert cases["syntax"].find("failure") is not None
    assert cases["schema-missing"].findtext("system-out", "").startswith("src/pol/__init__.py")
    assert len(cases) == int(suite.get("tests") or 0) > 20


def test_markdown_keeps_a_packages_words_in_their_cell() -> None:
    shown = FORMATS["markdown"]([Checked("pol", (NASTY,))])
    assert "&#124; &#42;&#42;x&#42;&#42;" in shown
    assert FORMATS["markdown"]([Checked("pol", (), rucio=("41.5.1",))]).startswith("### pol for Rucio 41.5.1\n")


def test_the_table_of_actions_and_the_proof_are_shown_where_they_were_asked_for() -> None:
    rows = (ActionRow("add_rule", "perm_add_rule", "changed", ("41.5.1",), "package"),)
    shown = [Checked("pol", (), actions=rows, proofs=(Proven("41.5.1", "3.9.18", "loads"),))]
    assert FORMATS["text"](shown).splitlines() == [
        "proven on Rucio 41.5.1, Python 3.9.18: loads",
        "pol: passed",
        "action    decided by     changed  proven   Rucio",
        "add_rule  perm_add_rule  changed  package  41.5.1",
    ]
    assert "| add&#95;rule | perm&#95;add&#95;rule | changed | package | 41.5.1 |" in FORMATS["markdown"](shown)


def test_a_package_that_is_the_repositorys_root_has_paths_without_a_folder() -> None:
    assert "file=permission.py,line=7" in FORMATS["github"]([Checked("pol", (FINDING,), directory=".")])


def test_a_configuration_lowers_or_silences_a_rule() -> None:
    lowered = with_severities((FINDING, ABSENT), {"syntax": Severity.NOTICE, "schema-missing": None})
    assert [(one.rule, one.severity) for one in lowered] == [("syntax", Severity.NOTICE)]


def test_what_fails_is_what_weighs_as_much_as_the_threshold() -> None:
    assert fails((ABSENT,), Severity.WARNING)
    assert not fails((ABSENT,), Severity.ERROR)
    assert not fails((FINDING,), None)
