"""The report as test cases."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from secretsync.cli.output import junit
from tests.cli.output import sessions


def failed(text: str) -> list[str]:
    return [
        str(one.get("classname"))
        for one in ElementTree.fromstring(text).iter("testcase")
        if one.find("failure") is not None
    ]


def test_a_plan_with_changes_fails_nothing() -> None:
    assert failed(junit.render(sessions._plan())) == []


def test_a_refused_package_fails_with_its_finding() -> None:
    assert failed(junit.render(sessions._refused()))[:2] == ["production.outcome", "production.check"]


def test_a_rollout_that_failed_names_the_workload() -> None:
    assert "production.rollout" in failed(junit.render(sessions._rolled_back()))


def test_each_workload_is_a_case_and_the_suite_counts_them() -> None:
    (suite,) = ElementTree.fromstring(junit.render(sessions._apply()))
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases))
    assert sum(one.get("classname") == "production.rollout" for one in cases) == 10


def test_control_characters_and_markup_stay_text() -> None:
    plan = sessions._plan()
    (target,) = plan.targets
    words = "\x00\x1b]]><failure/>\ud800"
    target = replace(target, summary=words, target=words)
    text = junit.render(replace(plan, targets=(target,)))
    assert failed(text) == []
    assert ElementTree.fromstring(text)[0].get("name") == "\\x00\\x1b]]><failure/>\\ud800"
