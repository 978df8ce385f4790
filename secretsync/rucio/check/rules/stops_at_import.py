"""stops-at-import: sys.exit, raise or assert ends the import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_time import Running, at_import
from secretsync.rucio.check.imports import StatementContext
from secretsync.rucio.check.interpret import value_of
from secretsync.rucio.check.json_schema import uncompilable
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.raised import raised_at_import
from secretsync.rucio.check.reach import failures_of
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import readable
from secretsync.rucio.check.work import TooMuchWork

_COMPILES = tuple(f"re.{name}" for name in ("compile", "match", "search", "fullmatch", "sub", "findall", "split"))
_EXITS = ("sys.exit", "os._exit", "os.abort", "exit", "quit")


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Statements that are certain to end the import."""
    raised = {id(running): error for running, error in raised_at_import(package, setting.rucio)}
    for running in at_import(package, setting.rucio):
        problem = _stops(package, running) or _fails(running, raised.get(id(running)))
        # what stands in an except is the answer to a failure of which other rules speak
        if not problem or running.context.handling or running.context.catches(problem[0]):
            continue
        if _is_unreachable(package, setting, running):
            continue
        if running.start == "get_algorithms" and problem[0] in ("ImportError", "ModuleNotFoundError"):
            continue  # a way to say that there are none: Rucio swallows it
        error, cause, certain = problem
        yield rule.finding(
            running.module.path,
            getattr(running.node, "lineno", 0),
            f"{cause}: {failing.then(setting, running.start, error=error)}"
            + ("" if certain else ", where its condition holds"),
            "Let the import succeed; decide when a permission is asked for",
            severity=rule.severity if certain else Severity.WARNING,
        )


def _stops(package: Package, running: Running) -> tuple[str, str, bool] | None:
    """The exception, the words about it, and whether it is certain."""
    certain = not running.context.conditional and not running.after_return
    if class_fault := _class_fault(package, running):
        return (*class_fault, certain)
    match running.node:
        case ast.Raise(exc=ast.expr() as raised):
            error = _name(raised)
            return error, f"the package raises {error} while it is imported", certain
        case ast.Assert(test=test):
            value = value_of(package, running.module, test, package.values(running.module))
            if readable(value) and value:
                return None
            cause = f"assert {ast.unparse(test)[:60]} raises AssertionError where it does not hold"
            return "AssertionError", cause, certain and readable(value)
        case ast.Call(func=callee):
            name = dotted(callee, package.aliases(running.module)) or ast.unparse(callee)
            if name in _EXITS:
                return "SystemExit", f"{name}() ends the process while the package is imported", certain
            if problem := _pattern(package, running, name):
                return "error", f"{name} raises re.error: the regular expression {problem}", certain
    return None


def _fails(running: Running, error: Exception | None) -> tuple[str, str, bool] | None:
    if error is None or not isinstance(running.node, ast.expr | ast.stmt):
        return None
    kind = type(error).__name__
    cause = f"{ast.unparse(running.node)[:60]} raises {kind} ({str(error)[:100]})"
    return kind, cause, not running.context.conditional and not running.after_return


def _class_fault(package: Package, running: Running) -> tuple[str, str] | None:
    """Why a dataclass or NamedTuple cannot be made, where the node is its decorator or base."""
    node = running.node
    callee = node.func if isinstance(node, ast.Call) else node
    maker = dotted(callee, package.aliases(running.module)) if isinstance(callee, ast.expr) else ""
    if maker not in ("dataclasses.dataclass", "typing.NamedTuple"):
        return None
    for class_ in running.module.tree.body:
        if not isinstance(class_, ast.ClassDef):
            continue
        if maker == "dataclasses.dataclass" and node in class_.decorator_list:
            is_simple = isinstance(node, ast.Name | ast.Attribute) and not class_.bases
            return _mutable_default(class_) or (_default_before(class_) if is_simple else None)
        if maker == "typing.NamedTuple" and node in class_.bases:
            return _default_before(class_)
    return None


def _mutable_default(class_: ast.ClassDef) -> tuple[str, str] | None:
    """A field whose default is a list, a dictionary or a set."""
    for statement in class_.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.List() | ast.Dict() | ast.Set()):
                return "ValueError", f"dataclass raises ValueError: the default of {name} can be changed"
    return None


def _default_before(class_: ast.ClassDef) -> tuple[str, str] | None:
    """A field without a default behind one that has one."""
    with_default = ""
    for statement in class_.body:
        match statement:
            case ast.AnnAssign(annotation=annotation) if "ClassVar" in ast.unparse(annotation):
                continue
            case ast.AnnAssign(target=ast.Name(id=name), value=None) if with_default:
                cause = (
                    f"{class_.name}.{name} has no default and stands behind {with_default}, which has one: a TypeError"
                )
                return "TypeError", cause
            case ast.AnnAssign(value=ast.Call()):  # field(…) may leave it out of the arguments
                return None
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                with_default = name
    return None


def _pattern(package: Package, running: Running, name: str) -> str:
    """Why the regular expression of a call does not compile, empty where it does or is not known."""
    call = running.node
    if name not in _COMPILES or not isinstance(call, ast.Call) or not call.args:
        return ""
    pattern = running.value(package, call.args[0])
    if not isinstance(pattern, str):
        return ""
    try:
        problem = package.memoized(("pattern", pattern), lambda: uncompilable(pattern, package.work))
    except TooMuchWork:
        return ""
    return f"{pattern[:60]!r} does not compile ({problem})" if problem else ""


def _name(raised: ast.expr) -> str:
    callee = raised.func if isinstance(raised, ast.Call) else raised
    return ast.unparse(callee).rpartition(".")[2]


def _is_unreachable(package: Package, setting: Setting, running: Running) -> bool:
    """Whether it stands in the ``else`` of a ``try`` whose import is certain to fail."""
    line = running.context.only_after
    alternatives = package.imports_at(running.module, line) if line else ()
    # as if nothing caught the failure of the import
    unguarded = (replace(imported, context=StatementContext()) for imported in alternatives)
    failing = (
        failures_of(package, setting.rucio, setting.images, running.module, alternative) for alternative in unguarded
    )
    return any(True for failures in failing for _ in failures)


RULE = Rule(
    "stops-at-import",
    Severity.ERROR,
    "Importing the package ends the process",
    "Rucio imports the package when it starts, and catches neither SystemExit nor AssertionError nor what the package "
    "raises by itself: sys.exit, raise and assert at the top of a module end the process, also in the else of a try "
    "and in functions that are called there. A condition is followed as far as the source tells, sys.version_info "
    "included; where it does not tell, it is a warning. A regular expression that does not compile, a list as the "
    "default of a dataclass, and an expression of constants that fails (1 / 0, int('x'), an entry that a dictionary "
    "does not have) end the import, too.",
    find,
)
