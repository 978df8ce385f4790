"""The types of algorithms, and the arguments that Rucio calls each with."""

from __future__ import annotations

import ast
import re

from scripts.rucio_facts.names import Sources

ALGORITHM_CALLS = {  # where Rucio calls an algorithm of each type: module, class, method, the callee
    "scope": ("rucio.common.utils", "ScopeExtractionAlgorithms", "extract_scope", r"fn|self\.get_algorithm\(.*\)"),
    "non_deterministic_pfn": (
        "rucio.common.utils",
        "NonDeterministicPFNAlgorithms",
        "construct_non_deterministic_pfn",
        r"fn|self\.get_algorithm\(.*\)",
    ),
    "lfn2pfn": ("rucio.rse.translation", "RSEDeterministicTranslation", "path", r"algorithm_callable"),
    "auto_approve": ("rucio.core.rule", "AutoApprove", "evaluate", r"self\.get_configured_algorithm\(.*\)"),
    "fts3_tape_metadata_plugins": (
        "rucio.transfertool.fts3_plugins",
        "FTS3TapeMetadataPlugin",
        "hints",
        r"self\.set_in_hints",
    ),
    "fts3_plugins_init": ("rucio.transfertool.fts3_plugins", "FTS3TapeMetadataPlugin", "__init__", r"init_func"),
}


def algorithm_types(constants: ast.Module) -> list[str] | None:
    for statement in constants.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id="POLICY_ALGORITHM_TYPES_LITERAL")],
                value=ast.Subscript(slice=ast.Tuple(elts=types)),
            ):
                return [kind.value for kind in types if isinstance(kind, ast.Constant)]
    return None


def algorithm_arguments(trees: Sources) -> dict[str, list[str]]:
    """The arguments that Rucio gives an algorithm of each type, as its source writes them."""
    found = {}
    for kind, (name, class_, method, callee) in ALGORITHM_CALLS.items():
        for node in ast.walk(_method(trees, name, class_, method)):
            if isinstance(node, ast.Call) and re.fullmatch(callee, ast.unparse(node.func)) and not node.keywords:
                found[kind] = [ast.unparse(argument).removeprefix("self.") for argument in node.args]
    # this type is handed on as a function: its own default has its parameters
    default = _method(trees, "rucio.rse.translation", "RSEDeterministicScopeTranslation", "_default")
    if isinstance(default, ast.FunctionDef):
        found["pfn2lfn"] = [parameter.arg for parameter in default.args.args]
    return found


def _method(trees: Sources, module: str, class_: str, method: str) -> ast.AST:
    """The method, or an empty module where that release does not have it."""
    for statement in trees[module].body if module in trees else ():
        if isinstance(statement, ast.ClassDef) and statement.name == class_:
            for inner in statement.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == method:
                    return inner
    return ast.Module(body=[], type_ignores=[])
