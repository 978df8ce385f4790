"""Whether a function can be called in the way Rucio calls it."""

from __future__ import annotations

import ast

from secretsync.rucio.check.answers import returns
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.interpret import value_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.tree import own_nodes, walk
from secretsync.rucio.check.values import Function


def accepts(arguments: ast.arguments, positional: int, keywords: tuple[str, ...]) -> bool:
    """Whether a call with *positional* values and these *keywords* raises no TypeError."""
    by_place = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    if positional > len(by_place) and not arguments.vararg:
        return False
    only_by_place = {argument.arg for argument in arguments.posonlyargs}
    only_by_name = [argument.arg for argument in arguments.kwonlyargs]
    filled = set(by_place[:positional])
    for name in keywords:
        if name in filled and name not in only_by_place:
            return False
        if (name in by_place and name not in only_by_place) or name in only_by_name:
            filled.add(name)
        elif not arguments.kwarg:
            return False
    required = set(by_place[: len(by_place) - len(arguments.defaults)])
    required |= {name for name, default in zip(only_by_name, arguments.kw_defaults, strict=True) if default is None}
    return required <= filled


def signature(arguments: ast.arguments) -> str:
    """``(a, b, *, session)``, as a person reads it."""
    return f"({ast.unparse(arguments)})"


Definition = ast.FunctionDef | ast.AsyncFunctionDef


def cannot_be_called(
    package: Package, module: Module, definition: Definition, count: int, names: tuple[str, ...]
) -> str:
    """Why a call with *count* values by place and these *names* fails, through all decorators; empty if it does not.

    A decorator that is not the package's own is taken to hand everything on.
    """
    return _through(package, module, definition, list(definition.decorator_list), count, names)


def _through(
    package: Package,
    module: Module,
    definition: Definition,
    decorators: list[ast.expr],
    count: int,
    names: tuple[str, ...],
) -> str:
    if not decorators:
        if accepts(definition.args, count, names):
            return ""
        return f"{definition.name} takes {signature(definition.args)}"
    outermost, *inner = decorators
    if dotted(_callee(outermost), package.aliases(module)) in ("functools.lru_cache", "functools.cache"):
        return f"{definition.name} is cached, and a dictionary (kwargs) cannot be the key of a cache"
    if _returns_nothing(package, module, outermost):
        return f"its decorator {ast.unparse(outermost)} returns nothing in its place"
    wrapper, parameter = _wrapper(package, module, outermost)
    if wrapper is None:
        # what hands the function back unchanged, or is not known
        return _through(package, module, definition, inner, count, names)
    if not accepts(wrapper.args, count, names):
        return f"its decorator {ast.unparse(outermost)} makes it take {signature(wrapper.args)}"
    for node in walk(wrapper):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == parameter:
            handed = _handed_on(wrapper.args, node, count, names)
            if problem := _through(package, module, definition, inner, *handed):
                return f"its decorator {ast.unparse(outermost)} calls it as {ast.unparse(node)}, and {problem}"
    return ""


def _callee(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def forgetful_wrapper(package: Package, module: Module, definition: Definition) -> ast.FunctionDef | None:
    """The function that a decorator puts in place and that does not return what the decorated one answers."""
    for decorator in definition.decorator_list:
        wrapper, parameter = _wrapper(package, module, decorator)
        if wrapper and _drops(wrapper, parameter):
            return wrapper
    return None


def _drops(wrapper: ast.FunctionDef, parameter: str) -> bool:
    """Whether it calls the decorated function and returns nothing at all."""
    calls = any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == parameter
        for node in own_nodes(wrapper)
    )
    return calls and not any(statement.value is not None for statement in returns(wrapper))


def _returns_nothing(package: Package, module: Module, decorator: ast.expr) -> bool:
    """Whether the decorator is the package's own and leaves None where the function was."""
    value = value_of(package, module, _callee(decorator), package.values(module))
    node = value.node if isinstance(value, Function) else None
    if isinstance(decorator, ast.Call) and isinstance(node, ast.FunctionDef):
        node = _returned_function(node)  # a factory of decorators
    return isinstance(node, ast.FunctionDef) and not any(
        isinstance(inner, ast.Return | ast.Yield | ast.YieldFrom | ast.Raise) for inner in own_nodes(node)
    )


def _wrapper(package: Package, module: Module, decorator: ast.expr) -> tuple[ast.FunctionDef | None, str]:
    """The function that the decorator puts in place, and the name that it knows the decorated one by."""
    value = value_of(package, module, _callee(decorator), package.values(module))
    node = value.node if isinstance(value, Function) else None
    if isinstance(decorator, ast.Call) and isinstance(node, ast.FunctionDef):
        node = _returned_function(node)  # a factory of decorators
    if not isinstance(node, ast.FunctionDef) or not node.args.args:
        return None, ""
    return _returned_function(node), node.args.args[0].arg


def _returned_function(definition: ast.FunctionDef) -> ast.FunctionDef | None:
    inner = {statement.name: statement for statement in definition.body if isinstance(statement, ast.FunctionDef)}
    for statement in definition.body:
        match statement:
            case ast.Return(value=ast.Name(id=name)) if name in inner:
                return inner[name]
    return None


def _handed_on(
    wrapper: ast.arguments, call: ast.Call, count: int, names: tuple[str, ...]
) -> tuple[int, tuple[str, ...]]:
    """What the wrapper's *call* gives, when the wrapper itself was given *count* values and *names*."""
    positional = [*wrapper.posonlyargs, *wrapper.args]
    starred = sum(isinstance(argument, ast.Starred) for argument in call.args)
    given_count = len(call.args) - starred + (max(count - len(positional), 0) if starred else 0)
    keywords = [keyword.arg for keyword in call.keywords if keyword.arg]
    if any(keyword.arg is None for keyword in call.keywords):
        captured = {parameter.arg for parameter in (*positional, *wrapper.kwonlyargs)}
        keywords += [name for name in names if name not in captured]
    return given_count, tuple(keywords)
