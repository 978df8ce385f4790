"""What a permission function answers, and whether Rucio's gateway can use that."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping

from secretsync.rucio.check.tree import own_nodes, walk

_BUILTIN_RESULTS = {
    "str": "text", "repr": "text", "len": "a number", "int": "a number", "sum": "a number", "list": "a list",
    "tuple": "a tuple", "dict": "a dictionary", "set": "a set", "sorted": "a list",
}  # fmt: skip
_DISPLAYS: dict[type[ast.expr], str] = {
    ast.Tuple: "a tuple",
    ast.List: "a list",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.JoinedStr: "text",
    ast.ListComp: "a list",
    ast.SetComp: "a set",
    ast.DictComp: "a dictionary",
    ast.GeneratorExp: "a generator",
    ast.Lambda: "a function",
}


_OF_TEXT = {"count": "a number", "find": "a number", "index": "a number", "split": "a list", "partition": "a tuple"}
_TEXTS = ("lower", "upper", "strip", "lstrip", "rstrip", "replace", "removeprefix", "removesuffix")
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitOr, ast.BitAnd, ast.BitXor)


def unusable_answer(expression: ast.expr | None, assigned: Mapping[str, ast.expr] | None = None) -> str:
    """``a tuple``, where the expression is certain to give neither a bool nor None nor a PermissionResult.

    *assigned* are the values of names that are bound once, as ``bound_once`` gives them.
    """
    names = assigned or {}
    match expression:
        case ast.Constant(value=value):
            return "" if value is None or isinstance(value, bool) else _of_constant(value)
        case ast.IfExp(body=body, orelse=orelse):
            return unusable_answer(body, names) or unusable_answer(orelse, names)
        case ast.BoolOp(values=values):
            # "a or 0" gives its last value where the others are false, "a and 1" where they are true
            return unusable_answer(values[-1], names)
        case ast.Name(id=name) if name in names:
            return unusable_answer(names[name], {other: names[other] for other in names if other != name})
        case ast.Call():
            return _of_call(expression)
        case ast.Attribute(value=ast.Name(id="issuer"), attr="external" | "internal" | "vo"):
            return "text"
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
            return unusable_answer(left, names) or unusable_answer(right, names)
    return _DISPLAYS.get(type(expression), "") if expression else ""


def _of_call(call: ast.Call) -> str:
    match call:
        case ast.Call(func=ast.Name(id=name)) if name in _BUILTIN_RESULTS:
            return _BUILTIN_RESULTS[name]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr="match" | "search" | "fullmatch")):
            return "a match"
        case ast.Call(func=ast.Name(id="next"), args=[_, default]):
            return unusable_answer(default)
        case ast.Call(func=ast.Attribute(value=owner, attr=method)) if unusable_answer(owner) == "text":
            return "text" if method in _TEXTS else _OF_TEXT.get(method, "")
    return ""


def bound_once(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> Mapping[str, ast.expr]:
    """What is assigned to each name that the function binds once and nowhere else, by the name."""
    stores = Counter(_bound_name(node) for node in walk(definition))
    return {
        node.targets[0].id: node.value
        for node in own_nodes(definition)
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
        and stores[node.targets[0].id] == 1
    }


def _bound_name(node: ast.AST) -> str:
    """The name that the node binds, empty for all others."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
    return ""


def _of_constant(value: object) -> str:
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else f"{type(value).__name__}"


def returns(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.Return]:
    """The function's own ``return`` statements."""
    return [node for node in own_nodes(definition) if isinstance(node, ast.Return)]


def forgets_its_return(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line of the answer that is calculated and not returned; 0 where there is none.

    Such a function has no ``return`` with a value, and ends with a call or a comparison whose result is dropped.
    """
    if any(statement.value is not None for statement in returns(definition)) or not definition.body:
        return 0
    match definition.body[-1]:
        case ast.Expr(value=ast.Compare() | ast.BoolOp() as value):
            return value.lineno
        case (
            ast.Expr(value=ast.Call() as call)
            | ast.Assign(targets=[ast.Name()], value=ast.Call() as call)
            | ast.AnnAssign(target=ast.Name(), value=ast.Call() as call)
        ) if _may_answer(call):
            return call.lineno
    return 0


def _may_answer(call: ast.Call) -> bool:
    """Not ``log(…)`` or ``print(…)``: a policy may well refuse to decide and say so."""
    if any(keyword.arg == "session" for keyword in call.keywords):
        return True
    call_text = ast.unparse(call.func).lower()
    return any(fragment in call_text for fragment in ("perm", "is_", "has_", "allow"))


def awaits_or_yields(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """``a coroutine`` or ``a generator``, where calling the function gives that instead of an answer."""
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(definition))
    if isinstance(definition, ast.AsyncFunctionDef):
        return "an async generator" if yields else "a coroutine"
    return "a generator" if yields else ""
