"""A Python file of a policy package: parsed, compiled for the faults that only shows, and never run."""

from __future__ import annotations

import ast
import sys
import warnings
from dataclasses import dataclass, field
from functools import cached_property

from secretsync.core.model import File

LARGEST = 256 * 1024
"""Bytes of a file that are still parsed: five times the largest policy known."""

ALL = 512 * 1024
"""Bytes of all files together that are still parsed; each costs up to a kilobyte of memory in a hostile file."""

PYTHON = (3, 9)
"""What Rucio's images run (AlmaLinux 9)."""

_GIVES_UP = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Fault:
    """Why a file is not Python that the images can compile."""

    line: int
    reason: str
    too_large: bool = False


@dataclass(frozen=True)
class Module:
    """A Python file. *name* is dotted and relative to the package (``""`` is its ``__init__``)."""

    name: str
    file: File
    tree: ast.Module = field(repr=False)
    fault: Fault | None = None

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def is_package(self) -> bool:
        return self.file.name == "__init__.py"

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def lines(self) -> list[str]:
        return self.file.data.decode("utf-8", errors="replace").splitlines()


def module_name(path: str) -> str:
    """``algorithms/scope.py`` is ``algorithms.scope``, ``__init__.py`` is the package itself: ``""``."""
    dotted = path.removesuffix(".py").replace("/", ".")
    return dotted.removesuffix("__init__").rstrip(".") if dotted.endswith("__init__") else dotted


def unread(name: str, file: File) -> Module:
    """A file that is too large to be parsed, or comes after others that used up what all may have."""
    reason = f"has {len(file.data):,} bytes; files up to {LARGEST:,} are read, and up to {ALL:,} of all together"
    return Module(name, file, ast.Module(body=[], type_ignores=[]), Fault(0, reason, too_large=True))


def parse(name: str, file: File) -> Module:
    """The file as a module; what keeps it from being one is its *fault*, and never raises."""
    empty = ast.Module(body=[], type_ignores=[])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(file.data, filename=file.path, feature_version=PYTHON)
            compile(tree, file.path, "exec", dont_inherit=True)
    except _GIVES_UP as error:
        return Module(name, file, empty, _fault(error))
    return Module(name, file, tree, _newer_than_the_images(file.data, tree))


def _fault(error: BaseException) -> Fault:
    if isinstance(error, SyntaxError):
        return Fault(error.lineno or 0, str(error.msg))
    if isinstance(error, ValueError):
        return Fault(0, "source code cannot contain null bytes" if "null" in str(error) else "not text in its encoding")
    return Fault(0, "expressions are nested too deeply")


def _newer_than_the_images(source: bytes, tree: ast.Module) -> Fault | None:
    """Syntax that ``ast`` lets through in spite of its *feature_version*: parso has the grammar of 3.9 itself.

    parso is slow, so only a file that could hold such syntax is given to it.
    """
    if not any(_may_be_newer(node) for node in ast.walk(tree)):
        return None
    from parso.grammar import load_grammar

    grammar = load_grammar(version="{}.{}".format(*PYTHON))
    try:
        faults = grammar.iter_errors(grammar.parse(source.decode("utf-8", errors="replace")))
    except RecursionError:
        return Fault(0, "expressions are nested too deeply")
    return next((Fault(fault.start_pos[0], fault.message.removeprefix("SyntaxError: ")) for fault in faults), None)


def _may_be_newer(node: ast.AST) -> bool:
    """Whether it takes the grammar of 3.9 itself to tell if that has this."""
    match node:
        case ast.Subscript(slice=index):
            inside = index.elts if isinstance(index, ast.Tuple) else [index]
            return any(isinstance(one, ast.Starred | ast.NamedExpr) for one in inside)
        case ast.arg(annotation=ast.Starred()):
            return True
        case ast.JoinedStr():
            return sys.version_info >= (3, 12)  # which read quotes within quotes
        case ast.ExceptHandler(type=ast.Tuple()):
            return sys.version_info >= (3, 14)  # which need no parentheses there
    return False
