"""The document that every format is made from."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter

from secretsync.cli.commands.schema import SCHEMAS
from secretsync.cli.output import REPORTS, releases, render_report, report
from secretsync.cli.output.describe import describe, describe_pass
from secretsync.cli.output.json import render as render_json
from secretsync.cli.output.status_text import status_text
from secretsync.cli.output.style import PLAIN
from secretsync.cli.output.text import render_table, render_target
from secretsync.core.errors import SecretSyncError
from secretsync.reconcile.all_targets import Outcome
from tests.cli.output import sessions
from tests.reconcile.test_reconciler import Site

CANARY = "s3cr3t-in-the-policy"
M = TypeVar("M", bound=report.Model)
HOSTILE = "\x1b[2Jx\x07\u202ey\r\nz"


class Broken(SecretSyncError):
    code = "broken"

    def __str__(self) -> str:
        return f"it is broken {HOSTILE}"


def documents() -> list[report.Model]:
    return [sessions._plan(), sessions._apply(), sessions._rolled_back(), sessions._refused()]


@pytest.mark.parametrize("document", documents(), ids=["plan", "apply", "rolled-back", "refused"])
def test_what_is_printed_is_what_the_schema_says(document: report.Report) -> None:
    printed = json.loads(render_report(document, "json", PLAIN))
    assert printed["version"] == 1
    assert TypeAdapter(report.Report).validate_python(printed) == document
    assert set(SCHEMAS["report"]()["properties"]) == set(printed)


def test_times_are_iso_8601_and_workloads_are_objects() -> None:
    printed = json.loads(render_report(sessions._plan(), "json", PLAIN))
    (target,) = printed["targets"]
    assert printed["time"] == "2026-01-03T09:30:00Z"
    assert target["restarts"][0]["workload"] == {"kind": "Deployment", "namespace": "rucio", "name": "server"}
    status = json.loads(render_json(sessions._status()))
    assert status["targets"][0]["packages"][0]["suspension"] == {
        "reason": "data taking",
        "by": "ddm@ops",
        "since": "2026-01-01T00:00:00Z",
        "rejected_digest": None,
        "restores": None,
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_document_has_a_schema_with_a_version(name: str) -> None:
    schema = SCHEMAS[name]()
    assert schema["$schema"].endswith("2020-12/schema")
    assert name == "config" or "version" in schema["properties"]


def test_several_targets_are_one_document_and_the_worst_is_its_outcome() -> None:
    site = Site("server")
    away = Outcome(replace(site.destination, name="away"), error=Broken())
    document = describe([Outcome(site.destination, site.sync()), away], "apply")
    printed = json.loads(render_report(document, "json", PLAIN))
    assert [target["outcome"] for target in printed["targets"]] == ["applied", "failed"]
    assert (printed["outcome"], printed["exit_code"]) == ("failed", 1)
    assert printed["targets"][1]["error"]["code"] == "broken"


@pytest.mark.parametrize("form", REPORTS)
def test_no_text_of_a_package_is_in_a_report_without_diff(form: str) -> None:
    site = sessions._deployed()
    sessions._push(site, CANARY, "c" * 12, "a subject")
    outcome = Outcome(site.destination, site.preview())
    assert CANARY not in render_report(describe([outcome], "plan", dry_run=True), form, PLAIN)
    shown = render_report(describe([outcome], "plan", dry_run=True, texts=True), form, PLAIN)
    assert form == "junit" or CANARY in shown, "JUnit has no diffs at all"


def _made_hostile(document: M) -> M:
    printed = json.loads(render_json(document))
    made: M = TypeAdapter(type(document)).validate_python(_hostile(printed))
    return made


def _hostile(value: Any) -> Any:
    """The same document with control characters in every text of it."""
    if isinstance(value, dict):
        return {key: _hostile(one) if key not in FIXED else one for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hostile(one) for one in value]
    return f"{value}{HOSTILE}" if isinstance(value, str) else value


FIXED = {"command", "time", "outcome", "action", "change", "severity", "status", "kind", "since", "date", "state"}


def test_control_characters_of_foreign_strings_never_reach_the_terminal() -> None:
    for document in documents():
        hostile = _made_hostile(document)
        assert isinstance(hostile, report.Report)
        for text in (*map(render_target, hostile.targets), render_table(hostile.targets * 2)):
            assert all(character.isprintable() or character == "\n" for character in text)
    for made, render in ((sessions._status(), status_text), (sessions._history(), releases.history_text)):
        hostile = _made_hostile(made)
        assert all(one.isprintable() or one == "\n" for one in render(hostile))  # type: ignore[operator]


def test_json_has_an_escape_for_each_of_them() -> None:
    site = Site("server")
    printed = render_report(describe([Outcome(site.destination, error=Broken())], "apply"), "json", PLAIN)
    assert printed.rstrip("\n").isascii()
    assert printed.rstrip("\n").isprintable()


def test_the_same_remark_for_many_workloads_is_one_line() -> None:
    site = Site(*(f"daemon-{number:02}" for number in range(25)))
    site.source.push(init="1", sub__x="2")
    text = render_target(describe_pass(site.preview(), dry_run=True))
    assert text.count("mount Secret atlas but not atlas-sub") == 1
    assert "and 22 more" in text
