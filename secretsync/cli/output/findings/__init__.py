"""Findings of the check, in each format: one module and one line of this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from secretsync.cli.output.findings import github, gitlab, json, junit, markdown, sarif, text
from secretsync.cli.output.findings.checked import Checked, Proven

__all__ = ["FORMATS", "Checked", "Proven"]

FORMATS: Mapping[str, Callable[[Sequence[Checked]], str]] = {
    "text": text.render,
    "json": json.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "sarif": sarif.render,
    "junit": junit.render,
    "markdown": markdown.render,
}
