"""A terminal's screen, and an animated picture of what it showed.

The picture is one strip of frames that CSS moves; it asks for nothing else, so it plays in an <img>.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

COLUMNS, ROWS = 96, 28
_LINE, _CHARACTER = 17, 7.8
_COLORS = {31: "#f85149", 32: "#56d364", 33: "#e3b341", 36: "#76e3ea", 90: "#8b949e", 2: "#8b949e"}
_SEQUENCE = re.compile(r"\x1b\[[?]?([\d;]*)([A-Za-z])|\x1b\][^\x07]*\x07|(\r|\n)|([^\x1b\r\n]+)")
Cell = tuple[str, int]


@dataclass
class Screen:
    """What a terminal shows: as much of its control sequences as rich and click write."""

    lines: list[list[Cell]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    color: int = 0

    def write(self, text: str) -> None:
        for numbers, command, control, words in _SEQUENCE.findall(text):
            if words:
                self._put(words)
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [[] for _ in range(self.row + 1 - len(self.lines))]
            elif command == "A":
                self.row = max(0, self.row - int(numbers or 1))
            elif command == "K":
                del self.lines[self.row][0 if numbers == "2" else self.column :]
            elif command == "m":
                shown = [int(number) for number in numbers.split(";") if number.isdigit() and int(number) in _COLORS]
                self.color = shown[-1] if shown else 0 if numbers in ("", "0") else self.color

    def _put(self, words: str) -> None:
        line = self.lines[self.row]
        line += [(" ", 0)] * (self.column - len(line))
        line[self.column : self.column + len(words)] = [(character, self.color) for character in words]
        self.column += len(words)

    def shown(self) -> tuple[tuple[Cell, ...], ...]:
        return tuple(tuple(line) for line in self.lines[-ROWS:])


Frame = tuple[float, tuple[tuple[Cell, ...], ...]]


def svg(frames: Sequence[Frame], seconds: float) -> str:
    """The frames one below the other, of which the window shows one; a line that is too long is cut at its edge."""
    width, height = round(COLUMNS * _CHARACTER + 24), ROWS * _LINE + 24
    kept = [next(same) for _, same in groupby(frames, key=lambda frame: frame[1])]
    steps = [f"{100 * at / seconds:.3f}%{{transform:translateY(-{n * height}px)}}" for n, (at, _) in enumerate(kept)]
    style = (
        f"text{{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#e6edf3;white-space:pre}}"
        f"#film{{animation:play {seconds:.1f}s step-end infinite}}@keyframes play{{{''.join(steps)}}}"
    )
    pictures = "".join(
        f'<g transform="translate(12 {n * height + 24})">{_text(s)}</g>' for n, (_, s) in enumerate(kept)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>secretsync changes the policy of a running Rucio, and puts a bad one back</title>"
        f'<style>{style}</style><rect width="100%" height="100%" rx="8" fill="#0d1117"/>'
        f'<g id="film">{pictures}</g></svg>\n'
    )


def _text(screen: Sequence[Sequence[Cell]]) -> str:
    return "".join(f'<text y="{row * _LINE}">{_line(line)}</text>' for row, line in enumerate(screen) if line)


def _line(cells: Sequence[Cell]) -> str:
    parts = [(color, "".join(cell[0] for cell in same)) for color, same in groupby(cells, key=lambda cell: cell[1])]
    escaped = [(color, html.escape(text.rstrip("\x00"), quote=False)) for color, text in parts]
    return "".join(f'<tspan fill="{_COLORS[c]}">{t}</tspan>' if c else t for c, t in escaped)
