"""For a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from secretsync.cli.output.findings.checked import Checked


def render(checked: Sequence[Checked]) -> str:
    """A list with an object for each package; its findings' fields are named as in Finding."""
    documents = [{key: value for key, value in asdict(package).items() if value is not None} for package in checked]
    return json.dumps(documents, indent=2) + "\n"
