"""missing-attribute: a class of the package lacks what it is asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_time import Running, at_import
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import Function, ModuleValue

_DEEPEST = 10
_EVERY_CLASS = frozenset(dir(type)) | frozenset(dir(object))


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Attributes that a module is asked for at import and does not have."""
    for running in at_import(package, setting.rucio):
        problem = _missing(package, setting, running)
        if problem and not running.context.catches("AttributeError"):
            holder, name = problem
            yield rule.finding(
                running.module.path,
                getattr(running.node, "lineno", 0),
                f"{holder} has no {name}, an AttributeError: "
                f"{failing.then(setting, running.start, error='AttributeError')}",
                f"Correct the name, or define {name} in {holder}",
                about=f"{holder}.{name}",
                severity=Severity.WARNING if running.context.conditional else rule.severity,
            )


def _missing(package: Package, setting: Setting, running: Running) -> tuple[str, str] | None:
    """The class or module of the package, and the name that it lacks."""
    match running.node:
        case ast.Attribute(value=ast.Name(id=holder), attr=name, ctx=ast.Load()):
            value = _value(package, running, holder)
            if isinstance(value, Function) and isinstance(value.node, ast.ClassDef):
                names = members(package, setting, value)
                return (value.name, name) if names is not None and name not in names else None
    return None


def _value(package: Package, running: Running, name: str) -> object:
    """What the name means, if it is bound once in the module, also by an import inside ``get_algorithms``."""
    if running.module.binds.get(name, 0) != 1:
        return None
    value = package.values(running.module).get(name)
    if isinstance(value, Function | ModuleValue):
        return value
    for imported in package.imports(running.module):
        source = package.get(imported.name.partition(".")[2]) if imported.name.startswith(package.name) else None
        if source and name in imported.names and not imported.beyond:
            return package.values(source).get(name)
    return None


def members(package: Package, setting: Setting, class_: Function, depth: int = 0) -> frozenset[str] | None:
    """The attributes of the class, inherited ones too; None where only running it would tell."""
    node = class_.node
    if not isinstance(node, ast.ClassDef) or node.keywords or node.decorator_list or depth > _DEEPEST:
        return None
    attributes = set(_EVERY_CLASS)
    for statement in ast.walk(node):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                attributes.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                attributes.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                attributes.update((alias.asname or alias.name).partition(".")[0] for alias in aliases)
    if any(_sets_from_outside(child, node.name) for child in class_.module.nodes):
        return None
    for base in node.bases:
        inherited = _of_base(package, setting, class_, base, depth)
        if inherited is None:
            return None
        attributes |= inherited
    return frozenset(attributes)


def _of_base(package: Package, setting: Setting, class_: Function, base: ast.expr, depth: int) -> frozenset[str] | None:
    if isinstance(base, ast.Name):
        if base.id == "object":
            return frozenset()
        value = package.values(class_.module).get(base.id)
        if isinstance(value, Function):
            return members(package, setting, value, depth + 1)
    return setting.rucio.members(dotted(base, package.aliases(class_.module)))


def _sets_from_outside(node: ast.AST, class_: str) -> bool:
    """``Class.name = …`` or ``setattr(Class, …)``."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store()) if name == class_:
            return True
        case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=name), *_]) if name == class_:
            return True
    return False


RULE = Rule(
    "missing-attribute",
    Severity.ERROR,
    "A class of the package is asked for a method that it does not have",
    "get_algorithms() names methods of the package's classes, and so does code at the top of a module. A name that the "
    "class and its bases (Rucio's own are recorded for each release) do not have raises AttributeError, which Rucio "
    "does not catch: at import the process dies, in get_algorithms() whatever asks for an algorithm first fails.",
    find,
)
