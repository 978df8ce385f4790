"""The values that a module's names have once it is imported, as far as the source tells without running it."""

from __future__ import annotations

import ast
import copy
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from secretsync.rucio.check.code import Module

if TYPE_CHECKING:
    from secretsync.rucio.check.package import Package

LONGEST = 10_000
"""Characters or elements of a value that is still calculated: a hostile file must not fill the memory."""

DEEPEST = 8
"""Calls and modules that are followed, one inside the other."""


class Unreadable(Enum):
    """The one value that only running the code would tell."""

    UNREADABLE = "calculated"


UNREADABLE = Unreadable.UNREADABLE
"""Stands for a value that only running the code would tell; as a key of a dictionary, for entries that are unknown."""


@dataclass(frozen=True, eq=False)
class Function:
    """A function, lambda or class of the package; the same definition is the same value."""

    module: Module = field(repr=False)
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef = field(repr=False)

    @property
    def name(self) -> str:
        return "lambda" if isinstance(self.node, ast.Lambda) else self.node.name

    def __deepcopy__(self, _: object) -> Function:
        return self


@dataclass(frozen=True)
class ModuleValue:
    """A module of the package, by its name relative to it."""

    name: str


Names = dict[str, Any]


def values_of(package: Package, module: Module, depth: int = 0) -> Names:
    """Every name of *module* with its value, UNREADABLE where that is calculated in a way that is not followed."""
    names: Names = {"__name__": f"{package.name}.{module.name}".rstrip("."), "__package__": package_of(package, module)}
    return _Reader(package, module, names, depth).run(module.tree.body)


def package_of(package: Package, module: Module) -> str:
    """``__package__`` of the module: its own name if it is an ``__init__``, else what holds it."""
    dotted = f"{package.name}.{module.name}".rstrip(".")
    return dotted if module.is_package else dotted.rpartition(".")[0]


def names_within(package: Package, function: Function) -> Names:
    """The names that the function sees when it has run through, its parameters UNREADABLE."""
    if isinstance(function.node, ast.Lambda | ast.ClassDef):
        return dict(package.values(function.module))
    given = function.node.args
    parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    names = {**package.values(function.module), **{one.arg: UNREADABLE for one in parameters if one}}
    return _Reader(package, function.module, copy.deepcopy(names), 0).run(function.node.body)


