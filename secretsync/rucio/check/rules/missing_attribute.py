"""missing-attribute: a class or a module lacks what it is asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.called import called
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_time import Running, at_import, within
from secretsync.rucio.check.names import MODULE_ATTRIBUTES
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.tree import walk
from secretsync.rucio.check.values import Function, ModuleValue

_DEEPEST = 10
_CONSTANTS = "rucio.db.sqla.constants"
_EVERY_ENUMERATION = frozenset({"__members__", "name", "value", "_member_map_", "_member_names_", "_value2member_map_"})
_ENUMERATIONS = frozenset(f"enum.{name}" for name in ("Enum", "IntEnum", "Flag", "IntFlag"))
_EVERY_CLASS = frozenset(dir(type)) | frozenset(dir(object))


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Attributes that a class or a module is asked for, at import or when Rucio calls the package, and lacks."""
    for running in at_import(package, setting.rucio):
        effect = failing.then(setting, running.start, error="AttributeError")
        yield from _findings(rule, running, effect, _missing(package, setting, running))
    for function in called(package, setting.rucio):
        effect = "each call that comes to this line fails"
        for running in within(package, function):
            yield from _findings(rule, running, effect, _missing_in_module(package, setting, running))


def _findings(rule: Rule, running: Running, effect: str, problem: tuple[str, str] | None) -> Iterator[Finding]:
    if not problem or running.context.catches("AttributeError"):
        return
    holder, name = problem
    is_guarded = running.context.conditional and (bool(running.start) or _asks_for(running.module, name))
    remedy = f"Correct the name, or define {name} in {holder}"
    yield rule.finding(
        running.module.path,
        getattr(running.node, "lineno", 0),
        f"{holder} has no {name}, an AttributeError: {effect}",
        "Use a name that this version of Rucio has" if holder.startswith("rucio.") else remedy,
        about=f"{holder}.{name}",
        severity=Severity.WARNING if is_guarded else rule.severity,
    )


def _asks_for(module: Module, name: str) -> bool:
    """Whether the module looks if there is such an attribute, or which version of Rucio runs."""
    return any(
        (isinstance(node, ast.Constant) and node.value == name)
        or (isinstance(node, ast.Name | ast.Attribute | ast.alias) and "version" in ast.dump(node).lower())
        for node in module.nodes
    )


def _missing(package: Package, setting: Setting, running: Running) -> tuple[str, str] | None:
    """The class or module of the package, and the name that it lacks."""
    match running.node:
        case ast.Attribute(value=ast.Name(id=holder), attr=name, ctx=ast.Load()):
            value = _value(package, running, holder)
            if isinstance(value, Function) and isinstance(value.node, ast.ClassDef):
                names = members(package, setting, value)
                return (value.name, name) if names is not None and name not in names else None
    return _missing_in_module(package, setting, running)


def _missing_in_module(package: Package, setting: Setting, running: Running) -> tuple[str, str] | None:
    """The module of the package or of Rucio, and the name that it lacks; of others it is not known."""
    node = running.node
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return None
    first = _first(node)
    imports = running.module.imported.get(first, 0)
    if not imports or running.module.binds.get(first) != imports:
        return None  # no import, or the name may be something else
    if isinstance(node.value, ast.Name):
        value = package.values(running.module).get(first)
        if isinstance(value, ModuleValue):
            return _missing_in_own(package, value.name, node.attr)
    holder = dotted(node.value, package.aliases(running.module))
    if holder.startswith(f"{_CONSTANTS}."):
        constants = setting.rucio.members(holder)
        is_there = constants is None or node.attr in constants | _EVERY_CLASS | _EVERY_ENUMERATION
        return None if is_there else (holder, node.attr)
    if not holder.startswith("rucio.") or holder not in setting.rucio.modules:
        return None
    names = setting.rucio.names(holder)
    is_there = names is None or node.attr in names or f"{holder}.{node.attr}" in setting.rucio.modules
    return None if is_there or node.attr in MODULE_ATTRIBUTES else (holder, node.attr)


def _missing_in_own(package: Package, module: str, name: str) -> tuple[str, str] | None:
    source = package.get(module)
    names = package.names(source) if source else None
    if names is None or name in names or name in _EVERY_CLASS or package.has(f"{module}.{name}".strip(".")):
        return None
    if {name, None} & package.attributes_set:
        return None
    return f"{package.name}.{module}".rstrip("."), name


def _first(expression: ast.expr) -> str:
    """The name that the expression begins with, empty where it is none."""
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


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
    for statement in walk(node):
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
    if dotted(base, package.aliases(class_.module)) in _ENUMERATIONS:
        return _EVERY_ENUMERATION | frozenset(dir(int)) | frozenset(dir(str))
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
    "A class or a module is asked for what it does not have",
    "get_algorithms() names methods of the package's classes and functions of its modules, and so does code at the top "
    "of a module. A name that the class and its bases, or the module (Rucio's own are recorded for each release) do "
    "not have raises AttributeError, which Rucio does not catch: at import the process dies, in get_algorithms() "
    "whatever asks for an algorithm first fails, in a permission each request that comes to the line.",
    find,
)
