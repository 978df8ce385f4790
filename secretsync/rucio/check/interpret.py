"""The values that a module's names have once it is imported, as far as the source tells without running it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Any

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.evaluate import Evaluator, Modules
from secretsync.rucio.check.tree import children, walk
from secretsync.rucio.check.values import (
    LONGEST,
    UNREADABLE,
    Function,
    ModuleValue,
    Names,
    count,
    is_key,
    is_plain,
    operate,
    readable,
    same,
)
from secretsync.rucio.check.work import CALLING, COPYING, TooMuchWork


def values_of(package: Modules, module: Module, depth: int = 0) -> Names:
    """Every name of *module* with its value, UNREADABLE where that is calculated in a way that is not followed."""
    names: Names = {"__name__": f"{package.name}.{module.name}".rstrip("."), "__package__": package_of(package, module)}
    try:
        return _Reader(package, module, names, depth).run(module.tree.body)
    except TooMuchWork:
        return {**names, **bound_in(module.tree)}


def bound_in(tree: ast.AST) -> Names:
    """Every name that is bound somewhere in *tree*, UNREADABLE."""
    found: set[str] = set()
    for node in walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add((other or name).partition(".")[0])
    return dict.fromkeys(found, UNREADABLE)


def package_of(package: Modules, module: Module) -> str:
    """``__package__`` of the module: its own name if it is an ``__init__``, else what holds it."""
    dotted = f"{package.name}.{module.name}".rstrip(".")
    return dotted if module.is_package else dotted.rpartition(".")[0]


def names_within(package: Modules, function: Function) -> Names:
    """The names that the function sees when it has run through, its parameters UNREADABLE."""
    if isinstance(function.node, ast.Lambda | ast.ClassDef):
        return dict(package.values(function.module))
    signature = function.node.args
    parameters = [*signature.posonlyargs, *signature.args, *signature.kwonlyargs, signature.vararg, signature.kwarg]
    names = {**package.values(function.module), **{parameter.arg: UNREADABLE for parameter in parameters if parameter}}
    try:
        reader = _Reader(package, function.module, names, 0)
        return reader.on_a_copy().run(function.node.body)
    except TooMuchWork:
        return {**names, **bound_in(function.node)}


def value_of(package: Modules, module: Module, expression: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of *expression* in *module* where its names have the values *names*."""
    try:
        return _Reader(package, module, dict(names), 0).value(expression)
    except TooMuchWork:
        return UNREADABLE


class Operations:
    """Expressions of *module* whose names have the values *names*: those within another are calculated once."""

    def __init__(self, package: Modules, module: Module, names: Names) -> None:
        self._reader = _Remembering(package, module, names, 0)

    def error_of(self, expression: ast.expr) -> Exception | None:
        """What Python raises in the operation of *expression* itself; None where nothing, or that is not known."""
        try:
            self._reader.value(expression)
            error = self._reader.failed.get(id(expression))
            is_known = error and all(is_plain(self._reader.value(operand)) for operand in _operands(expression))
        except TooMuchWork:
            return None
        return error if is_known else None


