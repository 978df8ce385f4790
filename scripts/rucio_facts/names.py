"""The names of Rucio's modules and classes, and which modules import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

Sources = Mapping[str, ast.Module]

MODULES_WITH_CLASSES = (
    "rucio.common.types",
    "rucio.common.plugins",
    "rucio.common.utils",
    "rucio.rse.translation",
    "rucio.transfertool.fts3_plugins",
    "rucio.db.sqla.constants",
)
"""Modules whose classes a policy package derives from, whose objects it is given, or whose constants it names."""


def members(class_: ast.ClassDef, tree: ast.Module, trees: Sources) -> set[str]:
    """The attributes of a class and of its instances, inherited ones too; none where a base is not Rucio's."""
    found: set[str] = set()
    for base in class_.bases:
        name = ast.unparse(base).partition("[")[0]
        inherited = _class_named(name, tree, trees)
        if name in ("object", "Generic", "ABC", "Enum", "str", "int"):
            continue
        if inherited is None or not (brought := members(*inherited, trees)):
            return set()
        found |= brought
    for node in ast.walk(class_):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return set() if found & {"__getattr__", "__getattribute__"} else found - {class_.name} | {"__init__"}


def _class_named(name: str, tree: ast.Module, trees: Sources) -> tuple[ast.ClassDef, ast.Module] | None:
    """The class that *name* means in a module, and the module that defines it."""
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            return statement, tree
        if isinstance(statement, ast.ImportFrom) and statement.module and statement.module in trees:
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    return _class_named(alias.name, trees[statement.module], trees)
    return None


def top_names(tree: ast.Module) -> set[str]:
    """The names an import can take from a module; none where that cannot be told without running it."""
    names: set[str] = set()
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        statement = todo.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in statement.names)
        else:
            for node in ast.iter_child_nodes(statement):
                if isinstance(node, ast.stmt):
                    todo.append(node)
                elif isinstance(node, ast.ExceptHandler):
                    todo.extend(node.body)
                else:
                    names.update(
                        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                    )
    return set() if names & {"*", "__getattr__"} else names


def late_names(permission: ast.Module) -> list[str]:
    """What ``rucio.core.permission`` defines after the statement that imports the policy package."""
    loads = next(
        index
        for index, statement in enumerate(permission.body)
        if isinstance(statement, ast.If) and "import_module" in ast.unparse(statement)
    )
    early = top_names(ast.Module(body=permission.body[:loads], type_ignores=[]))
    return sorted(top_names(ast.Module(body=permission.body[loads + 1 :], type_ignores=[])) - early)


def reaching(goal: str, trees: Sources, packages: set[str]) -> set[str]:
    """Modules whose import needs a name of *goal*, by whatever way.

    While *goal* is half loaded, what is below it can be imported, and so can what only its own package is needed for.
    """
    edges = {name: set(_runs(name, tree, trees, packages)) - {name} for name, tree in trees.items()}
    for name, imported in edges.items():
        parent = name.rpartition(".")[0]
        imported |= {parent} - {"", goal}
    found, grown = {goal}, True
    while grown:
        more = {name for name, imported in edges.items() if name not in found and imported & found}
        found |= more
        grown = bool(more)
    return found - {goal}


def _runs(name: str, tree: ast.Module, trees: Sources, packages: set[str]) -> Iterator[str]:
    """What importing the module imports; of ``a.b.c`` only that: the closure over parents is made by the caller."""
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        statement = todo.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            todo.extend(statement.orelse)
            continue
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            base = statement.module or ""
            if statement.level:
                climbs = statement.level - (name in packages)
                parts = name.split(".")
                base = ".".join([*parts[: len(parts) - climbs], *filter(None, [statement.module])])
            below = [f"{base}.{alias.name}" for alias in statement.names if f"{base}.{alias.name}" in trees]
            yield from below if len(below) == len(statement.names) else [base, *below]
        else:
            todo.extend(node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt))
            handlers = [node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.ExceptHandler)]
            todo.extend(inner for handler in handlers for inner in handler.body)


def module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
