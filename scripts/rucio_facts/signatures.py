"""The signatures of Rucio's functions that a policy package calls."""

from __future__ import annotations

import ast
from collections.abc import Mapping

INJECTS_A_SESSION = ("read_session", "transactional_session", "stream_session")
"""Decorators of Rucio whose functions may be called without a session."""


def signatures(tree: ast.Module) -> dict[str, str]:
    """``{"has_account_attribute": "account,key,*,session"}``: a name with ``=`` may be left out."""
    return {
        statement.name: _parameters(statement)
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef)
        and not statement.name.startswith("_")
        and _keeps_its_signature(statement)
    }


def result_signature(permission: ast.Module) -> dict[str, str]:
    """What a PermissionResult is made of; the functions beside it are called by Rucio alone."""
    return {
        class_.name: _parameters(method).removeprefix("self,")
        for class_ in permission.body
        if isinstance(class_, ast.ClassDef) and class_.name == "PermissionResult"
        for method in class_.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
    }


def _keeps_its_signature(definition: ast.FunctionDef) -> bool:
    known = (*INJECTS_A_SESSION, "METRICS.time_it", "METRICS.count_it", "METRICS.count_it()", "METRICS.time_it()")
    return all(ast.unparse(decorator).startswith(known) for decorator in definition.decorator_list)


def _parameters(definition: ast.FunctionDef) -> str:
    injected = any(ast.unparse(decorator) in INJECTS_A_SESSION for decorator in definition.decorator_list)
    arguments = definition.args
    positional = [*arguments.posonlyargs, *arguments.args]
    optional = (
        {parameter.arg for parameter in positional[len(positional) - len(arguments.defaults) :]}
        if arguments.defaults
        else set()
    )
    optional |= {
        parameter.arg for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default
    }
    optional |= {"session"} if injected else set()
    words = [parameter.arg + ("=" if parameter.arg in optional else "") for parameter in positional]
    if arguments.posonlyargs:
        words.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg or arguments.kwonlyargs:
        words.append("*" + (arguments.vararg.arg if arguments.vararg else ""))
    words += [parameter.arg + ("=" if parameter.arg in optional else "") for parameter in arguments.kwonlyargs]
    return ",".join([*words, f"**{arguments.kwarg.arg}"] if arguments.kwarg else words)


def signatures_of(
    by_release: Mapping[str, Mapping[str, Mapping[str, str]]],
) -> dict[str, dict[str, dict[str, list[str]]]]:
    """``{module: {function: {signature: [the releases that have it]}}}``; an empty list stands for every release."""
    result: dict[str, dict[str, dict[str, list[str]]]] = {}
    for minor, modules in by_release.items():
        for module_name, functions in modules.items():
            for function, parameters in functions.items():
                result.setdefault(module_name, {}).setdefault(function, {}).setdefault(parameters, []).append(minor)
    for functions in result.values():
        for forms in functions.values():
            for parameters, releases in forms.items():
                forms[parameters] = [] if len(releases) == len(by_release) else releases
    return result
