"""The value of an expression, where the values of the names in it are known; nothing is run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from packaging.specifiers import SpecifierSet

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import Import
from secretsync.rucio.check.rucio import not_yet_in_the_images, rucio
from secretsync.rucio.check.values import (
    BUILTINS,
    CONTAINERS,
    LONGEST,
    METHODS,
    MOST_PARTS,
    UNREADABLE,
    Function,
    ModuleValue,
    Names,
    VersionInfo,
    built,
    compare,
    constant_of,
    count,
    is_key,
    is_plain,
    is_wide,
    joined,
    method_of,
    of_text,
    operate,
    readable,
    same,
)
from secretsync.rucio.check.work import Work

LONGEST_SPECIFIER = 200
"""Characters of what is read as a version specifier."""

DEEPEST = 8
"""Calls and modules that are followed, one inside the other."""


class Modules(Protocol):
    """What is asked of a policy package: its modules, their imports and their values."""

    @property
    def name(self) -> str:
        """The package's name, by which its modules import each other."""

    def get(self, name: str) -> Module | None:
        """The module of that dotted name, empty for the package itself; None where there is none."""

    def imports_at(self, module: Module, line: int) -> tuple[Import, ...]:
        """The imports of *module* at *line*."""

    def values(self, module: Module, depth: int = 0) -> Names:
        """The values of the module's names, as far as they can be calculated."""

    @property
    def work(self) -> Work:
        """What may still be calculated of it."""


class NotFollowed(Exception):
    """A form of expression that is not calculated here, though Python does."""


