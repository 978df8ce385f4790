"""A Python file of a policy package: parsed, compiled for the faults that only shows, and never run."""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from secretsync.core.errors import SecretSyncError
from secretsync.core.model import File

if TYPE_CHECKING:
    from parso.grammar import Grammar

LARGEST = 256 * 1024
"""Bytes of a file that are still parsed: five times the largest policy known."""

ALL = 512 * 1024
"""Bytes of all files together that are still parsed; each costs up to a kilobyte of memory in a hostile file."""

TOKENS = 60_000
"""Words and signs of all files together that are still parsed, ten times the largest policy known; each costs a
kilobyte of memory, however short it is."""

_TOKEN = re.compile(rb"\w+|[^\w\s]")
_SMALL = 2 * 1024
"""Bytes of source that parso reads in this process: in a hostile file its time grows with their square."""

PYTHON = (3, 9)
"""What Rucio's images run (AlmaLinux 9)."""

_MOST_BITS = 14_000
_GIVES_UP = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Fault:
    """Why a file is not Python that the images can compile."""

    line: int
    reason: str
    too_large: bool = False


@dataclass(eq=False)
class TooMuchToParse(SecretSyncError):
    """A file of the package costs more to parse than any policy; *reason* is the part of a sentence."""

    code = "too_much_to_parse"

    reason: str

    def __str__(self) -> str:
        return f"a Python file of the package cannot be read: {self.reason}"


