"""python-annotation: an annotation that Python 3.9 cannot evaluate."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from secretsync.rucio.check.annotations import evaluated
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import not_yet_in_the_images
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.tree import children


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Annotations that the images' Python evaluates, with names that nothing defines."""
    for name in sorted(loaded(package, setting.rucio)):
        module = package.get(name)
        if not module:
            continue
        names = package.names(module)
        known_names = None if names is None else names | set(dir(builtins)) - not_yet_in_the_images("builtins")
        for annotation, _ in evaluated(module):
            if problem := _problem(annotation, known_names):
                yield rule.finding(
                    module.path,
                    annotation.lineno,
                    f"Python 3.9, which Rucio's images run, cannot evaluate this annotation ({problem}), and "
                    "importing the module fails: Rucio's process dies",
                    "Begin the file with 'from __future__ import annotations', or put the annotation in quotes",
                )


def _problem(annotation: ast.expr, known_names: frozenset[str] | set[str] | None) -> str:
    todo: list[ast.AST] = [annotation]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return "types cannot be joined with | before Python 3.10"
        if isinstance(node, ast.Name) and known_names is not None and node.id not in known_names:
            return f"{node.id} is not defined when the module is imported"
        if not isinstance(node, ast.Lambda):
            todo.extend(children(node))
    return ""


RULE = Rule(
    "python-annotation",
    Severity.ERROR,
    "An annotation that Python 3.9 cannot evaluate",
    "Without 'from __future__ import annotations', Python 3.9 evaluates the annotations of functions, classes and "
    "modules when it imports them. 'int | None' raises TypeError there, and a name that is imported for type checkers "
    "only (under TYPE_CHECKING) raises NameError. Neither is an ImportError: nothing in Rucio catches them and the "
    "process dies.",
    find,
)
