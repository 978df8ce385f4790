"""``python -m benchmarks.plot [RESULT.json] [OUT.svg]``: the last result of ``python -m benchmarks`` as a drawing.

Three drawings side by side: CPU seconds, wall time and memory, each by the number of workloads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.record import RESULTS

LINES = {
    "idle": ("secretsync, nothing to do", "#1a7f37"),
    "shell": ("shell: clone and diff", "#9a6700"),
    "change": ("secretsync, a change", "#0969da"),
    "restart": ("kubectl rollout restart and status", "#cf222e"),
}
MEASURES = {"cpu": "CPU seconds", "seconds": "seconds of wall time", "mebibytes": "MiB"}
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 260, 180, 50, 40, 70

Numbers = Mapping[str, Mapping[str, float]]


def main() -> None:
    results = sorted(RESULTS.glob("*.json"))
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else results[-1]
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else source.with_suffix(".svg")
    record = json.loads(source.read_text())
    out.write_text(drawing(record))
    print(out)


def drawing(record: Mapping[str, object]) -> str:
    """An SVG image of one result, which names its date, commit and machine."""
    workloads = record["workloads"]
    assert isinstance(workloads, Mapping)
    fleets = {int(count): numbers for count, numbers in workloads.items()}
    width, height = len(MEASURES) * (_WIDTH + _GAP) + _LEFT, _HEIGHT + _TOP + 110
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, (key, title) in enumerate(MEASURES.items()):
        parts += _panel(_LEFT + place * (_WIDTH + _GAP), key, title, fleets)
    parts += _legend(height)
    origin = f"{record['date']}, commit {record['commit']}, {record['machine']}"
    parts.append(_text(_LEFT, height - 12, origin, "#57606a"))
    return "\n".join([*parts, "</svg>", ""])


def _panel(left: int, key: str, title: str, fleets: Mapping[int, Numbers]) -> Iterator[str]:
    largest = max(numbers[line][key] for numbers in fleets.values() for line in LINES) or 1
    counts = sorted(fleets)
    yield _text(left, _TOP - 14, title, "#24292f")
    yield f'<path d="M{left} {_TOP}v{_HEIGHT}h{_WIDTH}" fill="none" stroke="#8c959f"/>'
    for part in (0.5, 1):
        y = _TOP + _HEIGHT * (1 - part)
        yield f'<path d="M{left} {y:.1f}h{_WIDTH}" stroke="#d0d7de" stroke-dasharray="2 3"/>'
        yield _text(left - 6, y + 4, f"{largest * part:.3g}", "#57606a", anchor="end")
    for place, count in enumerate(counts):
        yield _text(_x(left, place, counts), _TOP + _HEIGHT + 16, f"{count:,}", "#57606a", anchor="middle")
    for line, (_, color) in LINES.items():
        points = [
            (_x(left, place, counts), _TOP + _HEIGHT * (1 - fleets[count][line][key] / largest))
            for place, count in enumerate(counts)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)


def _x(left: int, place: int, counts: Sequence[int]) -> float:
    """The numbers of workloads stand at equal distances, as each is some three times the one before."""
    return left + 20 + place * (_WIDTH - 40) / max(len(counts) - 1, 1)


def _legend(height: int) -> Iterator[str]:
    left = _LEFT
    yield _text(left, height - 58, "workloads, scaled to zero", "#57606a")
    for text, color in LINES.values():
        yield f'<rect x="{left}" y="{height - 44}" width="14" height="4" fill="{color}"/>'
        yield _text(left + 20, height - 38, text, "#24292f")
        left += 40 + 6 * len(text)


def _text(x: float, y: float, text: str, color: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}">{escape(text)}</text>'


if __name__ == "__main__":
    main()