@dataclass(frozen=True)
class Module:
    """A Python file. *name* is dotted and relative to the package (``""`` is its ``__init__``)."""

    name: str
    file: File
    tree: ast.Module = field(repr=False)
    fault: Fault | None = None

    @property
    def path(self) -> str:
        """Its path within the package."""
        return self.file.path

    @property
    def is_package(self) -> bool:
        """Whether it is the ``__init__.py`` of a package."""
        return self.file.name == "__init__.py"

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of its syntax tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def binds(self) -> Mapping[str, int]:
        """How often each name is bound by an assignment, a loop, a definition or an import, wherever that stands."""
        bindings: Counter[str] = Counter()
        for node in self.nodes:
            match node:
                case (
                    ast.Name(id=name, ctx=ast.Store() | ast.Del())
                    | ast.FunctionDef(name=name)
                    | ast.ClassDef(name=name)
                ):
                    bindings[name] += 1
                case ast.arg(arg=name):
                    bindings[name] += 1
                case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                    bindings.update((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        return bindings

    @cached_property
    def assigned(self) -> Mapping[str, ast.expr]:
        """What is first assigned to each name at the top of the module, in a statement of its own."""
        found: dict[str, ast.expr] = {}
        for statement in self.tree.body:
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, statement.value)
        return found

    @cached_property
    def tested(self) -> frozenset[str]:
        """The names that a condition asks for, wherever that stands."""
        tests = (node.test for node in self.nodes if isinstance(node, ast.If | ast.IfExp | ast.Assert | ast.While))
        return frozenset(inner.id for test in tests for inner in ast.walk(test) if isinstance(inner, ast.Name))

    @cached_property
    def lines(self) -> list[str]:
        """Its lines as text; what is no UTF-8 is replaced."""
        return self.file.data.decode("utf-8", errors="replace").splitlines()


def module_name(path: str) -> str:
    """``algorithms/scope.py`` is ``algorithms.scope``, ``__init__.py`` is the package itself: ``""``."""
    dotted = path.removesuffix(".py").replace("/", ".")
    return dotted.removesuffix("__init__").rstrip(".") if dotted.endswith("__init__") else dotted


def tokens(file: File) -> int:
    """How many words and signs *file* has, in strings and comments too: a bound of what parsing it costs."""
    return sum(1 for _ in _TOKEN.finditer(file.data))


def unread(name: str, file: File) -> Module:
    """A file that is too large to be parsed, or comes after others that used up what all may have."""
    reason = (
        f"has {len(file.data):,} bytes; files up to {LARGEST:,} are read, and up to {ALL:,} or {TOKENS:,} words and "
        "signs of all together"
    )
    return Module(name, file, ast.Module(body=[], type_ignores=[]), Fault(0, reason, too_large=True))


def parse(name: str, file: File) -> Module:
    """The file as a module; what keeps it from being one is its *fault*, and never raises."""
    empty = ast.Module(body=[], type_ignores=[])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(file.data, filename=file.path, feature_version=PYTHON)
            _compile(tree, file)
    except _GIVES_UP as error:
        return Module(name, file, empty, _fault(error))
    module = Module(name, file, tree)
    if any(isinstance(node, ast.Constant) and _is_huge(node.value) for node in module.nodes):
        return Module(name, file, empty, Fault(0, "holds a number of thousands of digits", too_large=True))
    return module


def _compile(tree: ast.Module, file: File) -> None:
    """Raises what Python raises where the file cannot be compiled."""
    try:
        compile(tree, file.path, "exec", dont_inherit=True)
    except RecursionError:
        # a chain of a thousand elif or + is too deep as a tree of objects, and not as text
        compile(file.data, file.path, "exec", dont_inherit=True)


def _is_huge(value: object) -> bool:
    """Whether it is an integer that Python itself refuses to print."""
    return isinstance(value, int) and value.bit_length() > _MOST_BITS


def _fault(error: BaseException) -> Fault:
    if isinstance(error, SyntaxError):
        return Fault(error.lineno or 0, str(error.msg))
    if isinstance(error, ValueError):
        return Fault(0, "source code cannot contain null bytes" if "null" in str(error) else "not text in its encoding")
    return Fault(0, "expressions are nested too deeply")


def without_newer_syntax(modules: Iterable[Module]) -> Iterator[Module]:
    """The modules, those with a fault that hold syntax which ``ast`` lets through in spite of its *feature_version*.

    parso has the grammar of 3.9 itself. It is slow, so only files that could hold such syntax are given to it.
    """
    modules = list(modules)
    doubtful = [module for module in modules if not module.fault and any(map(_may_be_newer, module.nodes))]
    faults = dict(zip((module.name for module in doubtful), _faults_of_the_grammar(doubtful), strict=True))
    for module in modules:
        yield replace(module, fault=faults.get(module.name) or module.fault)


def _faults_of_the_grammar(modules: Sequence[Module]) -> Sequence[Fault | None]:
    sources = json.dumps([module.file.data.decode("utf-8", errors="replace") for module in modules]).encode()
    try:
        faults = grammar_faults(sources) if len(sources) <= _SMALL else None
    except RuntimeError:
        faults = None  # parso looks for a home when it is imported, and this user has none; a child has
    try:
        if faults is None:
            from secretsync.core import confined

            faults = confined.call(f"{__name__}:grammar_faults", sources, TooMuchToParse)
    except TooMuchToParse as error:
        return [Fault(0, error.reason.removeprefix("it "), too_large=True)] * len(modules)
    return [Fault(fault[0], fault[1]) if fault else None for fault in faults]


def grammar_faults(sources: bytes) -> list[tuple[int, str] | None]:
    """Line and reason of the first fault of each source, by the grammar of the images' Python; both lists in JSON."""
    from parso.grammar import load_grammar

    grammar = load_grammar(version="{}.{}".format(*PYTHON))
    return [_grammar_fault(grammar, source) for source in json.loads(sources)]


def _grammar_fault(grammar: Grammar[Any], source: str) -> tuple[int, str] | None:
    try:
        faults = grammar.iter_errors(grammar.parse(source))  # type: ignore[no-untyped-call]  # parso has no stubs
    except RecursionError:
        return 0, "expressions are nested too deeply"
    return next(((fault.start_pos[0], fault.message.removeprefix("SyntaxError: ")) for fault in faults), None)


def _may_be_newer(node: ast.AST) -> bool:
    """Whether it takes the grammar of 3.9 itself to tell if that has this."""
    match node:
        case ast.Subscript(slice=index):
            inside = index.elts if isinstance(index, ast.Tuple) else [index]
            return any(isinstance(expression, ast.Starred | ast.NamedExpr) for expression in inside)
        case ast.arg(annotation=ast.Starred()):
            return True
        case ast.JoinedStr():
            return sys.version_info >= (3, 12)  # which read quotes within quotes
        case ast.ExceptHandler(type=ast.Tuple()):
            return sys.version_info >= (3, 14)  # which need no parentheses there
    return False
