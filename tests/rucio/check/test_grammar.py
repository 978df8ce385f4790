"""Files that are slow to parse are named, and those beside them are judged."""

from __future__ import annotations

import pytest

from secretsync.core import confined
from secretsync.rucio.check import Situation, check, grammar
from tests.rucio.check.build import policy

SLOW = "a[*b]\nf'" + "{a}" * 4_500 + "'\n"
NEWER = "x: int = 1\ny = {}\ny[*x]\n"


@pytest.mark.slow  # they may take four seconds of processor time
def test_a_file_that_takes_too_long_is_named_and_smaller_ones_are_read() -> None:
    files = {"__init__.py": "SUPPORTED_VERSION = ['>=36']\n", "a.py": NEWER + "#" * 4_000}
    files |= {f"z{number}.py": SLOW + "#" * number for number in range(3)}
    found = {finding.path: finding.effect for finding in check(policy(files), Situation()) if finding.rule == "syntax"}
    assert set(found) == {"a.py", "z0.py", "z1.py", "z2.py"}
    assert "cannot compile" in found["a.py"]
    assert "takes more than 2 s to read" in found["z0.py"]
    assert "as other files take more than 4 s" in found["z2.py"]


def test_all_files_together_end_before_their_process_is_ended() -> None:
    assert grammar.SECONDS_FOR_ALL < confined.SECONDS
