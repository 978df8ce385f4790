"""import-cycle: a circle of imports: something is asked for of a module that is half loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.annotations import evaluated
from secretsync.rucio.check.code import Module
from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_order import half_loaded
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import loads, reached
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.tree import nodes_outside_functions, walk

_SCHEMA = "rucio.common.schema"
_PERMISSION = "rucio.core.permission"


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports that close a circle with Rucio while it is being loaded."""
    seen: set[tuple[str, int]] = set()
    for start in ("", "schema"):
        for module, imported in reached(package, start):
            position = (module.path, imported.line)
            if position in seen or not (culprit := _cycle_member(imported.name, imported.names, setting)):
                continue
            seen.add(position)
            certain = not (imported.context.conditional or imported.context.missing_name_is_caught)
            yield rule.finding(
                module.path,
                imported.line,
                f"Rucio imports this while {_SCHEMA} is half loaded, {culprit} needs that to be complete, and the "
                "process dies",
                "Import it in the function that uses it, or in permission.py, which Rucio loads later",
                about=culprit,
                severity=rule.severity if certain else Severity.WARNING,
            )
    yield from _of_permission(rule, package, setting)
    yield from _of_its_own(rule, package)
    yield from _read_too_early(rule, package, setting)


def _read_too_early(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """``rucio.core.permission.PermissionResult`` as a base class, an annotation or a value, in what permission.py
    imports.
    """
    for module, optional in () if setting.vo else loads(package, "permission"):
        for node, certain in _read_at_import(module):
            name = dotted(node, package.aliases(module)) if isinstance(node, ast.Attribute) else ""
            late_name = name.removeprefix(f"{_PERMISSION}.")
            if isinstance(node, ast.Attribute) and late_name in setting.rucio.late_in_permission and late_name != name:
                yield rule.finding(
                    module.path,
                    node.lineno,
                    f"This line reads {late_name} while {_PERMISSION} is half loaded and has none yet: an "
                    "AttributeError, and the process dies",
                    f"Use {late_name} in a function alone",
                    about=f"{_PERMISSION}.{late_name}",
                    severity=rule.severity if certain and not optional else Severity.WARNING,
                )


def _read_at_import(module: Module) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes that are evaluated when the module is imported, and whether they are certain to be."""
    always = [
        statement
        for statement in module.tree.body
        if not isinstance(statement, ast.If | ast.Try | ast.With | ast.AnnAssign)
    ]
    yield from ((node, True) for node in nodes_outside_functions(always))
    for annotation, context in evaluated(module):
        certain = not context.conditional and not context.catches("AttributeError")
        yield from ((node, certain) for node in walk(annotation))


def _of_permission(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """With several VOs Rucio loads the package later, when its own module is complete."""
    for module, imported in () if setting.vo else reached(package, "permission"):
        late_names = (
            sorted(setting.rucio.late_in_permission & set(imported.names)) if imported.name == _PERMISSION else []
        )
        if late_names and not imported.context.missing_name_is_caught:
            yield rule.finding(
                module.path,
                imported.line,
                f"Rucio imports this while {_PERMISSION} is half loaded and has no {late_names[0]} yet: an "
                "ImportError, and the process dies of ErrorLoadingPolicyPackage",
                f"Import {late_names[0]} in the function that uses it",
                about=f"{_PERMISSION}.{late_names[0]}",
                severity=Severity.WARNING if imported.context.conditional else rule.severity,
            )


def _of_its_own(rule: Rule, package: Package) -> Iterator[Finding]:
    for half in dict.fromkeys(half_loaded(package, ("", "schema", "permission"))):
        culprit = f"{package.name}.{half.culprit}".rstrip(".")
        yield rule.finding(
            half.module.path,
            half.line,
            f"{culprit} is half loaded when this line runs and has no {half.name} yet: the modules import each other "
            "in a circle, and the process dies",
            f"Import {half.name} in the function that uses it, or move it to a module that both import",
            about=f"{culprit}.{half.name}",
            severity=rule.severity if half.certain else Severity.WARNING,
        )


def _cycle_member(name: str, names: tuple[str, ...], setting: Setting) -> str:
    members = [f"{name}.{member}" for member in names]
    if name == _SCHEMA and any(member not in setting.rucio.modules for member in members):
        return _SCHEMA
    return next((candidate for candidate in (name, *members) if candidate in setting.rucio.closes_a_cycle), "")


RULE = Rule(
    "import-cycle",
    Severity.ERROR,
    "A circle of imports: something is asked for of a module that is half loaded",
    "rucio.common.schema imports the policy package and its schema while it is itself being loaded. A module of Rucio "
    "that needs a name of it (nearly all of rucio.core, and rucio.db.sqla.models) cannot be imported at that moment: "
    "it raises ImportError or AttributeError and the process dies. Whether it does can depend on what the process "
    "imported first. permission.py is loaded later, while rucio.core.permission is itself half loaded: it may import "
    "nearly all of Rucio, but not PermissionResult or has_permission of that module. Modules of the package that "
    "import names of each other in a circle fail in the same way.",
    find,
)
