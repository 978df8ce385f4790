"""The configuration of a long run: its file may change meanwhile, and one that cannot be used changes nothing."""

from __future__ import annotations

from pathlib import Path

import structlog

from secretsync import config

log = structlog.get_logger()


class WatchedConfig:
    """*current* is the configuration that was last usable, *usable* whether the file still says so.

    The file is read by its path each time: a ConfigMap's volume swaps a link, editors replace a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: str | None = config.read(path)
        self._problems: list[str] = []
        self.current = config.from_text(self._text, path)

    @property
    def usable(self) -> bool:
        """Whether the file as it was last read can be used."""
        return not self._problems

    def poll(self) -> bool:
        """Whether the file says something else since the last look, and something usable."""
        try:
            return self._read()
        except config.UnusableConfig as error:
            self._complain(error.problems)
            return False

    def _read(self) -> bool:
        previous, self._text = self._text, None
        self._text = config.read(self._path)
        if self._text == previous:
            return False
        loaded = config.from_text(self._text, self._path)
        changed, self.current, self._problems = loaded != self.current, loaded, []
        log.info("the configuration was read anew", file=str(self._path), changed=changed)
        return changed

    def _complain(self, problems: list[str]) -> None:
        """Once, however often somebody looks."""
        if problems != self._problems:
            for problem in problems:
                log.error("the new configuration cannot be used; the old one stays", file=str(self._path), why=problem)
        self._problems = problems
