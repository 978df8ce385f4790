"""The imports of a module: where each stands, and what happens around it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from secretsync.rucio.check.code import Module

_CATCHES_A_MISSING_NAME = frozenset({"ImportError", "Exception", "BaseException", ""})
_CATCHES_A_MISSING_MODULE = _CATCHES_A_MISSING_NAME | {"ModuleNotFoundError"}
_BASES = {
    "KeyError": ("LookupError",),
    "IndexError": ("LookupError",),
    "FileNotFoundError": ("OSError", "IOError", "EnvironmentError"),
    "ConnectionError": ("OSError", "IOError", "EnvironmentError", "RequestException", "URLError"),
    "PackageNotFoundError": ("ModuleNotFoundError", "ImportError", "DistributionNotFound"),
    "NoOptionError": ("NoSectionError", "ConfigNotFound", "RuntimeError", "Error"),
    "NameError": ("UnboundLocalError",),
    "ZeroDivisionError": ("ArithmeticError",),
    "OverflowError": ("ArithmeticError",),
    "UnicodeDecodeError": ("ValueError", "UnicodeError"),
    "UnicodeEncodeError": ("ValueError", "UnicodeError"),
    "JSONDecodeError": ("ValueError",),
}
"""The classes by which an exception may be caught, or what is as a rule caught together with it."""


@dataclass(frozen=True, slots=True)
class StatementContext:
    """The circumstances of a statement.

    *function* is the outermost function it stands in (``""``: it runs when the module is imported); *conditional* means
    that an ``if`` or an ``except`` decides whether it runs at all. *instead_of* is the line of an import that
    has failed where this runs, in the ``except`` behind it, else 0; *only_after* that of an import that has succeeded
    where this runs, in the ``else`` of its ``try``. *handling* says that it stands in an ``except``.
    """

    function: str = ""
    conditional: bool = False
    missing_module_is_caught: bool = False
    missing_name_is_caught: bool = False
    caught: frozenset[str] = frozenset()
    instead_of: int = 0
    only_after: int = 0
    handling: bool = False

    def catches(self, error: str) -> bool:
        """Whether an ``except`` around takes an exception of that name."""
        catch_all = {"BaseException", ""} if error == "SystemExit" else {"Exception", "BaseException", ""}
        return bool(self.caught & {error, *_BASES.get(error, ()), *catch_all})


@dataclass(frozen=True, slots=True)
class Import:
    """``import name`` (no *names*) or ``from name import names``, with relative names made absolute.

    *beyond* says that a relative import leaves the package.
    """

    name: str
    names: tuple[str, ...]
    line: int
    context: StatementContext
    beyond: bool = False


def imports_of(module: Module, package: str) -> tuple[Import, ...]:
    """Every import in *module* of the policy package named *package*, but those that only type checkers see."""
    return tuple(
        imported
        for statement, context in statements(module.tree.body)
        for imported in (
            _read(statement, context, module, package)
            if isinstance(statement, ast.Import | ast.ImportFrom)
            else _called(statement, context)
        )
    )


def _called(statement: ast.stmt, context: StatementContext) -> Iterator[Import]:
    """``import_module("name")`` and ``__import__("name")``, which import as a statement does; not in a lambda."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr) or not isinstance(statement.value, ast.Call):
        return
    match statement.value:
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ) if name and not name.startswith("."):
            yield Import(name, (), statement.lineno, context)


def _unknown(_: ast.expr) -> bool | None:
    return None


def statements(
    body: list[ast.stmt], decide: Callable[[ast.expr], bool | None] = _unknown
) -> Iterator[tuple[ast.stmt, StatementContext]]:
    """Every statement below *body* with its circumstances. Not recursive: an ``elif`` chain has no limit.

    *decide* says how the condition of an ``if`` ends, None where that is not known; the branch that never runs is left
    out.
    """
    todo = [(statement, StatementContext()) for statement in reversed(body)]
    while todo:
        statement, context = todo.pop()
        yield statement, context
        for inner, circumstances in reversed(list(_blocks(statement, context, decide))):
            todo.extend((inner_statement, circumstances) for inner_statement in reversed(inner))


_COMPOUND = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.Try, ast.With, ast.AsyncWith, ast.For,
    ast.AsyncFor, ast.While,
)  # fmt: skip


