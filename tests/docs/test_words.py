"""Messages, help and the chart use the field's words: what is not used is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT

UNUSED = {
    "nothing found": "check passed",
    "nothing was touched": "nothing was written",
    "every workload runs it": "up to date: …",
    "changes what it mounts": "revision 1 -> 2",
    "write id": "revision number",
    "left alone": "not restarted (rollout stopped)",
    "crashes again and again": "CrashLoopBackOff",
    "last words": "last log line",
    "does not let in": "authentication failed",
    "who asks": "credentials and TLS",
    "stands on": "Show versions",
    "rooms of the house": "map of the modules",
    "mend": "fix",
    "mends": "fixes",
    "came to": "outcome",
    "come to its end": "complete",
    "is not to come again": "is not deployed again",
    "put right": "restored",
    "could not be told": "was not sent",
    "secretsync release": "secretsync resume",
    "secretsync hold": "secretsync suspend",
    "secretsync fetch": "secretsync export",
    "secretsync --once": "secretsync apply",
}
"""By the words that are not used, those that are."""

TOLD_ONCE = {"secretsync/cli/main.py", "secretsync/cli/commands/passes.py"}
"""Where the older form of a command is said to be the same as the new one."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module that are read by people: those with a space that are no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            if id(node) not in described:
                yield node.lineno, node.value
        elif isinstance(node, ast.FunctionDef) and any("command" in ast.unparse(one) for one in node.decorator_list):
            yield node.lineno, ast.get_docstring(node) or ""


def found(text: str) -> list[str]:
    return [words for words in UNUSED if re.search(rf"\b{re.escape(words)}\b", text, re.IGNORECASE)]


MODULES = sorted((ROOT / "secretsync").rglob("*.py"))
CHART = sorted(path for path in (ROOT / "chart").rglob("*") if path.suffix in (".yaml", ".txt", ".tpl", ".md"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_message_uses_the_words_of_the_field(path: Path) -> None:
    allowed = {"secretsync --once"} if str(path.relative_to(ROOT)) in TOLD_ONCE else set()
    wrong = [f"line {line}: {words!r}" for line, text in texts(path) for words in found(text) if words not in allowed]
    assert wrong == []


@pytest.mark.parametrize("path", CHART, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_chart_does_too(path: Path) -> None:
    assert found(path.read_text(encoding="utf-8")) == []


ANOTHER_MEANING = {
    "hold": "a Lease is held; the state object's key of a suspended package",
    "mark": "a cache's entry is marked as used",
    "origin": "scheme, host and port of a URL (RFC 6454)",
    "payload": "the body of a notification",
    "place": "a line of a text, a path in a tree",
    "release": "of a Lease; of Rucio or a distribution",
    "rolling": "Kubernetes' rolling update",
    "spec": "of a Kubernetes object",
    "write": "a file is written",
    "ailing": "the state object's key of unhealthy workloads",
}
"""Terms of the table's last column that are also the proper name of something else."""


def unused_terms() -> set[str]:
    """The last column of the table in CONTRIBUTING.md, without the words that it excludes in one sense only."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Words")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    terms = {term.strip() for *_, last in cells for term in re.split(r"[,;](?![^(]*\))", last)}
    return {term for term in terms if term and "(" not in term}


def public_names(text: str) -> Iterator[tuple[int, str]]:
    """The public functions and classes, in words: ``NoUndo`` is "no undo"."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.lineno, re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", node.name).lower()


def with_unused_term(text: str) -> list[str]:
    terms = unused_terms() - ANOTHER_MEANING.keys()
    return [f"line {line}: {name}" for line, name in public_names(text) for term in terms if f" {term} " in f" {name} "]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_public_name_has_no_term_that_the_glossary_excludes(path: Path) -> None:
    assert with_unused_term(path.read_text(encoding="utf-8")) == []


def test_a_name_with_an_excluded_term_is_found() -> None:
    assert with_unused_term("class PlanDelta: ...\ndef carry_out(): ...\ndef apply(): ...") == [
        "line 1: plan delta",
        "line 2: carry out",
    ]


def test_a_term_has_another_meaning_only_while_a_name_uses_it() -> None:
    names = " ".join(f" {name} " for path in MODULES for _, name in public_names(path.read_text(encoding="utf-8")))
    assert [term for term in ANOTHER_MEANING if f" {term} " not in names] == []
    assert ANOTHER_MEANING.keys() <= unused_terms()


def test_a_message_with_an_unused_word_is_found(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text('raise ValueError("mend it")\n')
    assert [words for _, text in texts(tmp_path / "module.py") for words in found(text)] == ["mend"]


PAGES = sorted(
    path
    for path in [
        ROOT / "README.md",
        ROOT / "config.example.yaml",
        ROOT / "demo.sh",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*"),
        *CHART,
    ]
    if path.is_file()
)
OLD_VERB = re.compile(
    r"secretsync (?:-\S+ (?:\S+/\S+ )?)*(?:hold|release|fetch)\b"  # on a command line
    r"|`(?:hold|release)`"  # by name
    r"|secretsync\.yaml, (?:[\w-]+, )*(?:hold|release|fetch)\b"  # as the arguments of a container
)
OLD_OPTION = re.compile(r"--once\b")
SAID_TO_BE_THE_SAME = {
    "README.md",
    "docs/reference/command-line.md",
    # an image of an earlier version, pinned by 'image.tag', knows no other form
    "chart/templates/cronjob.yaml",
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_has_the_verbs_of_today(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    assert OLD_VERB.findall(text) == []
    assert "rooms of the house" not in text
    if str(path.relative_to(ROOT)) not in SAID_TO_BE_THE_SAME:
        assert OLD_OPTION.findall(text) == []


@pytest.mark.parametrize(
    "text", ["secretsync hold", "secretsync --config a/b.yaml fetch --to", "`release`", "secretsync.yaml, fetch, --to"]
)
def test_an_old_verb_is_found(text: str) -> None:
    assert OLD_VERB.search(text)


def test_other_uses_of_its_word_are_no_verb() -> None:
    assert not OLD_VERB.search("secretsync fetches it; a release; git fetch; helm upgrade --install release secretsync")
