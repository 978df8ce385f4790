"""question-arguments: a permission reads what Rucio does not give with its question."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from secretsync.rucio.check.dispatch import dispatch
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.imports import StatementContext, statements
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.tree import children, nodes_outside_functions, own_nodes, walk
from secretsync.rucio.check.values import Function

_ACCOUNT = "rucio.common.types.InternalAccount"


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Arguments of an action that its function reads and the gateway does not give."""
    for function, actions in _functions(package):
        definition = function.node
        if not isinstance(definition, ast.FunctionDef):
            continue
        reads = package.memoized(("reads", id(definition)), partial(_reads, definition))
        yield from _arguments(rule, setting, function, reads, actions)
        yield from _issuer(rule, setting, function, reads)


def _functions(package: Package) -> Iterator[tuple[Function, list[str]]]:
    """Each function of the table, with the actions that it decides on."""
    table = dispatch(package)
    module = package.get("permission")
    if not table or not module:
        return
    names = package.values(module)
    functions: dict[int, tuple[Function, list[str]]] = {}
    for action, name in table.actions.items():
        function = table.functions.get(name) or names.get(name)
        if isinstance(function, Function):
            functions.setdefault(id(function.node), (function, []))[1].append(action)
    yield from functions.values()


@dataclass(frozen=True, slots=True)
class _Reads:
    """What a function reads of Rucio's question: *guarded* are the names of kwargs that it looks for before."""

    nodes: tuple[tuple[ast.Subscript | ast.Attribute, StatementContext], ...]
    gets_kwargs: bool
    gets_issuer: bool
    guarded: frozenset[str]


def _reads(definition: ast.FunctionDef) -> _Reads:
    nodes = tuple(
        (node, context) for node, context in _running(definition) if isinstance(node, ast.Subscript | ast.Attribute)
    )
    gets_kwargs, gets_issuer = _is_parameter(definition, "kwargs"), _is_parameter(definition, "issuer")
    return _Reads(nodes, gets_kwargs, gets_issuer, _guarded_names(definition))


def _arguments(
    rule: Rule, setting: Setting, function: Function, reads: _Reads, actions: list[str]
) -> Iterator[Finding]:
    """``kwargs["…"]`` with a name that Rucio gives with none of the actions."""
    argument_sets = [setting.rucio.arguments(action) for action in actions]
    if None in argument_sets or not reads.gets_kwargs:
        return
    gateway_arguments = frozenset().union(*(names for names in argument_sets if names))
    for node, context in reads.nodes:
        match node:
            case ast.Subscript(
                value=ast.Name(id="kwargs"), slice=ast.Constant(value=str(name)), ctx=ast.Load(), lineno=line
            ) if name not in gateway_arguments | reads.guarded and not context.catches("KeyError"):
                yield rule.finding(
                    function.module.path,
                    line,
                    f"kwargs has no {name!r} when Rucio asks for {', '.join(sorted(actions))}: a KeyError, and the "
                    "request fails",
                    f"Rucio gives {', '.join(sorted(gateway_arguments)) or 'nothing'}; use one of these, or "
                    f"kwargs.get({name!r})",
                    about=name,
                    severity=Severity.WARNING if context.conditional else rule.severity,
                )


def _issuer(rule: Rule, setting: Setting, function: Function, reads: _Reads) -> Iterator[Finding]:
    """``issuer.…`` with an attribute that an InternalAccount does not have."""
    members = setting.rucio.members(_ACCOUNT)
    if members is None or not reads.gets_issuer:
        return
    for node, context in reads.nodes:
        match node:
            case ast.Subscript(value=ast.Name(id="issuer"), lineno=line) if not context.catches("TypeError"):
                yield rule.finding(
                    function.module.path,
                    line,
                    "the issuer is an InternalAccount and no dictionary: a TypeError, which Rucio takes for an action "
                    "without a rule, and asks its generic permissions, without a log line",
                    "Use issuer.external, the name of the account, or issuer.internal",
                    about="issuer",
                    severity=Severity.WARNING if context.conditional else rule.severity,
                )
            case ast.Attribute(value=ast.Name(id="issuer"), attr=name, lineno=line) if not (
                name in members or name in dir(object) or context.catches("AttributeError")
            ):
                yield rule.finding(
                    function.module.path,
                    line,
                    f"the issuer is an InternalAccount and has no {name}: an AttributeError, and the request fails",
                    "Use issuer.external, the name of the account, or issuer.internal",
                    about=f"issuer.{name}",
                    severity=Severity.WARNING if context.conditional else rule.severity,
                )


def _running(definition: ast.FunctionDef) -> Iterator[tuple[ast.AST, StatementContext]]:
    """The expressions of the function itself, with their circumstances."""
    for statement, context in statements(definition.body):
        if context.function or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        nodes = [child for child in children(statement) if not isinstance(child, ast.stmt | ast.ExceptHandler)]
        for node in nodes_outside_functions(nodes):
            yield node, context


def _is_parameter(definition: ast.FunctionDef, name: str) -> bool:
    """Whether the name is what Rucio gives, and stays that."""
    parameters = [*definition.args.posonlyargs, *definition.args.args, *definition.args.kwonlyargs]
    is_assigned = any(
        (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (
            isinstance(node, ast.Call)
            and any(isinstance(argument, ast.Name) and argument.id == name for argument in node.args)
            and isinstance(node.func, ast.Name)
            and node.func.id == "hasattr"
        )
        for node in own_nodes(definition)
    )
    return any(parameter.arg == name for parameter in parameters) and not is_assigned


def _guarded_names(definition: ast.FunctionDef) -> frozenset[str]:
    """The names that the function looks for before it takes them (``"x" in kwargs``), gets or sets itself."""
    names: set[str] = set()
    for node in own_nodes(definition):
        match node:
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()]):
                names.add(name)
            case ast.Call(func=ast.Attribute(attr="get" | "setdefault"), args=[ast.Constant(value=str(name)), *_]):
                names.add(name)
            case ast.Subscript(slice=ast.Constant(value=str(name)), ctx=ast.Store()):
                names.add(name)
            case ast.Call(func=ast.Attribute(attr="update")):
                names.update(str(constant.value) for constant in walk(node) if isinstance(constant, ast.Constant))
                names.update(keyword.arg for keyword in node.keywords if keyword.arg)
    return frozenset(names)


RULE = Rule(
    "question-arguments",
    Severity.ERROR,
    "A permission reads an argument or an attribute that Rucio does not give",
    "With each action Rucio gives its own arguments (kwargs), and the issuer as an InternalAccount. Both are recorded "
    "for each release, from the places in its source that ask. A name in kwargs that is not among them raises "
    "KeyError, an attribute that an account does not have AttributeError: nothing catches either, and each request "
    "that needs the permission fails. Arguments that Rucio's own permissions read are taken to be given.",
    find,
)