class Evaluator:
    """Calculates expressions of *module* from *names*; how a function of the package runs, a subclass says."""

    def __init__(self, package: Modules, module: Module, names: Names, depth: int) -> None:
        self._package, self._module, self._names, self._depth = package, module, names, depth
        self.failed: dict[int, Exception] = {}
        """What was raised by calculating an expression from values that are known, by its identity."""
        self._readers: dict[type[ast.expr], Callable[[Any], Any]] = {
            ast.Constant: lambda node: node.value,
            ast.Name: lambda node: self._names.get(node.id, UNREADABLE),
            ast.Attribute: self._attribute,
            ast.List: lambda node: self._elements(node.elts),
            ast.Tuple: lambda node: tuple(self._elements(node.elts)),
            ast.Set: lambda node: set(self._elements(node.elts)),
            ast.Dict: self._dictionary,
            ast.JoinedStr: lambda node: joined([self._part(part) for part in node.values]),
            ast.BinOp: lambda node: operate(node.op, self.value(node.left), self.value(node.right)),
            ast.UnaryOp: self._unary,
            ast.IfExp: self._choice,
            ast.BoolOp: self._and_or,
            ast.Compare: self._comparison,
            ast.Subscript: self._item,
            ast.Slice: lambda node: slice(*(part and self.value(part) for part in (node.lower, node.upper, node.step))),
            ast.ListComp: lambda node: self._comprehension(node.generators, lambda inner: inner.value(node.elt)),
            ast.DictComp: lambda node: dict(
                self._comprehension(node.generators, lambda inner: (inner.value(node.key), inner.value(node.value)))
            ),
            ast.Lambda: lambda node: Function(self._module, node),
            ast.Call: self._call,
            ast.NamedExpr: self._named,
        }

    def given(self, source: Module | None) -> Names:
        """The names of another module of the package; none where that is not followed."""
        if source is None or source is self._module or self._depth >= DEEPEST:
            return {}
        return self._package.values(source, self._depth + 1)

    def called(self, function: Function) -> Any:
        """What the function returns when it is called without arguments."""
        raise NotImplementedError

    def value(self, expression: ast.expr) -> Any:
        """The value; UNREADABLE where only running the code would tell, or where it is too large.

        Raises TooMuchWork.
        """
        try:
            value = self._value(expression)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
            self.failed[id(expression)] = error
            return UNREADABLE
        except (NotFollowed, RecursionError):
            return UNREADABLE
        return value if self.counted(value) else UNREADABLE

    def counted(self, value: Any) -> bool:
        """Whether the value has no more parts than one may have; they are work. Raises TooMuchWork."""
        parts = count(value)
        self._package.work.spend(parts)
        return parts <= MOST_PARTS

    def _value(self, expression: ast.expr) -> Any:
        read = self._readers.get(type(expression))
        return read(expression) if read else UNREADABLE

    def _named(self, expression: ast.NamedExpr) -> Any:
        value = self._names[expression.target.id] = self.value(expression.value)
        return value

    def _unary(self, expression: ast.UnaryOp) -> Any:
        value = self.value(expression.operand)
        if not readable(value):
            return UNREADABLE
        if isinstance(expression.op, ast.USub):
            return -value
        return not value if isinstance(expression.op, ast.Not) else UNREADABLE

    def _and_or(self, expression: ast.BoolOp) -> Any:
        stops = isinstance(expression.op, ast.Or)
        value: Any = UNREADABLE
        for part in expression.values:
            value = self.value(part)
            if not readable(value) or bool(value) is stops:
                break
        return value

    def _comparison(self, expression: ast.Compare) -> Any:
        if len(expression.ops) > 1:
            return UNREADABLE
        return compare(expression.ops[0], self.value(expression.left), self.value(expression.comparators[0]))

    def _attribute(self, expression: ast.Attribute) -> Any:
        value, name = self.value(expression.value), expression.attr
        if name == "version_info" and isinstance(expression.value, ast.Name) and expression.value.id == "sys":
            return VersionInfo.of(rucio().python)
        if isinstance(value, VersionInfo):
            return getattr(value, name, UNREADABLE)
        if isinstance(value, ModuleValue):
            source = self._package.get(value.name)
            return self.given(source).get(name, UNREADABLE) if source else UNREADABLE
        if isinstance(value, Function) and isinstance(value.node, ast.ClassDef):
            method = method_of(value, name)
            return constant_of(value, name, self.value) if method is UNREADABLE else method
        if is_plain(value) and not hasattr(value, name):
            raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}")
        return UNREADABLE

    def _elements(self, elements: list[ast.expr]) -> list[Any]:
        items: list[Any] = []
        for element in elements:
            if isinstance(element, ast.Starred):
                value = self.value(element.value)
                items.extend(value if isinstance(value, list | tuple) else [UNREADABLE])
                self._package.work.spend(len(items))
            else:
                items.append(self.value(element))
        return items

    def _dictionary(self, expression: ast.Dict) -> dict[Any, Any]:
        entries: dict[Any, Any] = {}
        for key, inner in zip(expression.keys, expression.values, strict=True):
            value = self.value(inner)
            if key is None:
                entries.update(value if isinstance(value, dict) else {UNREADABLE: UNREADABLE})
            else:
                name = self.value(key)
                entries[name if is_key(name) else UNREADABLE] = value
        return entries

    def _part(self, part: ast.expr) -> Any:
        if not isinstance(part, ast.FormattedValue):
            return self.value(part)
        value = self.value(part.value)
        spec = self.value(part.format_spec) if part.format_spec else ""
        if not readable(value) or not isinstance(spec, str) or is_wide(spec) or part.conversion not in (-1, 115):
            return UNREADABLE
        return format(value, spec)

    def _comprehension(self, generators: list[ast.comprehension], read: Callable[[Evaluator], Any]) -> list[Any]:
        """What the comprehension of one loop gives; an element that is not known for one that is not followed."""
        match generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=iterated, ifs=[])]:
                elements = self.value(iterated)
            case _:
                raise NotFollowed
        if not isinstance(elements, list | tuple | dict) or len(elements) > LONGEST:
            raise NotFollowed
        outer_names, results = self._names, []
        for element in elements:
            self._names = {**outer_names, name: element}
            results.append(read(self))
        self._names = outer_names
        return results

    def _choice(self, expression: ast.IfExp) -> Any:
        test, body, orelse = map(self.value, (expression.test, expression.body, expression.orelse))
        if readable(test):
            return body if test else orelse
        return body if same(body, orelse) else UNREADABLE

    def _item(self, expression: ast.Subscript) -> Any:
        value, index = self.value(expression.value), self.value(expression.slice)
        if value is UNREADABLE or (isinstance(value, dict) and UNREADABLE in value and index not in value):
            return UNREADABLE
        return value[index] if readable(index) else UNREADABLE

    def _call(self, call: ast.Call) -> Any:
        arguments = self._elements(call.args)
        keywords = {keyword.arg: self.value(keyword.value) for keyword in call.keywords}
        match call.func:
            case ast.Name(id="dict") if not call.args or isinstance(arguments[0], dict):
                return _merged(arguments, keywords)
            case ast.Name(id=name) if name in CONTAINERS and name not in self._names and not readable(arguments):
                return CONTAINERS[name]([UNREADABLE])
            case ast.Name(id="SpecifierSet") | ast.Attribute(attr="SpecifierSet") if arguments and not keywords:
                text = arguments[0]
                return SpecifierSet(text) if isinstance(text, str) and len(text) < LONGEST_SPECIFIER else UNREADABLE
            case ast.Name(id="hasattr") if "hasattr" not in self._names:
                return _has_attribute(call.args)
            case ast.Name(id="reversed") if "reversed" not in self._names and readable(arguments):
                return list(reversed(*arguments))
            case ast.Name(id=name) if name in BUILTINS and name not in self._names and not keywords:
                return built(name, arguments)
            case ast.Attribute(value=inner, attr=name) if name in METHODS:
                return of_text(self.value(inner), name, arguments, keywords)
            case ast.Attribute(value=inner, attr="copy") if not arguments:
                owner = self.value(inner)
                return dict(owner) if isinstance(owner, dict) else UNREADABLE
            case ast.Attribute(value=inner, attr="items" | "keys" | "values" as name) if not arguments:
                owner = self.value(inner)
                return list(getattr(owner, name)()) if isinstance(owner, dict) else UNREADABLE
        return self._called_value(self.value(call.func), has_arguments=bool(arguments or keywords))

    def _called_value(self, function: Any, *, has_arguments: bool) -> Any:
        if is_plain(function):
            raise TypeError(f"{type(function).__name__!r} object is not callable")
        if isinstance(function, Function) and not has_arguments and self._depth < DEEPEST:
            return self.called(function)
        return UNREADABLE


def _merged(arguments: list[Any], keywords: Mapping[str | None, Any]) -> dict[Any, Any]:
    """What ``dict(…)`` gives; an entry that is not known for a ``**`` that is not."""
    merged: dict[Any, Any] = dict(arguments[0]) if arguments else {}
    for name, value in keywords.items():
        merged.update({name: value} if name else value if isinstance(value, dict) else {UNREADABLE: UNREADABLE})
    return merged


def _has_attribute(arguments: list[ast.expr]) -> Any:
    """Whether ``sys`` of the images' Python has the attribute."""
    match arguments:
        case [ast.Name(id="sys"), ast.Constant(value=str(name))]:
            return hasattr(sys, name) and name not in not_yet_in_the_images("sys")
    return UNREADABLE
