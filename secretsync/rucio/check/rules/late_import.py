"""late-import: an import inside a function cannot succeed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.algorithms import registry
from secretsync.rucio.check.called import called
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import failures_of
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports inside functions that cannot succeed."""
    always = set(_runs_always(package, setting))
    for name in sorted(loaded(package, setting.rucio)):
        module = package.get(name)
        for imported in package.imports(module) if module else ():
            if module and imported.context.function and (name, imported.context.function) != registry(package):
                for failure in failures_of(package, setting.rucio, setting.images, module, imported):
                    call = f"Rucio's call of {imported.context.function}()"
                    effect = f"{failing.cause(failure)}: {call} fails when it comes to this line"
                    yield rule.finding(
                        module.path,
                        imported.line,
                        effect,
                        failing.remedy(package, failure),
                        about=failure.missing,
                        severity=Severity.ERROR if (module.path, imported.line) in always else rule.severity,
                    )


def _runs_always(package: Package, setting: Setting) -> Iterator[tuple[str, int]]:
    """The places of imports that run whenever Rucio calls a function of the package: nothing comes before them."""
    for function in called(package, setting.rucio):
        for statement in function.node.body if isinstance(function.node, ast.FunctionDef) else ():
            if isinstance(statement, ast.Import | ast.ImportFrom):
                yield function.module.path, statement.lineno
            elif isinstance(statement, ast.Return | ast.Raise | ast.If):
                break


RULE = Rule(
    "late-import",
    Severity.WARNING,
    "An import inside a function cannot succeed",
    "Such an import runs when the function is called: Rucio loads the package, and the call fails later, with an "
    "error 500 of the server or a daemon that stumbles. At the head of has_permission, of a function of its table or "
    "of an algorithm it always runs: an error. Elsewhere, whether it is ever called cannot be told from the source: a "
    "warning.",
    find,
)
