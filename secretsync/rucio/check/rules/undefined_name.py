"""undefined-name: a name is used that nothing defines."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator, Mapping
from functools import cache, partial

from secretsync.rucio.check.called import called
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.dispatch import dispatch
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.imports import StatementContext, statements
from secretsync.rucio.check.names import names_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import Rucio, not_yet_in_the_images
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.tree import children, walk

_IMPLICIT = frozenset({"__class__", "__builtins__", "__annotations__", "__cached__", "WindowsError"})


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Names that nothing defines, where they are used."""
    table = dispatch(package)
    of_the_table = set(table.actions.values()) if table else set()  # a rule of its own speaks of them
    running = {id(function.node) for function in called(package, setting.rucio)}
    for name in sorted(loaded(package, setting.rucio)):
        module = package.get(name)
        names = _known(package, setting.rucio, module) if module else None
        if not module or names is None:
            continue
        undefined = package.memoized(("referenced", name), partial(_referenced, module)) - names
        for missing, (node, context, function) in _uses(module, undefined).items():
            if context.catches("NameError") or missing in of_the_table:
                continue
            certain = not context.conditional if function is None else id(function) in running
            when = f"the call of {function.name}()" if function is not None else "importing the module"
            yield rule.finding(
                module.path,
                node.lineno,
                f"{missing} is not defined: {when} fails with a NameError when it comes to this line",
                f"Import or define {missing}",
                about=missing,
                severity=rule.severity if certain else Severity.WARNING,
            )


def _known(package: Package, rucio: Rucio, module: Module, depth: int = 0) -> frozenset[str] | None:
    """The module's names, those of ``import *`` too; None where only running it would tell."""
    names = package.names(module)
    if names is None:
        without_stars = names_of(module, stars=False)
        brought = [
            _star(package, rucio, imported.name, depth)
            for imported in package.imports(module)
            if imported.names == ("*",)
        ]
        if without_stars is None or None in brought:
            return None
        names = without_stars.union(*(star_names for star_names in brought if star_names))
    return names | _imported(module) | _builtins() | _IMPLICIT


def _imported(module: Module) -> frozenset[str]:
    """What the module imports, at any place: whether that is there, rules of their own say."""
    aliases = (a for node in module.nodes if isinstance(node, ast.Import | ast.ImportFrom) for a in node.names)
    return frozenset((alias.asname or alias.name).partition(".")[0] for alias in aliases)


def _star(package: Package, rucio: Rucio, source: str, depth: int) -> frozenset[str] | None:
    """What ``from source import *`` brings."""
    top, _, rest = source.partition(".")
    module = package.get(rest) if top == package.name else None
    names = rucio.names(source) if top == "rucio" else None
    if module and depth < 5 and not _has_all(module):
        # modules that bring each other's names all around would be read once for each way between them
        question = ("brought", rucio.known, module.name, depth)
        names = package.memoized(question, partial(_known, package, rucio, module, depth + 1))
    return frozenset(name for name in names if not name.startswith("_")) if names is not None else None


def _has_all(module: Module) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__all__" for node in module.nodes)


@cache
def _builtins() -> frozenset[str]:
    return frozenset(dir(builtins)) - not_yet_in_the_images("builtins")


def _referenced(module: Module) -> set[str]:
    """The names that the module looks for among its own and Python's, by Python's own rules of scope."""
    try:
        tables = [symtable.symtable(module.file.data.decode("utf-8", errors="replace"), module.path, "exec")]
    except (SyntaxError, ValueError, RecursionError):
        return set()
    names: set[str] = set()
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        is_module = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or (is_module and not symbol.is_assigned())):
                names.add(symbol.get_name())
    return names


Definition = ast.FunctionDef | ast.AsyncFunctionDef


def _uses(module: Module, undefined: set[str]) -> Mapping[str, tuple[ast.Name, StatementContext, Definition | None]]:
    """The first place of each name, with the top function that it stands in."""
    uses: dict[str, tuple[ast.Name, StatementContext, Definition | None]] = {}
    if not undefined:
        return uses
    annotations = _annotations(module)
    for top in module.tree.body:
        for node, context, inside in _nodes(top):
            if (
                isinstance(node, ast.Name)
                and isinstance(node.ctx, ast.Load)
                and node.id in undefined
                and id(node) not in annotations
            ):
                uses.setdefault(node.id, (node, context, inside))
    return uses


def _nodes(top: ast.stmt) -> Iterator[tuple[ast.AST, StatementContext, Definition | None]]:
    """The nodes of a statement, each with the top function that it runs in: decorators and defaults run at import."""
    function = top if isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef) else None
    if function:
        for node in _heads(function):
            yield node, StatementContext(), None
    for statement, context in statements(function.body if function else [top]):
        for node in walk(statement) if not _holds_statements(statement) else _heads(statement):
            yield node, context, function or _method_of(top, context)


def _method_of(top: ast.stmt, context: StatementContext) -> Definition | None:
    if not context.function:
        return None
    for node in walk(top):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == context.function:
            return node
    return None


def _holds_statements(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.stmt | ast.ExceptHandler) for node in children(statement))


def _heads(statement: ast.stmt) -> Iterator[ast.AST]:
    for child in children(statement):
        if not isinstance(child, ast.stmt | ast.ExceptHandler):
            yield from walk(child)


def _annotations(module: Module) -> set[int]:
    """Names in annotations: a rule of its own speaks of them."""
    annotations: set[int] = set()
    for node in module.nodes:
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(annotation, ast.expr):
                annotations.update(id(node) for node in walk(annotation))
    return annotations


RULE = Rule(
    "undefined-name",
    Severity.ERROR,
    "A name is used that nothing defines",
    "Python finds out when it comes to the line: a NameError, which nothing in Rucio catches. At the top of a module "
    "the process dies, in a permission each request that checks it fails, in an algorithm the daemon. "
    "'from … import *' brings no name that begins with an underscore: _is_root of the generic permissions is not among "
    "them. In a function that nothing is seen to call it is a warning.",
    find,
)
