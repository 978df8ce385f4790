"""Every text of a report spoilt with words of others: no format of it obeys them."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from secretsync.cli.output import html, junit, markdown, text
from secretsync.cli.output.report import Model, Report
from tests.cli.output import sessions
from tests.cli.output.test_html import Page
from tests.cli.output.test_markdown import hostile as with_findings
from tests.cli.output.test_markdown import outside_of_code, with_actions

HOSTILE = (
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "line\nFAKE: everything is well\r\n",
    "\u202egnp.exe\u2066 \u2028\u2029\u200e",
    "\ud800 half a character \x00\x85\x08",
    "[the report](https://evil.example) ![x](https://evil.example/x.png) **b** @channel #1 <b>x</b>",
    "me@evil.example www.evil.example WWW.evil.example http://evil.example mailto:me@evil.example <https://evil.example>",
    "| a | b |\n|---|---|\n# Heading\n- [x] done\n```\nend of code",
    "]]><failure message='x'/></testcase></testsuite>&lt;&#27;",
    "</td></script><script>alert(1)</script><img src=x onerror=alert(1)>",
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
REPORTS: dict[str, Callable[[], Report]] = {
    "actions": with_actions,
    "plan": lambda: sessions._plan(texts=True),
    "apply": sessions._apply,
    "refused": sessions._refused,
    "rolled back": sessions._rolled_back,
    "findings": with_findings,
}


def spoilt(value: Any, words: str, annotation: Any = "str") -> Any:
    """*value* with *words* in every text that may be any text; lines of a diff stay lines of it."""
    if isinstance(value, Model):
        fields = dataclasses.fields(value)  # type: ignore[arg-type]  # a class of its kind is a dataclass
        changes = {field.name: spoilt(getattr(value, field.name), words, field.type) for field in fields}
        return dataclasses.replace(value, **changes)  # type: ignore[type-var]
    if isinstance(value, str):
        return value + words if re.search(r"\bstr\b", annotation) and "Literal" not in annotation else value
    if isinstance(value, tuple):
        return tuple(spoilt(one, words, annotation) for one in value)
    if isinstance(value, dict):
        return {key: spoilt(held, words, annotation) for key, held in value.items()}
    return value


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("report", REPORTS)
def test_no_format_of_a_report_obeys_them(report: str, words: str) -> None:
    document = spoilt(REPORTS[report](), words)
    assert document != REPORTS[report]()
    terminal, page, summary = text.render(document), html.render(document), markdown.render(document)
    for rendered in (terminal, page, summary, junit.render(document)):
        assert not CONTROLS.search(rendered)
        rendered.encode()
    assert not re.search(r"^FAKE", terminal + summary, re.MULTILINE)
    assert not {"script", "img", "b"} & set(Page(page).tags)
    cases = ElementTree.fromstring(junit.render(document)).iter("testcase")
    assert all(child.tag in ("failure", "skipped", "system-out") for case in cases for child in case)
    outside = outside_of_code(summary)
    assert "](https://evil" not in outside
    assert "<b>x" not in outside
    assert "# Heading" not in outside.splitlines()
    assert CONTROLS.sub("", json.dumps(dataclasses.asdict(document), default=str))


class Shape(HTMLParser):
    """The elements of a page, with their attributes but those of looks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[Any] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, [held for held in attrs if held[0] != "align"]))

    def handle_endtag(self, tag: str) -> None:
        self.elements.append(tag)

    def handle_comment(self, data: str) -> None:
        self.elements.append(data)


def as_a_forge(summary: str) -> list[Any]:
    """The elements that GitHub's own renderer makes, with raw HTML let through and all its extensions."""
    extensions = ("table", "autolink", "strikethrough", "tasklist", "footnotes")
    command = ["cmark-gfm", "--unsafe", *(word for name in extensions for word in ("-e", name))]
    page = subprocess.run(command, input=summary.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    return Shape(page).elements


@pytest.mark.skipif(not shutil.which("cmark-gfm"), reason="not on PATH: cmark-gfm (apt-get install cmark-gfm)")
@pytest.mark.parametrize("report", REPORTS)
def test_as_a_forge_renders_a_report_they_add_no_element(report: str) -> None:
    document = REPORTS[report]()
    elements = as_a_forge(markdown.render(spoilt(document, "harmless")))
    assert {"h3", "details", "a", "table"} & set(map(str, elements)) == {"h3", "details"} | (
        {"table"} if report == "actions" else set()
    )
    for words in HOSTILE:
        assert as_a_forge(markdown.render(spoilt(document, words))) == elements
    cut = as_a_forge(markdown.render(spoilt(document, HOSTILE[0] * 50), 4_000))
    assert cut.count("details") == sum(one[0] == "details" for one in cut)
