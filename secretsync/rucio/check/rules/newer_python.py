"""newer-python: Something is used that Python 3.9 does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from secretsync.rucio.check.called import called
from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_time import Running, at_import, within
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import newer_arguments, newer_methods, not_yet_in_the_images, standard_library
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import Function

_TYPES = frozenset(
    ("int", "str", "float", "bool", "bytes", "list", "dict", "set", "tuple", "frozenset", "type", "object")
)
_PASSED_ON = {f"subprocess.{name}": "subprocess.Popen" for name in ("run", "call", "check_call", "check_output")}
"""What hands its arguments on, and to what."""

_WITHOUT_SIGNATURE = {
    "zip": frozenset({"strict"}),
    "itertools.batched": frozenset({"strict"}),
    **dict.fromkeys(
        [f"bisect.{name}" for name in ("bisect", "bisect_left", "bisect_right", "insort")], frozenset({"key"})
    ),
}
"""Arguments that came with Python 3.10 or later to what does not tell its arguments."""

_NEW_METHODS = frozenset({"bit_count", "hardlink_to", "is_junction", "full_match", "with_segments", "add_note"})
"""Methods that came with Python 3.10 or later, and whose name nothing else of the standard library has."""

_SINCE_3_14 = {"pathlib.Path": frozenset({"copy", "copy_into", "move", "move_into"})}

_GIVE_THEMSELVES = frozenset({"parent", "resolve", "absolute", "joinpath", "with_name", "with_suffix", "expanduser"})
"""What gives a pathlib.Path when it is asked of one."""


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """What the images' Python is too old for, where it runs at import."""
    if setting.rucio.python >= (3, 10):
        return
    for running, error, cause in _problems(package, at_import(package, setting.rucio)):
        yield _finding(rule, running, f"{cause}: {failing.then(setting, running.start, error=error)}")
    for function in called(package, setting.rucio):
        for running, error, cause in _problems(package, within(package, function)):
            yield _finding(rule, running, f"{cause}: {_at_call(function, error)}")


def _problems(package: Package, all_running: tuple[Running, ...]) -> tuple[tuple[Running, str, str], ...]:
    """What Python 3.9 cannot run of that and nothing catches, each with the exception and the words about it."""
    return package.memoized(
        ("newer than Python 3.9", id(all_running)),
        lambda: tuple(
            (running, *problem)
            for running in all_running
            if (problem := _newer(package, running)) and not running.context.catches(problem[0])
        ),
    )


def _finding(rule: Rule, running: Running, effect: str) -> Finding:
    return rule.finding(
        running.module.path,
        getattr(running.node, "lineno", 0),
        effect,
        "Write it so that it runs on Python 3.9",
        severity=Severity.WARNING if running.context.conditional and running.start else rule.severity,
    )


def _at_call(function: Function, error: str) -> str:
    if error == "TypeError":
        return (
            f"in a permission Rucio takes the TypeError of {function.name} for an action without a rule and asks its "
            "generic permissions, without a log line"
        )
    return f"each call of {function.name} that comes to this line fails"


def _newer(package: Package, running: Running) -> tuple[str, str] | None:
    """The exception that Python 3.9 raises there, and the words about it."""
    node = running.node
    match node:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right) if _is_type(package, running, left) and _is_type(
            package, running, right
        ):
            return "TypeError", f"Python 3.9 cannot join types with | ({ast.unparse(node)[:60]}) and raises TypeError"
        case ast.Call(func=callee, keywords=keywords):
            name = dotted(callee, package.aliases(running.module)) or ast.unparse(callee)
            newer = newer_arguments(_PASSED_ON.get(name, name)) | _WITHOUT_SIGNATURE.get(name, frozenset())
            new = sorted(newer & {str(keyword.arg) for keyword in keywords})
            if new:
                return "TypeError", f"{name} takes no {new[0]} in Python 3.9 and raises TypeError"
        case ast.Attribute(value=inner, attr=attribute):
            module = dotted(inner, package.aliases(running.module))
            if module in standard_library() or module.partition(".")[0] in standard_library():
                if attribute in not_yet_in_the_images(module):
                    return "AttributeError", f"{module} has no {attribute} in Python 3.9, an AttributeError"
            elif attribute in _NEW_METHODS and isinstance(node.ctx, ast.Load):
                return "AttributeError", f"nothing has {attribute} in Python 3.9, an AttributeError"
            class_ = _class_of(package, running, inner)
            if attribute in newer_methods(class_) | _SINCE_3_14.get(class_, frozenset()):
                return (
                    "AttributeError",
                    f"{class_.removeprefix('builtins.')} has no {attribute} in Python 3.9, an AttributeError",
                )
    return None


