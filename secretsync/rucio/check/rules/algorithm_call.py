"""algorithm-call: an algorithm cannot be called as Rucio calls it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.algorithms import algorithms, default_algorithm
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import ALGORITHM_TYPES
from secretsync.rucio.check.rules.calls import accepts, signature
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import Function


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Functions of algorithms that Rucio cannot call with the arguments it gives."""
    registered = algorithms(package)
    used = (
        {(entry.type, entry.name): entry.function for entry in registered.entries if entry.function}
        if registered
        else {}
    )
    if setting.rucio.default_algorithms:
        defaults = {kind: default_algorithm(package, kind) for kind in ALGORITHM_TYPES}
        used |= {(kind, ""): default[1] for kind, default in defaults.items() if default}
    for (kind, name), function in used.items():
        arguments = setting.rucio.algorithm_arguments.get(kind)
        if arguments is not None and (problem := _problem(function, arguments)):
            called = f"the {kind} algorithm {name!r}" if name else f"the default algorithm {kind}"
            yield rule.finding(
                function.module.path,
                function.node.lineno,
                f"Rucio calls {called} with {_count(arguments)}, and {function.name} {problem}: each use of it fails",
                f"Let it take what Rucio gives it: {', '.join(arguments) or 'nothing'}",
                about=name or kind,
            )


def _problem(function: Function, arguments: tuple[str, ...]) -> str:
    node = function.node
    if isinstance(node, ast.AsyncFunctionDef):
        return "is async and returns a coroutine"
    if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node.decorator_list):
        return ""
    return "" if accepts(node.args, len(arguments), ()) else f"takes {signature(node.args)}: a TypeError"


def _count(arguments: tuple[str, ...]) -> str:
    return f"{len(arguments)} argument{'' if len(arguments) == 1 else 's'}"


RULE = Rule(
    "algorithm-call",
    Severity.ERROR,
    "An algorithm cannot be called as Rucio calls it",
    "Rucio calls each type of algorithm in its own way, by place: scope(did, scopes), lfn2pfn(scope, name, rse, "
    "rse_attributes, protocol_attributes), pfn2lfn(parsed_pfn), non_deterministic_pfn(dataset, scope, filename), "
    "auto_approve(rule, did, session), fts3_tape_metadata_plugins(hints), fts3_plugins_init(). A function that does "
    "not take that raises TypeError at its first use: in a daemon, long after the start.",
    find,
)
