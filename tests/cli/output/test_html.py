"""The report as a page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from secretsync.cli.output import html, report
from secretsync.cli.output.describe import describe
from secretsync.cli.output.html import Row
from secretsync.reconcile.all_targets import Outcome
from tests.cli.output import sessions
from tests.cli.output.test_markdown import hostile

VOID = {"meta", "link", "line", "rect"}


class Page(HTMLParser):
    """Its tags, the attributes that could ask for something, and its text; all tags must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset", "data")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_asks_for_nothing_and_has_no_script() -> None:
    page = Page(html.render(sessions._plan(texts=True)))
    assert page.links == ["data:,"]
    assert not {"script", "iframe", "img", "object"} & set(page.tags)
    assert len(page.ids) == len(set(page.ids))


def test_the_verdict_the_package_and_the_diff_are_on_it() -> None:
    page = Page(html.render(sessions._plan(texts=True)))
    assert "pending: 1 Secret, 10 restarts" in page.text
    assert "https://git.example.org/policy" in page.text
    assert "commit:77d0c1b2a3f4" in page.text
    assert "- " in page.text
    assert "bob" in page.text


def test_words_of_others_stay_text() -> None:
    page = Page(html.render(hostile()))
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "img" not in page.tags


def test_a_diff_stands_side_by_side() -> None:
    lines = ("@@ -1,4 +1,3 @@", " same", "-old", "-gone", "+new", " end", "-a", "+b")
    changed = report.FileChange(path="a.py", change="changed", diff=lines)
    assert list(html.rows(changed)) == [
        Row(heading="@@ -1,4 +1,3 @@"),
        Row("same", "same"),
        Row("old", "new", changed=True),
        Row("gone", None, changed=True),
        Row("end", "end"),
        Row("a", "b", changed=True),
    ]


def test_the_rollout_is_drawn_by_waves_and_its_undo_after_it() -> None:
    (target,) = sessions._rolled_back().targets
    drawing = html.drawing(target)
    assert drawing is not None
    assert next(bar.kind for bar in drawing.bars) == "bad"
    undone = [bar for bar in drawing.bars if bar.label.startswith("rollback")]
    assert undone
    assert all(bar.x >= drawing.bars[0].x + drawing.bars[0].width - 3 for bar in undone)
    assert "<svg" in html.render(sessions._rolled_back())


def test_a_plan_has_no_drawing() -> None:
    assert not re.search("<svg", html.render(sessions._plan()))


def test_who_decides_on_an_action_stands_before_and_after() -> None:
    site = sessions._deployed()
    outcome = Outcome(site.destination, site.preview())
    plan = describe([outcome], "plan", dry_run=True, actions=True)
    (target,) = plan.targets
    (decided,) = target.actions
    rows = [row if row.action == "add_rule" else replace(row, change="") for row in decided.actions]
    page = Page(
        html.render(replace(plan, targets=(replace(target, actions=(replace(decided, actions=tuple(rows)),)),)))
    )
    assert "add_ruleperm_add_ruleperm_add_rulechanged41" in page.text
    assert "100 actions without a change" in page.text


def test_an_action_that_changes_is_in_one_table_alone() -> None:
    site = sessions._deployed()
    outcome = Outcome(site.destination, site.preview())
    page = Page(html.render(describe([outcome], "plan", dry_run=True, actions=True)))
    assert "Policy of" not in page.text


def test_values_to_be_written_by_hand_and_the_request_are_on_it() -> None:
    plan = sessions._plan()
    (target,) = plan.targets
    changes = {
        "values": (report.ValuesFile(path="apps/ui.yaml", by_hand="it is not there"),),
        "proposal": report.Proposal(state="proposed", branch="b", commit="c0ffee", url="https://forge.example/1"),
    }
    page = Page(html.render(replace(plan, targets=(replace(target, **changes),))))
    assert "change apps/ui.yaml by hand: it is not there" in page.text
    assert "https://forge.example/1" in page.text
    assert page.links == ["data:,", "https://forge.example/1"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://forge.example/1", 'https" onclick="x'])
def test_what_is_no_address_of_a_forge_is_no_link(url: str) -> None:
    (target,) = (plan := sessions._plan()).targets
    proposal = report.Proposal(state="proposed", branch="b", commit="c0ffee", url=url)
    page = Page(html.render(replace(plan, targets=(replace(target, proposal=proposal),))))
    assert url in page.text
    assert page.links == ["data:,"]


def test_restarts_for_the_same_reason_are_one_line() -> None:
    page = Page(html.render(sessions._plan()))
    assert "Deployment server, Deployment ui, Deployment daemon-00" in page.text
