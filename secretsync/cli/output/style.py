"""How text looks on a terminal: its width, its colors, and no control characters of others."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

import click

from secretsync.cli.output.report import Model
from secretsync.core.escape import visible

NARROW = 80
"""Columns where there is no terminal, and the least that tables are made for."""

_WIDE = 120
_COLORS: Mapping[str, Mapping[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow"},
    "added": {"fg": "green"},
    "removed": {"fg": "red"},
    "changed": {"fg": "yellow"},
    "quiet": {"dim": True},
    "title": {"bold": True},
}

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Style:
    """*width* is in columns; *cuts* says whether a cell of a table may be cut to it: in a pipe nothing is."""

    width: int = NARROW
    color: bool = False
    cuts: bool = True

    def paint(self, kind: str, text: str) -> str:
        """*text* in the color of its kind."""
        return click.style(text, **_COLORS[kind]) if self.color and kind else text

    def wrap(self, line: str, hang: int = 2) -> str:
        """A sentence over several lines, those after the first *hang* columns further in."""
        indent = len(line) - len(line.lstrip())
        return textwrap.fill(
            line.strip(),
            self.width,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_long_words=False,
            break_on_hyphens=False,
        )

    def columns(
        self, rows: Sequence[Mapping[str, str]], *, indent: str = "", droppable: Sequence[str] = ()
    ) -> list[str]:
        """A table with a head. Where it is too wide, *droppable* columns go, the first of them first.

        The last column is cut before it goes, as long as a third of a line is left for it.
        """
        names = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
        for name in (*droppable, ""):
            lines = _table([names, *([row[name] for name in names] for row in rows)], indent)
            widest = max(map(len, lines), default=0)
            if widest <= self.width:
                break
            if names and name == names[-1] and (room := self._room(rows, name, widest)) >= self.width // 3:
                rows = [{**row, name: textwrap.shorten(row[name], room, placeholder=" …")} for row in rows]
                lines = _table([names, *([row[name] for name in names] for row in rows)], indent)
                break
            names = [column for column in names if column != name]
        return [self.paint("title", lines[0]), *lines[1:]]

    def _room(self, rows: Sequence[Mapping[str, str]], name: str, widest: int) -> int:
        """The columns that are left for the last column *name* of a table that is *widest* columns wide."""
        return max(len(row[name]) for row in rows) - (widest - self.width)


def _table(rows: Sequence[Sequence[str]], indent: str) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    cells = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"{indent}{line}".rstrip() for line in cells]


PLAIN = Style()


def of_terminal(color: str = "auto") -> Style:
    """The style of this process's stdout; *color* is ``auto``, ``always`` or ``never``."""
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((NARROW, 24)).columns if terminal else NARROW
    return Style(max(NARROW, min(width, _WIDE)), colored(color, terminal=terminal), cuts=terminal)


def colored(color: str, *, terminal: bool) -> bool:
    """Whether colors are used: ``NO_COLOR`` (https://no-color.org) goes before ``auto``."""
    return color == "always" or (color == "auto" and terminal and not os.environ.get("NO_COLOR"))


def readable(document: M) -> M:
    """The document with its control and format characters escaped: a terminal must not obey them."""
    read: M = _readable(document)
    return read


def _readable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _readable(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, str) and not isinstance(value, Enum):
        return visible(value)
    if isinstance(value, Mapping):
        return {_readable(key): _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_readable(item) for item in value)
    return value