def _operands(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions whose values the operation of *node* takes; the node itself where it is no operation."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner), args=arguments, keywords=keywords):
            yield from (owner, *arguments, *(keyword.value for keyword in keywords))
        case ast.Call(func=ast.Name(), args=arguments, keywords=keywords):
            yield from (*arguments, *(keyword.value for keyword in keywords))
        case ast.JoinedStr(values=parts):
            yield from (part.value for part in parts if isinstance(part, ast.FormattedValue))
        case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.Subscript() | ast.Attribute() | ast.Call() | ast.Set():
            yield from (child for child in children(node) if isinstance(child, ast.expr))
        case ast.expr():
            yield node


def returns_of(package: Modules, function: Function) -> list[Any]:
    """The values that the function returns when it is called without arguments, one for each ``return``."""
    try:
        return _Reader(package, function.module, dict(package.values(function.module)), 0).returned(function)
    except TooMuchWork:
        return [UNREADABLE]


class _Reader(Evaluator):
    """Follows statements in their order; what it cannot follow makes names UNREADABLE."""

    def __init__(self, package: Modules, module: Module, names: Names, depth: int) -> None:
        super().__init__(package, module, names, depth)
        self._returned: list[Any] = []

    def on_a_copy(self) -> _Reader:
        """A reader that changes nothing of the values that this one has. Raises TooMuchWork."""
        return _Reader(self._package, self._module, self._copy(self._names), self._depth)

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
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Delete():
                self._assign(statement)
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
            case ast.Expr(value=expression):
                self.value(expression)
            case ast.Return(value=expression):
                self._returned.append(self.value(expression) if expression else None)
            case _:
                self._forget([statement])

    def _assign(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=targets, value=expression):
                value = self.value(expression)
                for target in targets:
                    self._bind(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as expression):
                self._bind(target, self.value(expression))
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=expression):
                self._bind(target, operate(op, self._names.get(name, UNREADABLE), self.value(expression)))
            case ast.AugAssign(target=target):
                self._bind(target, UNREADABLE)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self._names.pop(target.id, None)

    def _bind(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self._names[name] = value
            case ast.Tuple(elts=inner) | ast.List(elts=inner):
                parts = value if isinstance(value, list | tuple) and len(value) == len(inner) else None
                for index, element in enumerate(inner):
                    self._bind(element, parts[index] if parts else UNREADABLE)
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="globals"), args=[]), slice=ast.Constant(value=str(name))
            ):
                self._names[name] = value
            case ast.Subscript(value=container, slice=index):
                stored, key = self.value(container), self.value(index)
                if isinstance(stored, dict):
                    stored[key if is_key(key) else UNREADABLE] = value
                elif isinstance(stored, list) and isinstance(key, int) and -len(stored) <= key < len(stored):
                    stored[key] = value
                self._keep_small(stored)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for imported in self._package.imports_at(self._module, statement.lineno):
            top, _, rest = imported.name.partition(".")
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    is_own_alias = alias.asname and alias.name == imported.name and top == self._package.name
                    self._names[(alias.asname or alias.name).partition(".")[0]] = (
                        ModuleValue(rest) if is_own_alias else UNREADABLE
                    )
                continue
            source = self._package.get(rest) if top == self._package.name and not imported.beyond else None
            names = self.given(source) if source else _foreign_names(imported.name)
            for alias in statement.names:
                if alias.name == "*":
                    self._names.update({name: value for name, value in names.items() if not name.startswith("_")})
                    continue
                submodule = f"{rest}.{alias.name}".strip(".") if top == self._package.name else ""
                value = names.get(alias.name, UNREADABLE)
                if value is UNREADABLE and submodule and self._package.get(submodule):
                    value = ModuleValue(submodule)
                self._names[alias.asname or alias.name] = value

    def _branch(self, test: Any, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        if readable(test) and not isinstance(test, Function | ModuleValue):
            self.run(body if test else orelse)
            return
        previous = self._names
        ends = []
        for block in (body, orelse):
            self._names = self._copy(previous)
            ends.append(self.run(block))
        self._names = {
            name: ends[0].get(name) if same(ends[0].get(name), ends[1].get(name)) else UNREADABLE
            for name in ends[0].keys() | ends[1].keys()
        }

    def _try(self, statement: ast.Try) -> None:
        self.run([*statement.body, *statement.orelse])
        for handler in statement.handlers:
            previous = dict(self._names)
            self._names = self._copy(previous)
            for name, value in self.run(handler.body).items():
                if name not in previous or not same(previous[name], value):
                    previous[name] = UNREADABLE
            self._names = previous
        self.run(statement.finalbody)

    def _copy(self, names: Names) -> Names:
        """The names for a branch, which may change their values. Raises TooMuchWork."""
        self._package.work.spend(COPYING * sum(map(count, names.values())))
        return copy.deepcopy(names)

    def _forget(self, statements: list[ast.stmt]) -> None:
        """What a loop binds is not followed."""
        for statement in statements:
            for node in walk(statement):
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
        owner, method = self.value(call.func.value), call.func.attr
        arguments = [self.value(argument) for argument in call.args]
        if isinstance(owner, dict) and method == "update":
            for argument in arguments:
                owner.update(argument if isinstance(argument, dict) else {UNREADABLE: UNREADABLE})
            owner.update({keyword.arg or UNREADABLE: self.value(keyword.value) for keyword in call.keywords})
        elif isinstance(owner, dict) and method in ("setdefault", "pop", "clear", "popitem"):
            self._set_default(owner, method, arguments)
        elif isinstance(owner, list) and method == "append" and len(arguments) == 1 and len(owner) < LONGEST:
            owner.append(arguments[0])
        elif isinstance(owner, list) and method == "extend" and len(arguments) == 1:
            owner.extend(arguments[0] if isinstance(arguments[0], list | tuple) else [UNREADABLE])
        self._keep_small(owner)

    def _keep_small(self, owner: Any) -> None:
        """A list or dictionary that is changed may come to hold itself, or more than is read."""
        if self.counted(owner):
            return
        if isinstance(owner, list):
            owner[:] = [UNREADABLE]
        elif isinstance(owner, dict):
            owner.clear()
            owner[UNREADABLE] = UNREADABLE

    def _set_default(self, dictionary: dict[Any, Any], method: str, arguments: list[Any]) -> None:
        if method == "setdefault" and arguments and is_key(arguments[0]):
            dictionary.setdefault(arguments[0], arguments[1] if len(arguments) > 1 else None)
        else:
            dictionary[UNREADABLE] = UNREADABLE

    def called(self, function: Function) -> Any:
        if not isinstance(function.node, ast.FunctionDef | ast.Lambda):
            return UNREADABLE
        self._package.work.spend(CALLING + len(self._names))
        is_own = function.module is self._module
        names = dict(self._names) if is_own else dict(self.given(function.module))
        returned = _Reader(self._package, function.module, names, self._depth + 1).returned(function)
        return returned[0] if len(returned) == 1 else UNREADABLE


def _foreign_names(module: str) -> Names:
    """What is known of modules that are not the package's: Rucio's generic schemas are a dictionary of any entries."""
    if module in ("rucio.common.schema.generic", "rucio.common.schema.generic_multi_vo"):
        return {"SCHEMAS": {UNREADABLE: UNREADABLE}}
    return {"TYPE_CHECKING": False} if module == "typing" else {}


class _Remembering(_Reader):
    """Reads expressions while no name changes."""

    def __init__(self, package: Modules, module: Module, names: Names, depth: int) -> None:
        super().__init__(package, module, names, depth)
        self._known: dict[int, Any] = {}

    def value(self, expression: ast.expr) -> Any:
        if id(expression) not in self._known:
            self._known[id(expression)] = super().value(expression)
        return self._known[id(expression)]
