"""What an operator reads, recorded: a change of it is seen in review."""

from __future__ import annotations

import re

import pytest

from tests.cli.output.sessions import FOLDER, SESSIONS, STYLES

RENEW = "renew it with 'PYTHONPATH=. python -m tests.cli.output.sessions'"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_reads_as_it_is_recorded(name: str, style: str) -> None:
    assert SESSIONS[name](STYLES[style]) == (FOLDER / f"{name}-{style}.txt").read_text(), RENEW


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", sorted(set(SESSIONS) - {"plan-diff"}))
def test_no_line_is_wider_than_the_terminal_but_the_last_one_of_a_failure(name: str, style: str) -> None:
    lines = ESCAPE.sub("", (FOLDER / f"{name}-{style}.txt").read_text()).splitlines()
    shown = lines[:-1] if name in ("refused", "rolled-back") else lines
    assert max(map(len, shown)) <= STYLES[style].width


@pytest.mark.parametrize("name", SESSIONS)
def test_colors_change_nothing_else(name: str) -> None:
    colored = (FOLDER / f"{name}-80-color.txt").read_text()
    assert ESCAPE.search(colored)
    assert ESCAPE.sub("", colored) == (FOLDER / f"{name}-80.txt").read_text()


def test_an_undo_ends_with_what_failed_and_the_revision_and_never_with_done() -> None:
    lines = (FOLDER / "rolled-back-80.txt").read_text().splitlines()
    assert lines[-1].startswith("FAILED, rolled back to revision 1 (now revision 3): Deployment rucio/")
    assert not any(line.strip().startswith(("done", "applied")) for line in lines)


def test_a_refused_run_ends_with_the_place_and_the_rule_and_shows_no_policy_and_no_restarts() -> None:
    text = (FOLDER / "refused-80.txt").read_text()
    assert text.splitlines()[-1].startswith("REFUSED permission.py:1 [syntax] ")
    assert not re.search("policy of|restart", text)


def test_a_plan_has_no_text_of_the_package_and_its_diff_has_it() -> None:
    assert "alice" not in (FOLDER / "plan-80.txt").read_text()
    assert "issuer.external == 'alice'" in (FOLDER / "plan-diff-80.txt").read_text()
