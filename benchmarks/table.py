"""How a benchmark prints what it measured, and whether that is within its budget."""

from __future__ import annotations


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def row(what: str, seconds: float, memory: float | None = None) -> None:
    print(f"  {what:<66} {seconds:8.3f} s" + (f" {memory:7.1f} MiB" if memory else ""), flush=True)


def budget(what: str, value: float, limit: float) -> None:
    verdict = "within" if value <= limit else "OVER"
    print(f"  {verdict:>6} budget: {value:.3g} {what}, of {limit:g}", flush=True)
