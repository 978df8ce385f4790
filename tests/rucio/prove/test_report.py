"""How a proof is shown."""

from __future__ import annotations

import json

from secretsync.cli.output import proof as report
from tests.rucio.prove.test_judge import MISSING, generic, judged


def test_a_sound_package_is_told_with_what_rucio_loaded() -> None:
    assert report.text(judged()) == (
        "Rucio 41.5.1, Python 3.9.18: loads\n"
        "  Rucio 41.5.1 loaded permission from pol.permission, schema from pol.schema, 0\n  algorithms.\n"
    )


def test_a_fault_is_told_with_its_place_and_the_way_out_in_80_columns() -> None:
    shown = report.text(judged(in_force=generic("permission"), reasons={"permission": [MISSING]}))
    assert shown.startswith("Rucio 41.5.1, Python 3.9.18: silently generic\n  permission.py:3: Rucio goes on with")
    assert "Add the missing module" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_program_reads_the_verdict_the_findings_and_the_probes_report() -> None:
    data = json.loads(report.json(judged(in_force=generic("permission"), reasons={"permission": [MISSING]})))
    assert data["verdict"] == "silently generic"
    assert data["findings"][0]["line"] == 3
    assert data["report"]["python"] == "3.9.18"
