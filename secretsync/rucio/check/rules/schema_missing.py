"""schema-missing: the package has no schema.py, or no SCHEMAS in it."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, _: Setting) -> Iterator[Finding]:
    """A package without a schema module."""
    if not package.has("schema"):
        yield rule.finding(
            "",
            0,
            "Rucio uses its generic schema, with its own name lengths and patterns, and a WARNING in the log only",
            "Add a schema.py, or lower this rule for the package with a reason",
        )
    module = package.get("schema")
    names = package.names(module) if module else None
    if module and names is not None and "SCHEMAS" not in names:
        yield rule.finding(
            module.path,
            1,
            "Without SCHEMAS Rucio validates every input against its generic schemas, and logs nothing",
            "Define SCHEMAS, a dictionary from a schema's name to the schema",
        )


RULE = Rule(
    "schema-missing",
    Severity.WARNING,
    "The package has no schema.py, or no SCHEMAS in it",
    "Rucio takes a package without a schema module for one that needs none: it logs one WARNING and uses its generic "
    "schema. A schema module without SCHEMAS is loaded, and each validation falls back to the generic schema silently.",
    find,
)
