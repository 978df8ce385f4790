"""For a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from secretsync.cli.output import json
from secretsync.cli.output.findings.checked import Checked
from secretsync.cli.output.report import Model


class CheckReport(Model):
    """What ``secretsync check`` says: an object for each package, its findings' fields named as in the rules."""

    version: Literal[1] = 1
    packages: tuple[Checked, ...]


def render(checked: Sequence[Checked]) -> str:
    """One document, however many packages."""
    return json.render(CheckReport(packages=tuple(checked)))
