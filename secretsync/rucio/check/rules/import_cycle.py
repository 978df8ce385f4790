"""import-cycle: a circle of imports: something is asked for of a module that is half loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_order import half_loaded
from secretsync.rucio.check.interpret import nodes_outside_functions
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import reached
from secretsync.rucio.check.rules.rule import Rule, Setting

_SCHEMA = "rucio.common.schema"
_PERMISSION = "rucio.core.permission"


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports that close a circle with Rucio while it is being loaded."""
    seen: set[tuple[str, int]] = set()
    for start in ("", "schema"):
        for module, imported in reached(package, start):
            place = (module.path, imported.line)
            if place in seen or not (culprit := _culprit(imported.name, imported.names, setting)):
                continue
            seen.add(place)
            certain = not (imported.around.conditional or imported.around.missing_name_is_caught)
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
    """``rucio.core.permission.PermissionResult`` as a base class or a value, in permission.py itself."""
    module = package.get("permission")
    if setting.vo or not module:
        return
    always = [one for one in module.tree.body if not isinstance(one, ast.If | ast.Try | ast.With | ast.AnnAssign)]
    for node in nodes_outside_functions(always):
        name = dotted(node, package.aliases(module)) if isinstance(node, ast.Attribute) else ""
        late = (name or "").removeprefix(f"{_PERMISSION}.")
        if isinstance(node, ast.Attribute) and late in setting.rucio.late_in_permission and late != name:
            yield rule.finding(
                module.path,
                node.lineno,
                f"This line reads {late} while {_PERMISSION} is half loaded and has none yet: an AttributeError, and "
                "the process dies",
                f"Use {late} in a function alone",
                about=f"{_PERMISSION}.{late}",
            )


def _of_permission(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """With several VOs Rucio loads the package later, when its own module is complete."""
    for module, imported in () if setting.vo else reached(package, "permission"):
        late = sorted(setting.rucio.late_in_permission & set(imported.names)) if imported.name == _PERMISSION else []
        if late and not imported.around.missing_name_is_caught:
            yield rule.finding(
                module.path,
                imported.line,
                f"Rucio imports this while {_PERMISSION} is half loaded and has no {late[0]} yet: an ImportError, and "
                "the process dies of ErrorLoadingPolicyPackage",
                f"Import {late[0]} in the function that uses it",
                about=f"{_PERMISSION}.{late[0]}",
                severity=Severity.WARNING if imported.around.conditional else rule.severity,
            )


def _of_its_own(rule: Rule, package: Package) -> Iterator[Finding]:
    for one in dict.fromkeys(half_loaded(package, ("", "schema", "permission"))):
        culprit = f"{package.name}.{one.culprit}".rstrip(".")
        yield rule.finding(
            one.module.path,
            one.line,
            f"{culprit} is half loaded when this line runs and has no {one.name} yet: the modules import each other in "
            "a circle, and the process dies",
            f"Import {one.name} in the function that uses it, or move it to a module that both import",
            about=f"{culprit}.{one.name}",
            severity=rule.severity if one.certain else Severity.WARNING,
        )


def _culprit(name: str, names: tuple[str, ...], setting: Setting) -> str:
    below = [f"{name}.{one}" for one in names]
    if name == _SCHEMA and any(one not in setting.rucio.modules for one in below):
        return _SCHEMA
    return next((one for one in (name, *below) if one in setting.rucio.closes_a_cycle), "")


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