def _is_type(package: Package, running: Running, expression: ast.expr) -> bool:
    """Whether it is certain to be a type, as far as one that has no | in Python 3.9; None counts beside one."""
    match expression:
        case ast.Name(id=name) if name in _TYPES or _is_class(running, name):
            return True
        case ast.Name(id=name):
            return _is_imported_class(package, running, expression)
        case ast.Attribute():
            return _is_imported_class(package, running, expression)
        case ast.Constant(value=None):
            return True
        case ast.Subscript(value=inner):
            return _is_type(package, running, inner)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _is_type(package, running, left) and _is_type(package, running, right)
    return False


def _is_imported_class(package: Package, running: Running, expression: ast.expr) -> bool:
    """``InternalAccount``, ``types.InternalAccount``: what a module has by a name as classes have, and it alone.

    ``Color.Red`` of an enumeration is none: its holder is a class itself.
    """
    name = dotted(expression, package.aliases(running.module))
    module, _, last = name.rpartition(".")
    if not module or module.rpartition(".")[2][:1].isupper():
        return False
    value = package.values(running.module).get(expression.id) if isinstance(expression, ast.Name) else None
    is_class = isinstance(value, Function) and isinstance(value.node, ast.ClassDef) and not value.node.keywords
    return is_class or name in _CLASSES or (last[:1].isupper() and last != last.upper())


_CLASSES = frozenset({"datetime.datetime", "datetime.date", "datetime.timedelta", "collections.deque"})
"""Classes of the standard library whose names begin with a small letter."""


def _class_of(package: Package, running: Running, expression: ast.expr, depth: int = 0) -> str:
    """The class of what the expression gives, where that shows; empty where it does not."""
    aliases = package.aliases(running.module)
    match expression:
        case _ if depth > 8:
            return ""
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return "builtins.int"
        case ast.Name(id=name) if running.module.binds.get(name) == 1:
            if value := running.module.assigned.get(name):
                return _class_of(package, running, value, depth + 1)
        case ast.Call(func=callee):
            name = dotted(callee, aliases)
            if newer_methods(name):
                return name
            if name in ("pathlib.Path.cwd", "pathlib.Path.home"):
                return "pathlib.Path"
            if isinstance(callee, ast.Attribute) and callee.attr in _GIVE_THEMSELVES:
                return _class_of(package, running, callee.value, depth + 1)
        case ast.Attribute(value=inner, attr="parent"):
            return _class_of(package, running, inner, depth + 1)
        case ast.BinOp(left=left, op=ast.Div()):
            return _class_of(package, running, left, depth + 1)
    return ""


def _is_class(running: Running, name: str) -> bool:
    return any(
        isinstance(statement, ast.ClassDef) and statement.name == name and not statement.keywords
        for statement in running.module.tree.body
    )


RULE = Rule(
    "newer-python",
    Severity.ERROR,
    "Something is used that Python 3.9 does not have",
    "Rucio's images run Python 3.9; which Python, is recorded for each release. Types joined with | outside "
    "annotations, dataclass(slots=…), zip(strict=…) and what its standard library has only since 3.10 compile there "
    "and raise TypeError or AttributeError when they run: at import the process dies; in a permission a TypeError "
    "means that Rucio's generic permissions decide, without a log line.",
    find,
)
