"""What -o json prints: each document has its schema, a version, and the same types for the same things."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secretsync.cli.commands import COMMANDS
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


CONFIGURATION = """
packages: [{moduleName: pol, requirement: ./source}]
targets: [{name: one, cluster: {directory: ./one}, namespace: rucio}]
cache: ./cache
"""
PRINTED = {
    "plan": ("report", ["plan", "--diff"]),
    "apply": ("report", ["apply"]),
    "rollback": ("report", ["rollback", "--dry-run"]),
    "status": ("status", ["status"]),
    "history": ("history", ["history"]),
    "history show": ("revision", ["history", "show", "1"]),
    "diff": ("diff", ["diff", "1", "2"]),
    "doctor": ("doctor", ["doctor"]),
    "suspend": ("suspension", ["suspend"]),
    "resume": ("suspension", ["resume"]),
    "check": ("check", ["check", "--rucio", "41.5.1", "./source"]),
    "values": ("lint", ["values", "daemons", "--lint", "values.yaml"]),
    "values --merge": ("merge", ["values", "daemons", "--merge", "values.yaml"]),
    "export": ("export", ["export", "--to", "exported"]),
    "config": ("validation", ["config", "validate"]),
    "completion": ("completion", ["completion", "bash"]),
}
"""By command the document that it prints, and how it is called here."""

OF_OTHERS = {"rbac", "schema", "run"}
"""Print Kubernetes' List, a schema, and the report of apply at every pass."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Two revisions are deployed, and a third is in the source."""
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "source" / "pol"
    package.mkdir(parents=True)
    (tmp_path / "secretsync.yaml").write_text(CONFIGURATION)
    (tmp_path / "values.yaml").write_text("image: {tag: 41.5.1}\n")
    (package / "__init__.py").write_text("SUPPORTED_VERSION = '>=37'\n")
    (package / "schema.py").write_text("SCHEMAS = {}\n\n\ndef validate_schema(name, obj):\n    return None\n")
    for name in ("alice", "bob", "carol"):
        (package / "permission.py").write_text(
            f"def has_permission(issuer, action, kwargs, *, session=None):\n    return issuer.external == '{name}'\n"
        )
        if name != "carol":
            assert main(["apply"]) == 0
    capsys.readouterr()
    return tmp_path


@pytest.mark.parametrize("command", PRINTED)
def test_what_a_command_prints_as_json_is_what_its_published_schema_says(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, arguments = PRINTED[command]
    main([*arguments, "-o", "json"])
    schema = SCHEMAS[name]()
    assert list(faults(json.loads(capsys.readouterr().out), schema, schema)) == []


def test_every_command_that_prints_a_document_is_among_them() -> None:
    assert {command.split()[0] for command in PRINTED} | OF_OTHERS == set(COMMANDS)


@pytest.mark.parametrize(
    "document", [{"version": 2}, {"version": 1}, {"version": 1, "time": "x", "targets": [{"target": 5}]}]
)
def test_a_document_that_its_schema_does_not_describe_has_faults(document: Any) -> None:
    schema = SCHEMAS["status"]()
    assert list(faults(document, schema, schema))


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def faults(value: Any, schema: Any, root: Any, at: str = "$") -> Iterator[str]:
    """What *value* has that *schema* does not allow, of the keywords that the schemas use; no key may be unknown."""
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    elif "anyOf" in schema:
        if all(list(faults(value, choice, root, at)) for choice in schema["anyOf"]):
            yield f"{at}: fits none of {len(schema['anyOf'])}"
    elif value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{at}: {value!r} is another value"
    elif schema.get("type") in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, int if schema["type"] == "integer" else (int, float)):
            yield f"{at}: {value!r} is no {schema['type']}"
    elif not isinstance(value, TYPES[schema["type"]]):
        yield f"{at}: {value!r} is no {schema['type']}"
    elif isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{at}.{key}: is missing" for key in schema.get("required", ()) if key not in value)
        for key, item in value.items():
            inner = known.get(key, schema.get("additionalProperties"))
            yield from faults(item, inner, root, f"{at}.{key}") if inner else [f"{at}.{key}: is not described"]
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), root, f"{at}[{number}]")