def _blocks(
    statement: ast.stmt, context: StatementContext, decide: Callable[[ast.expr], bool | None]
) -> Iterator[tuple[list[ast.stmt], StatementContext]]:
    if not isinstance(statement, _COMPOUND):
        return
    maybe = replace(context, conditional=True)
    match statement:
        case ast.FunctionDef(name=name, body=body) | ast.AsyncFunctionDef(name=name, body=body):
            yield body, StatementContext(context.function or name)
        case ast.ClassDef(body=body):
            yield body, context
        case ast.If(test=test, body=body, orelse=orelse):
            value = False if _is_type_checking(test) else decide(test)
            if value is not False:
                yield body, context if value else maybe
            if value is not True:
                yield orelse, maybe if value is None else context
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            yield body, _guarded(context, handlers)
            alternative = replace(
                maybe, instead_of=_first_import(body) if _is_import_error(handlers) else 0, handling=True
            )
            for handler in handlers:
                yield handler.body, alternative
            yield orelse, replace(context, only_after=_first_import(body))
            yield finalbody, context
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            yield body, _suppressed(context, items)
        case (
            ast.For(iter=test, body=body, orelse=orelse)
            | ast.AsyncFor(iter=test, body=body, orelse=orelse)
            | ast.While(test=test, body=body, orelse=orelse)
        ):
            if not _is_empty(test) and decide(test) is not False:
                yield body, maybe
            yield orelse, maybe


def _first_import(body: list[ast.stmt]) -> int:
    """The line of the import that a ``try`` is about, 0 where it is about something else."""
    return body[0].lineno if body and isinstance(body[0], ast.Import | ast.ImportFrom) else 0


def _is_import_error(handlers: list[ast.ExceptHandler]) -> bool:
    return any(_exceptions(handler.type) & _CATCHES_A_MISSING_MODULE for handler in handlers)


def _is_type_checking(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING") | ast.Constant(value=False):
            return True
    return False


def _is_empty(iterated: ast.expr) -> bool:
    """A loop over nothing, written as that: its body never runs."""
    match iterated:
        case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]) | ast.Constant(value=False | 0 | ""):
            return True
        case ast.Call(func=ast.Name(id="list" | "tuple" | "dict" | "set" | "frozenset"), args=[], keywords=[]):
            return True
    return False


def _guarded(context: StatementContext, handlers: list[ast.ExceptHandler]) -> StatementContext:
    caught: set[str] = set()
    for handler in handlers:
        if not (handler.body and isinstance(handler.body[-1], ast.Raise)):
            caught |= _exceptions(handler.type)
    return _with_caught(context, caught)


def _suppressed(context: StatementContext, items: list[ast.withitem]) -> StatementContext:
    caught: set[str] = set()
    for item in items:
        match item.context_expr:
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=arguments):
                caught |= {name for argument in arguments for name in _exceptions(argument)}
    return _with_caught(context, caught)


def _with_caught(context: StatementContext, caught: set[str]) -> StatementContext:
    return replace(
        context,
        missing_module_is_caught=context.missing_module_is_caught or bool(caught & _CATCHES_A_MISSING_MODULE),
        missing_name_is_caught=context.missing_name_is_caught or bool(caught & _CATCHES_A_MISSING_NAME),
        caught=context.caught | caught,
    )


def _exceptions(expression: ast.expr | None) -> set[str]:
    match expression:
        case None:
            return {""}
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {name}
        case ast.Tuple(elts=elements):
            return {name for element in elements for name in _exceptions(element)}
    return set()


def _read(
    statement: ast.Import | ast.ImportFrom, context: StatementContext, module: Module, package: str
) -> Iterator[Import]:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield Import(alias.name, (), statement.lineno, context)
        return
    names = tuple(alias.name for alias in statement.names)
    if not statement.level:
        yield Import(statement.module or "", names, statement.lineno, context)
        return
    package_path = [package, *filter(None, module.name.split("."))]
    climbs = statement.level - module.is_package
    base = package_path[: max(len(package_path) - climbs, 0)]
    name = ".".join([*base, *filter(None, [statement.module])])
    yield Import(name, names, statement.lineno, context, beyond=not base)
