"""The probe's report: on disk before each step."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any


class Report(dict[str, Any]):
    """What is known so far, on disk before each step."""

    def __init__(self, path: str) -> None:
        python = ".".join(map(str, sys.version_info[:3]))
        super().__init__(step="start", done=False, python=python, logged=[])
        self._file = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - kept open: the package may change directory

    def enter(self, step: str) -> None:
        """*step* begins: the report names it if the process ends there."""
        self["step"] = step
        self.save()

    def save(self) -> None:
        """Write the report as it is now: the process may end at any moment."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(self, default=str))
        self._file.flush()


class RucioWarnings(logging.Handler):
    """Keeps the warnings that Rucio logs, each once."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, if it is new and one of the first hundred."""
        line = f"{record.name}: {record.getMessage()}"[:1000]
        if line not in self._lines and len(self._lines) < 100:
            self._lines.append(line)
