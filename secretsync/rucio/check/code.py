"""A Python file of a policy package: parsed, compiled for the faults that only shows, and never run."""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO

from secretsync.core.errors import SecretSyncError
from secretsync.core.model import File
from secretsync.rucio.check.tree import walk

LARGEST = 256 * 1024
"""Bytes of a file that are still parsed: five times the largest policy known."""

ALL = 512 * 1024
"""Bytes of all files together that are still parsed; each costs up to a kilobyte of memory in a hostile file."""

TOKENS = 60_000
"""Words and signs of all files together that are still parsed, ten times the largest policy known; each costs a
kilobyte of memory, however short it is."""

_TOKEN = re.compile(rb"\w+|[^\w\s]")
_LONG_NAME = re.compile(r"(?:\.(?:[ \t\f]|\\\r?\n)*+\w++(?:[ \t\f]|\\\r?\n)*+){200}")
"""A dotted name of 200 parts: Python's parser copies what an import names for each part, by gigabytes."""

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
        return tuple(walk(self.tree))

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
    def imported(self) -> Mapping[str, int]:
        """How often each name is bound by an import, wherever that stands."""
        aliases = (
            alias for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
        )
        return Counter((alias.asname or alias.name).partition(".")[0] for alias in aliases)

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
        return frozenset(inner.id for test in tests for inner in walk(test) if isinstance(inner, ast.Name))

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
    if _LONG_NAME.search(_text(file.data)):
        return Module(name, file, empty, Fault(0, "holds a name of hundreds of parts", too_large=True))
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


def _text(source: bytes) -> str:
    """As Python decodes it; empty where it cannot be decoded, of which `ast.parse` says why."""
    try:
        return source.decode(tokenize.detect_encoding(BytesIO(source).readline)[0])
    except (*_GIVES_UP, LookupError):
        return ""


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
