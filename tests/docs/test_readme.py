"""The README shows what secretsync prints: its sessions are recorded ones, its demo is that of `make demo`."""

from __future__ import annotations

import re

from tests import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = ROOT / "tests" / "cli" / "output" / "sessions"
BLOCKS = [block for _, block in re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]


def test_the_session_on_a_cluster_is_one_that_is_recorded() -> None:
    (session,) = [block for block in BLOCKS if block.startswith("$ secretsync plan")]
    for shown in session.split("$ secretsync ")[1:]:
        command, *lines = shown.rstrip().splitlines()
        recorded = (SESSIONS / f"{command.split()[0]}-80.txt").read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if line.strip() != "…" and line not in recorded] == []


def test_the_demo_runs_the_commands_that_are_shown() -> None:
    (demo,) = [block for block in BLOCKS if block.startswith("--- do it")]
    script = (ROOT / "demo.sh").read_text(encoding="utf-8")
    steps = re.findall(r"^--- (.*)$", demo, re.MULTILINE)
    assert steps
    assert [step for step in steps if f'say "{step}"' not in script] == []


def test_the_distribution_has_its_own_name() -> None:
    assert "pip install rucio-secretsync" in README
