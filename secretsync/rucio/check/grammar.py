"""Syntax newer than that of the images' Python: what ``ast`` lets through in spite of its *feature_version*.

parso has the grammar of 3.9 itself. It is slow, and slower than the size of a hostile file would have it: only files
that could hold such syntax are given to it, large ones in a process of its own, each for a few seconds.
"""

from __future__ import annotations

import ast
import json
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

from secretsync.rucio.check.code import PYTHON, Fault, Module, TooMuchToParse

if TYPE_CHECKING:
    from parso.grammar import Grammar

SECONDS_FOR_ALL = 4.0
"""Processor time that all files together may take: less than a confined process has."""

SECONDS_FOR_ONE = SECONDS_FOR_ALL / 2
"""Processor time that one file may take: five times what the largest policy takes."""

_SMALL = 2 * 1024
"""Bytes of source that parso reads in this process."""

_Found = tuple[int, str, bool]
"""Line and reason of a fault, and whether the file is too large to be read."""


class _TimeIsUp(Exception):
    """A file takes longer than it may."""


def without_newer_syntax(modules: Iterable[Module]) -> Iterator[Module]:
    """The modules, those with a fault that hold syntax which the images' Python does not have.

    Small ones should come first: where one takes too long, those after it are not read.
    """
    modules = list(modules)
    doubtful = [module for module in modules if not module.fault and any(map(_may_be_newer, module.nodes))]
    faults = dict(zip((module.name for module in doubtful), _faults_of_the_grammar(doubtful), strict=True))
    for module in modules:
        yield replace(module, fault=faults.get(module.name) or module.fault)


def _faults_of_the_grammar(modules: Sequence[Module]) -> Sequence[Fault | None]:
    if not modules:
        return []
    sources = json.dumps([module.file.data.decode("utf-8", errors="replace") for module in modules]).encode()
    try:
        found = grammar_faults(sources) if len(sources) <= _SMALL else None
    except RuntimeError:
        found = None  # parso looks for a home when it is imported, and this user has none; a child has
    try:
        if found is None:
            from secretsync.core import confined

            found = confined.call(f"{__name__}:grammar_faults_in_time", sources, TooMuchToParse)
    except TooMuchToParse as error:
        return [Fault(0, error.reason.removeprefix("it "), too_large=True)] * len(modules)
    return [Fault(*fault) if fault else None for fault in found]


def grammar_faults(sources: bytes) -> list[_Found | None]:
    """The first fault of each source, by the grammar of the images' Python; both lists in JSON."""
    grammar = _grammar()
    return [_fault(grammar, source) for source in json.loads(sources)]


def grammar_faults_in_time(sources: bytes) -> list[_Found | None]:
    """The same in a process of its own, whose alarm clock it takes: a source that takes too long is a fault."""
    grammar, left = _grammar(), SECONDS_FOR_ALL
    signal.signal(signal.SIGVTALRM, _end)
    found: list[_Found | None] = []
    for source in json.loads(sources):
        allowed = min(SECONDS_FOR_ONE, left)
        if allowed < SECONDS_FOR_ONE / 2:
            found.append((0, f"is not read, as other files take more than {SECONDS_FOR_ALL:.0f} s", True))
            continue
        signal.setitimer(signal.ITIMER_VIRTUAL, allowed)
        try:
            found.append(_fault(grammar, source))
        except _TimeIsUp:
            found.append((0, f"takes more than {allowed:.0f} s to read", True))
        left -= allowed - signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0]
    return found


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _TimeIsUp


def _grammar() -> Grammar[Any]:
    from parso.grammar import load_grammar

    grammar: Grammar[Any] = load_grammar(version="{}.{}".format(*PYTHON))
    return grammar


def _fault(grammar: Grammar[Any], source: str) -> _Found | None:
    try:
        faults = grammar.iter_errors(grammar.parse(source))  # type: ignore[no-untyped-call]  # parso has no stubs
    except RecursionError:
        return 0, "expressions are nested too deeply", False
    except MemoryError:
        return 0, "takes too much memory to read", True
    fault = next(iter(faults), None)
    return (fault.start_pos[0], fault.message.removeprefix("SyntaxError: "), False) if fault else None


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
