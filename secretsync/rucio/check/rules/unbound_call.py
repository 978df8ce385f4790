"""unbound-call: a permission or algorithm calls a function with arguments that it does not take."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache, partial

from secretsync.rucio.check.called import called
from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_time import Running, at_import
from secretsync.rucio.check.imports import StatementContext, statements
from secretsync.rucio.check.interpret import bound_in
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.calls import accepts
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.tree import nodes_outside_functions
from secretsync.rucio.check.values import Function, ModuleValue


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Calls that do not fit the function of Rucio's or of the package that they name."""
    yield from _at_import(rule, package, setting)
    for function in called(package, setting.rucio):
        for call, context in package.memoized(("calls", id(function.node)), partial(_call_list, function)):
            if context.catches("TypeError"):
                continue
            name = dotted(call.func, package.aliases(function.module))
            parameters = _of_rucio(setting, name) or _of_the_package(package, function, call)
            if parameters and not _binds(parameters, call):
                yield rule.finding(
                    function.module.path,
                    call.lineno,
                    f"{ast.unparse(call.func)} takes ({parameters.replace(',', ', ')}) and cannot be called as "
                    f"{_short(call)}: a TypeError, which Rucio takes in a permission for an action without a rule, and "
                    "decides it by its generic permissions, without a log line",
                    _remedy(parameters, call),
                    about=name or ast.unparse(call.func),
                )


def _at_import(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    for running in at_import(package, setting.rucio):
        call = running.node
        if not isinstance(call, ast.Call) or running.context.catches("TypeError"):
            continue
        name = dotted(call.func, package.aliases(running.module))
        parameters = _of_rucio(setting, name) or _of_the_module(package, running, call)
        if parameters and not _binds(parameters, call):
            yield rule.finding(
                running.module.path,
                call.lineno,
                f"{ast.unparse(call.func)} takes ({parameters.replace(',', ', ')}) and cannot be called as "
                f"{_short(call)}: {failing.then(setting, running.start, error='TypeError')}",
                _remedy(parameters, call),
                about=name or ast.unparse(call.func),
                severity=Severity.WARNING if running.context.conditional else rule.severity,
            )


def _call_list(function: Function) -> tuple[tuple[ast.Call, StatementContext], ...]:
    return tuple(_calls(function))


def _calls(function: Function) -> Iterator[tuple[ast.Call, StatementContext]]:
    """The calls in the function, without those that a version of Rucio decides on."""
    if isinstance(function.node, ast.Lambda | ast.ClassDef):
        return
    for statement, context in statements(function.node.body):
        if context.function or isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            inner: list[ast.AST] = _heads(statement) if not context.function else []
        else:
            inner = [statement]
        for node in nodes_outside_functions(inner):
            if isinstance(node, ast.Call):
                yield node, context


def _heads(statement: ast.stmt) -> list[ast.AST]:
    match statement:
        case ast.If(test=test) | ast.While(test=test):
            return [test]
        case ast.For(iter=expression):
            return [expression]
        case ast.With(items=items):
            return [item.context_expr for item in items]
    return []


def _of_rucio(setting: Setting, name: str) -> str:
    module, _, function = name.rpartition(".")
    return (setting.rucio.signature(module, function) or "") if module.startswith("rucio.") else ""


def _of_the_package(package: Package, function: Function, call: ast.Call) -> str:
    """The parameters of the package's own plain function that is called."""
    match call.func:
        case ast.Name(id=name):
            value = package.values(function.module).get(name)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            holder = package.values(function.module).get(name)
            source = package.get(holder.name) if isinstance(holder, ModuleValue) else None
            value = package.values(source).get(attribute) if source else None
        case _:
            return ""
    node = value.node if isinstance(value, Function) else None
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        return ""
    local_names = package.memoized(("bound", id(function.node)), partial(bound_in, function.node)).keys()
    if name in local_names - {function.name}:
        return ""
    return _form(node.args)


def _of_the_module(package: Package, running: Running, call: ast.Call) -> str:
    """The parameters of the function of the same module that is called, of a class those of its ``__init__``."""
    if (
        not isinstance(call.func, ast.Name)
        or running.module.binds.get(call.func.id) != 1
        or call.func.id in running.given
    ):
        return ""
    value = package.values(running.module).get(call.func.id)
    node = value.node if isinstance(value, Function) and value.module is running.module else None
    match node:
        case ast.ClassDef(bases=[], keywords=[], decorator_list=[], body=body):
            made = [one for one in body if isinstance(one, ast.FunctionDef) and one.name in ("__init__", "__new__")]
            if len(made) != 1 or made[0].name != "__init__" or not made[0].args.args or made[0].decorator_list:
                return ""
            signature = _without_first(made[0].args)
        case ast.FunctionDef(decorator_list=[], args=signature):
            pass
        case _:
            return ""
    return _form(signature)


def _without_first(signature: ast.arguments) -> ast.arguments:
    parameters = signature.args[1:]
    defaults = signature.defaults[-len(parameters) :] if parameters else []
    return ast.arguments(**{**vars(signature), "args": parameters, "defaults": defaults})


def _form(signature: ast.arguments) -> str:
    """``a,b=,*,session=``: the parameters as those of Rucio are recorded, without annotations and defaults."""
    by_place = [*signature.posonlyargs, *signature.args]
    required = len(by_place) - len(signature.defaults)
    parts = [parameter.arg + ("=" if place >= required else "") for place, parameter in enumerate(by_place)]
    if signature.posonlyargs:
        parts.insert(len(signature.posonlyargs), "/")
    if signature.vararg or signature.kwonlyargs:
        parts.append(f"*{signature.vararg.arg}" if signature.vararg else "*")
    for parameter, default in zip(signature.kwonlyargs, signature.kw_defaults, strict=True):
        parts.append(parameter.arg + ("=" if default else ""))
    if signature.kwarg:
        parts.append(f"**{signature.kwarg.arg}")
    return ",".join(parts)


@cache
def _arguments(parameters: str) -> ast.arguments | None:
    """``a,b,*,session=`` as Python's own."""
    texts = [f"{text}None" if text.endswith("=") else text for text in parameters.split(",")]
    try:
        expression = ast.parse(f"lambda {','.join(texts)}: 0", mode="eval").body
    except SyntaxError:
        return None
    return expression.args if isinstance(expression, ast.Lambda) else None


def _binds(parameters: str, call: ast.Call) -> bool:
    declared = _arguments(parameters)
    unknown = any(isinstance(argument, ast.Starred) for argument in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )
    if declared is None or unknown:
        return True
    return accepts(declared, len(call.args), tuple(keyword.arg for keyword in call.keywords if keyword.arg))


def _remedy(parameters: str, call: ast.Call) -> str:
    wants_session = "session" in parameters.split(",") and not any(
        keyword.arg == "session" for keyword in call.keywords
    )
    return "Hand session=session on" if wants_session else "Call it with the arguments that it takes"


def _short(call: ast.Call) -> str:
    text = ast.unparse(call)
    return text if len(text) <= 80 else f"{text[:77]}…"


RULE = Rule(
    "unbound-call",
    Severity.ERROR,
    "A permission or algorithm calls a function with arguments that it does not take",
    "The parameters of Rucio's core functions are recorded for each release: 35 of them took a session by themselves "
    "up to 38.5 and want one given by 41.5, has_account_attribute for instance. A call that does not bind raises "
    "TypeError. In a permission Rucio takes that for 'the package has no such action' and asks its generic "
    "permissions, without a log line; in an algorithm the daemon fails. Calls of the package's own functions are "
    "looked at too.",
    find,
)
