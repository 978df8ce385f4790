"""What -o json prints: each document has its schema, a version, and the same types for the same things."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from secretsync.cli.commands.schema import SCHEMAS
from secretsync.cli.main import main
from secretsync.cli.output.report import Model

DOCUMENTS = sorted(set(SCHEMAS) - {"config"})


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    """Each property of each object in a schema, with its own."""
    if isinstance(schema, dict):
        yield from (schema.get("properties") or {}).items()
        for part in schema.values():
            yield from properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from properties(part)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_its_version_and_says_what_it_is(name: str) -> None:
    schema = SCHEMAS[name]()
    assert schema["properties"]["version"]["const"] == 1
    assert schema["type"] == "object"
    assert schema["description"]


def test_no_document_is_without_a_schema() -> None:
    described = {SCHEMAS[name]()["title"] for name in DOCUMENTS}
    documents = {model.__name__ for model in Model.__subclasses__() if "version" in vars(model)}
    own = {name for name in documents if name not in described and "Literal" in _version_of(name)}
    assert own == set()


def _version_of(name: str) -> str:
    (model,) = (model for model in Model.__subclasses__() if model.__name__ == name)
    return str(model.__annotations__["version"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_times_and_workloads_have_the_same_type_everywhere(name: str) -> None:
    for key, value in properties(SCHEMAS[name]()):
        written = json.dumps(value)
        if key in ("time", "since", "date"):
            assert '"format": "date-time"' in written, key
        if key in ("workload", "workloads", "not_current", "not_in_force", "lost_mounts", "stripped", "suspended"):
            text_or_flag = '"type": "string"' in written or '"type": "boolean"' in written
            assert not text_or_flag or (name, key) in SENTENCES, key


SENTENCES = {("status", "not_in_force"), ("suspension", "suspended")}
"""A sentence for each cause, beside ``workloads_not_in_force``; whether a package is suspended."""


def test_a_command_that_cannot_begin_prints_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-o", "json", "-c", "nowhere.yaml", "status"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["version"], document["exit_code"]) == (1, 2)
    assert document["error"]["code"] == "unusable_config"
