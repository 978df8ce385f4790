"""The result on docs/cost.md: its table and its drawing are put in place of those of the result before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmarks import plot
from benchmarks.ratios import table
from tests import ROOT

PAGE, DRAWING = ROOT / "docs" / "cost.md", ROOT / "docs" / "images" / "cost.svg"
_TABLE = re.compile(r"^\| \d{4}-\d\d-\d\d, commit .*\n(?:\|.*\n)+", re.MULTILINE)


def write(record: Mapping[str, Any]) -> None:
    """Put *record* on the page; the sentence on the machine and its load above the table is written by hand."""
    PAGE.write_text(with_table(PAGE.read_text(), record))
    DRAWING.write_text(plot.drawing(record))


def with_table(page: str, record: Mapping[str, Any]) -> str:
    """*page* with the table of *record*."""
    rows = "\n".join(table(record)) + "\n"
    return _TABLE.sub(lambda _: rows, page, count=1)