def value_of(package: Package, module: Module, expression: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of *expression* in *module* where its names have the values *names*."""
    return _Reader(package, module, dict(names), 0).value(expression)


def returns_of(package: Package, function: Function) -> list[Any]:
    """The values that the function returns when it is called without arguments, one for each ``return``."""
    return _Reader(package, function.module, dict(package.values(function.module)), 0).returned(function)


def readable(value: object) -> bool:
    """Whether the whole value is known."""
    if isinstance(value, Mapping):
        return all(readable(key) and readable(inner) for key, inner in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(readable, value))
    return not isinstance(value, Unreadable)


class _Reader:
    """Follows statements in their order; what it cannot follow makes names UNREADABLE."""

    def __init__(self, package: Package, module: Module, names: Names, depth: int) -> None:
        self._package, self._module, self._names, self._depth = package, module, names, depth
        self._returned: list[Any] = []

    def run(self, body: list[ast.stmt]) -> Names:
        for statement in body:
            self._statement(statement)
        return self._names

    def returned(self, function: Function) -> list[Any]:
        if isinstance(function.node, ast.Lambda):
            return [self.value(function.node.body)]
        self.run(function.node.body)
        return self._returned

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=targets, value=expression):
                value = self.value(expression)
                for target in targets:
                    self._bind(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as expression):
                self._bind(target, self.value(expression))
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=expression):
                self._bind(target, _operate(op, self._names.get(name, UNREADABLE), self.value(expression)))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._names[statement.name] = Function(self._module, statement)
            case ast.Import() | ast.ImportFrom():
                self._import(statement)
            case ast.If(test=test, body=body, orelse=orelse):
                self._branch(self.value(test), body, orelse)
            case ast.Try():
                self._try(statement)
            case ast.With(body=body):
                self.run(body)
            case ast.Expr(value=ast.Call() as call):
                self._change(call)
            case ast.Return(value=expression):
                self._returned.append(self.value(expression) if expression else None)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self._names.pop(target.id, None)
            case _:
                self._forget([statement])

    def _bind(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self._names[name] = value
            case ast.Tuple(elts=inner) | ast.List(elts=inner):
                parts = value if isinstance(value, list | tuple) and len(value) == len(inner) else None
                for index, one in enumerate(inner):
                    self._bind(one, parts[index] if parts else UNREADABLE)
            case ast.Subscript(value=container, slice=index):
                held, key = self.value(container), self.value(index)
                if isinstance(held, dict):
                    held[key if _is_key(key) else UNREADABLE] = value
                elif isinstance(held, list) and isinstance(key, int) and -len(held) <= key < len(held):
                    held[key] = value

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for one in self._package.imports_at(self._module, statement.lineno):
            top, _, rest = one.name.partition(".")
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    own = alias.asname and alias.name == one.name and top == self._package.name
                    self._names[(alias.asname or alias.name).partition(".")[0]] = (
                        ModuleValue(rest) if own else UNREADABLE
                    )
                continue
            source = self._package.get(rest) if top == self._package.name and not one.beyond else None
            given = self._given(source)
            for alias in statement.names:
                if alias.name == "*":
                    self._names.update({name: value for name, value in given.items() if not name.startswith("_")})
                    continue
                below = f"{rest}.{alias.name}".strip(".") if top == self._package.name else ""
                value = given.get(alias.name, UNREADABLE)
                if value is UNREADABLE and below and self._package.get(below):
                    value = ModuleValue(below)
                self._names[alias.asname or alias.name] = value

    def _given(self, source: Module | None) -> Names:
        if source is None or source is self._module or self._depth >= DEEPEST:
            return {}
        return self._package.values(source, self._depth + 1)

    def _branch(self, test: Any, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        if readable(test) and not isinstance(test, Function | ModuleValue):
            self.run(body if test else orelse)
            return
        before = self._names
        ends = []
        for block in (body, orelse):
            self._names = copy.deepcopy(before)
            ends.append(self.run(block))
        self._names = {
            name: ends[0].get(name) if _same(ends[0].get(name), ends[1].get(name)) else UNREADABLE
            for name in ends[0].keys() | ends[1].keys()
        }

    def _try(self, statement: ast.Try) -> None:
        self.run([*statement.body, *statement.orelse])
        for handler in statement.handlers:
            kept = dict(self._names)
            self._names = copy.deepcopy(kept)
            for name, value in self.run(handler.body).items():
                if name not in kept or not _same(kept[name], value):
                    kept[name] = UNREADABLE
            self._names = kept
        self.run(statement.finalbody)

    def _forget(self, statements: list[ast.stmt]) -> None:
        """What a loop binds is not followed."""
        for statement in statements:
            for node in ast.walk(statement):
                match node:
                    case ast.Name(id=name, ctx=ast.Store()):
                        self._names[name] = UNREADABLE
                    case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                        if isinstance(self._names.get(name), dict):
                            self._names[name][UNREADABLE] = UNREADABLE
                        else:
                            self._names[name] = UNREADABLE
                    case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if isinstance(
                        self._names.get(name), list | dict
                    ):
                        self._names[name] = UNREADABLE
                    case ast.Return():
                        self._returned.append(UNREADABLE)

    def _change(self, call: ast.Call) -> None:
        """``table.update(…)``, ``names.append(…)``: a call for its effect on a value that is known."""
        if not isinstance(call.func, ast.Attribute):
            return
        held, method = self.value(call.func.value), call.func.attr
        given = [self.value(argument) for argument in call.args]
        if isinstance(held, dict) and method == "update":
            for one in given:
                held.update(one if isinstance(one, dict) else {UNREADABLE: UNREADABLE})
            held.update({keyword.arg or UNREADABLE: self.value(keyword.value) for keyword in call.keywords})
        elif isinstance(held, dict) and method in ("setdefault", "pop", "clear", "popitem"):
            self._set_default(held, method, given)
        elif isinstance(held, list) and method == "append" and len(given) == 1 and len(held) < LONGEST:
            held.append(given[0])
        elif isinstance(held, list) and method == "extend" and len(given) == 1:
            held.extend(given[0] if isinstance(given[0], list | tuple) else [UNREADABLE])

    def _set_default(self, held: dict[Any, Any], method: str, given: list[Any]) -> None:
        if method == "setdefault" and given and _is_key(given[0]):
            held.setdefault(given[0], given[1] if len(given) > 1 else None)
        else:
            held[UNREADABLE] = UNREADABLE

    def value(self, expression: ast.expr) -> Any:
        try:
            return self._value(expression)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError):
            return UNREADABLE

    def _value(self, expression: ast.expr) -> Any:
        match expression:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._names.get(name, UNREADABLE)
            case ast.Attribute(value=inner, attr=name):
                return self._attribute(self.value(inner), name)
            case ast.List(elts=elements):
                return self._elements(elements)
            case ast.Tuple(elts=elements):
                return tuple(self._elements(elements))
            case ast.Set(elts=elements):
                return set(self._elements(elements))
            case ast.Dict(keys=keys, values=values):
                return self._dictionary(keys, values)
            case ast.JoinedStr(values=parts):
                return _joined([self._part(part) for part in parts])
            case ast.BinOp(left=left, op=op, right=right):
                return _operate(op, self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                value = self.value(inner)
                return (not value) if readable(value) else UNREADABLE
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self.value(inner)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._choice(self.value(test), self.value(body), self.value(orelse))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _compare(op, self.value(left), self.value(right))
            case ast.Subscript(value=inner, slice=index):
                return self._item(self.value(inner), self.value(index))
            case ast.Lambda():
                return Function(self._module, expression)
            case ast.Call():
                return self._call(expression)
        return UNREADABLE

    def _attribute(self, value: Any, name: str) -> Any:
        if isinstance(value, ModuleValue):
            source = self._package.get(value.name)
            return self._given(source).get(name, UNREADABLE) if source else UNREADABLE
        if isinstance(value, Function) and isinstance(value.node, ast.ClassDef):
            return _method(value, name)
        return UNREADABLE

    def _elements(self, elements: list[ast.expr]) -> list[Any]:
        found: list[Any] = []
        for one in elements:
            if isinstance(one, ast.Starred):
                value = self.value(one.value)
                found.extend(value if isinstance(value, list | tuple) else [UNREADABLE])
            else:
                found.append(self.value(one))
        return found

    def _dictionary(self, keys: list[ast.expr | None], values: list[ast.expr]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, expression in zip(keys, values, strict=True):
            value = self.value(expression)
            if key is None:
                found.update(value if isinstance(value, dict) else {UNREADABLE: UNREADABLE})
            else:
                name = self.value(key)
                found[name if _is_key(name) else UNREADABLE] = value
        return found

    def _part(self, part: ast.expr) -> Any:
        if not isinstance(part, ast.FormattedValue):
            return self.value(part)
        value = self.value(part.value)
        spec = self.value(part.format_spec) if part.format_spec else ""
        if not readable(value) or not isinstance(spec, str) or _wide(spec) or part.conversion not in (-1, 115):
            return UNREADABLE
        return format(value, spec)

    def _choice(self, test: Any, body: Any, orelse: Any) -> Any:
        if readable(test):
            return body if test else orelse
        return body if _same(body, orelse) else UNREADABLE

    def _item(self, value: Any, index: Any) -> Any:
        if isinstance(value, dict) and UNREADABLE in value and index not in value:
            return UNREADABLE
        return value[index] if readable(index) else UNREADABLE

    def _call(self, call: ast.Call) -> Any:
        given = self._elements(call.args)
        keywords = {one.arg: self.value(one.value) for one in call.keywords}
        match call.func:
            case ast.Name(id="dict") if not call.args or isinstance(given[0], dict):
                merged: dict[Any, Any] = dict(given[0]) if given else {}
                for name, value in keywords.items():
                    merged.update({name: value} if name else value)
                return merged
            case ast.Name(id=name) if name in _BUILTINS and name not in self._names and not keywords:
                return _BUILTINS[name](*given) if all(map(readable, given)) else UNREADABLE
            case ast.Attribute(value=inner, attr=name) if name in _METHODS:
                return _of_text(self.value(inner), name, given, keywords)
            case ast.Attribute(value=inner, attr="copy") if not given:
                held = self.value(inner)
                return dict(held) if isinstance(held, dict) else UNREADABLE
        function = self.value(call.func)
        if isinstance(function, Function) and not given and not keywords and self._depth < DEEPEST:
            return self._called(function)
        return UNREADABLE

    def _called(self, function: Function) -> Any:
        if not isinstance(function.node, ast.FunctionDef | ast.Lambda):
            return UNREADABLE
        own = function.module is self._module
        names = dict(self._names) if own else dict(self._given(function.module))
        returned = _Reader(self._package, function.module, names, self._depth + 1).returned(function)
        return returned[0] if len(returned) == 1 else UNREADABLE


def _same(one: Any, other: Any) -> bool:
    return one is other or (readable(one) and readable(other) and type(one) is type(other) and bool(one == other))


def _is_key(key: object) -> bool:
    return isinstance(key, str | int | float | bool | None)


def _method(class_: Function, name: str) -> Any:
    for statement in class_.node.body if isinstance(class_.node, ast.ClassDef) else ():
        match statement:
            case ast.FunctionDef(name=found, decorator_list=[ast.Name(id="staticmethod")]) if found == name:
                plain = ast.FunctionDef(**{**vars(statement), "decorator_list": []})
                return Function(class_.module, plain)
    return UNREADABLE


def _wide(specification: str) -> bool:
    """A width of thousands would make a text of that size."""
    return bool(re.search(r"\d{4,}|\*", specification))


def _joined(parts: list[Any]) -> Any:
    return "".join(map(str, parts)) if all(map(readable, parts)) else UNREADABLE


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
}


def _operate(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.BitOr) and isinstance(left, dict):
        return {**left, **(right if isinstance(right, dict) else {UNREADABLE: UNREADABLE})}
    if type(op) not in _OPERATORS or not readable(left) or not readable(right):
        return UNREADABLE
    if isinstance(op, ast.Mod) and isinstance(left, str) and _wide(left):
        return UNREADABLE
    if any(isinstance(one, str | list | tuple) and len(one) > LONGEST for one in (left, right)):
        return UNREADABLE
    return _OPERATORS[type(op)](left, right)


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def _compare(op: ast.cmpop, left: Any, right: Any) -> Any:
    if type(op) not in _COMPARISONS or not readable(left) or not readable(right):
        return UNREADABLE
    return _COMPARISONS[type(op)](left, right)


_BUILTINS: dict[str, Callable[..., Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "len": len,
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "sorted": sorted,
    "max": max,
    "min": min,
}

_METHODS = frozenset(
    {"join", "format", "strip", "lstrip", "rstrip", "lower", "upper", "split", "replace", "partition", "rpartition"}
)


def _of_text(text: Any, method: str, given: list[Any], keywords: Mapping[str | None, Any]) -> Any:
    known = isinstance(text, str) and all(map(readable, given)) and all(map(readable, keywords.values()))
    if not known or None in keywords or len(text) > LONGEST or (method == "format" and _wide(text)):
        return UNREADABLE
    if method == "replace" and any(isinstance(one, str) and len(one) > 100 for one in given):
        return UNREADABLE
    return getattr(text, method)(*given, **{str(name): value for name, value in keywords.items()})


def nodes_outside_functions(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Every node that is evaluated when *body* runs, without the inside of functions and lambdas."""
    todo: list[ast.AST] = list(reversed(body))
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            todo.extend([*node.decorator_list, *given.defaults, *(one for one in given.kw_defaults if one)])
        elif not isinstance(node, ast.Lambda):
            todo.extend(reversed(list(ast.iter_child_nodes(node))))
