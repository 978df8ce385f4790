"""schema-content: an entry of SCHEMAS is no valid JSON schema, or SCHEMAS is no dictionary."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from secretsync.rucio.check import json_schema
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.policy import functions
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import UNREADABLE, Function, ModuleValue
from secretsync.rucio.check.work import TooMuchWork, Work


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Entries of the schema that are not as Rucio validates with them."""
    module = package.get("schema")
    if not module:
        return
    values = package.values(module)
    schemas = values.get("SCHEMAS", UNREADABLE)
    if isinstance(schemas, dict):
        yield from _entries(rule, package, module, schemas, setting)
    elif schemas is not UNREADABLE:
        yield from _not_a_dictionary(rule, module, schemas)
    yield from _scope_and_name(rule, package, module, values.get("SCOPE_NAME_REGEXP", UNREADABLE))


def _faults(schema: object, work: Work) -> tuple[str, ...]:
    found: dict[str, None] = {}
    with suppress(TooMuchWork):
        for fault in json_schema.faults(schema, work):
            found[fault] = None
    return tuple(found)


def _entries(
    rule: Rule, package: Package, module: Module, schemas: dict[object, object], setting: Setting
) -> Iterator[Finding]:
    own = functions(module)
    for name, schema in schemas.items():
        if not isinstance(name, str):
            continue
        used = name in setting.rucio.schemas and (setting.rucio.validates_by_schemas or "validate_schema" in own)
        for fault in package.memoized(("schema", name), partial(_faults, schema, package.work)):
            yield rule.finding(
                module.path,
                _line(module, name),
                f"The schema {name!r} cannot be used: {fault}. "
                + (
                    "Rucio validates by it, and each such request fails with a SchemaError or a re.error"
                    if used
                    else "No part of Rucio is known to validate by it"
                ),
                "Correct the schema",
                about=name,
                severity=rule.severity if used else Severity.WARNING,
            )
        for address in package.memoized(("schema is fetched", name), partial(_fetched, schema, package.work)):
            yield rule.finding(
                module.path,
                _line(module, name),
                f"The schema {name!r} has a $ref to {address}: whoever validates by it asks the network, and each such "
                "request fails where that does not answer",
                "Put the schema that is referred to into the package",
                about=name,
                severity=Severity.WARNING,
            )


def _fetched(schema: object, work: Work) -> tuple[str, ...]:
    addresses: dict[str, None] = {}
    with suppress(TooMuchWork):
        addresses.update(dict.fromkeys(json_schema.fetched(schema, work)))
    return tuple(addresses)


def _not_a_dictionary(rule: Rule, module: Module, schemas: object) -> Iterator[Finding]:
    if isinstance(schemas, list | tuple | set | frozenset | str):
        effect = "Rucio finds no name in it and validates every input against its generic schemas, without a log line"
    else:
        effect = "Rucio looks for names in it, which raises TypeError: each validation fails"
    kind = {Function: "function", ModuleValue: "module"}.get(type(schemas), type(schemas).__name__)
    yield rule.finding(
        module.path,
        _line(module, "SCHEMAS"),
        f"SCHEMAS is a {kind} and no dictionary: {effect}",
        "Make SCHEMAS a dictionary from a schema's name to the schema",
        about="SCHEMAS",
    )


def _scope_and_name(rule: Rule, package: Package, module: Module, pattern: object) -> Iterator[Finding]:
    if pattern is UNREADABLE or isinstance(pattern, Function | ModuleValue):
        return
    problem = package.memoized(("scope and name",), partial(_problem_of_scope_and_name, pattern, package.work))
    if problem:
        yield rule.finding(
            module.path,
            _line(module, "SCOPE_NAME_REGEXP"),
            f"SCOPE_NAME_REGEXP {problem}: Rucio's REST interface takes scope and name of a URL from it, and each "
            "request about a DID fails",
            "Give it two groups, as in '/(.*)/(.*)'",
            about="SCOPE_NAME_REGEXP",
        )


def _problem_of_scope_and_name(pattern: object, work: Work) -> str:
    if not isinstance(pattern, str):
        return f"is a {type(pattern).__name__} and no text"
    if len(pattern) > json_schema.LONGEST_PATTERN:
        return ""
    try:
        if problem := json_schema.uncompilable(pattern, work):
            return f"does not compile ({problem})"
    except TooMuchWork:
        return ""
    groups = re.compile(pattern).groups
    return "" if groups >= 2 else f"has {groups or 'no'} group{'' if groups == 1 else 's'} instead of two (scope, name)"


def _line(module: Module, name: str) -> int:
    """Where the schema of that name is given."""
    for node in module.nodes:
        match node:
            case ast.Constant(value=value, lineno=line) if value == name:
                return line
            case ast.Name(id=target, ctx=ast.Store(), lineno=line) if target == name:
                return line
    return 1


RULE = Rule(
    "schema-content",
    Severity.ERROR,
    "An entry of SCHEMAS is no valid JSON schema, or SCHEMAS is no dictionary",
    "Rucio hands the entry of SCHEMAS to a validator, which raises SchemaError for a type that JSON does not have or a "
    "keyword with a wrong value, re.error for a regular expression that does not compile, and an error of references "
    "for a $ref that leads nowhere: none of them is an InvalidObject, so each request that validates by that name "
    "fails with an internal error. If SCHEMAS is a list, Rucio finds no name in it and uses its generic schemas, "
    "without a log line. SCOPE_NAME_REGEXP must have two groups, for scope and name. A $ref to an address of the "
    "network is a warning: validating asks for it.",
    find,
)
