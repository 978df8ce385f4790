"""The rows, as the YAML files beside this one give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

from secretsync.core.model import Bundle
from secretsync.rucio.prove import Verdict
from tests.rucio.check.build import policy

ROOMS = (
    "files",
    "imports",
    "supported_version",
    "algorithms",
    "permission",
    "layout",
    "several_vos",
    "kinds",
    "import_time",
    "styles",
    "constants",
)


@dataclass(frozen=True)
class Row:
    """*files* differ from a sound package's, None: gone. *installed* is a copy in site-packages.

    *algorithms* and *default_algorithms* are those that must be in force.
    """

    row: str
    expect: str | Mapping[str, str]
    files: Mapping[str, str | None] = field(default_factory=dict)
    installed: Mapping[str, str | None] = field(default_factory=dict)
    algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default_algorithms: tuple[str, ...] = ()
    layout: str = "directories"
    vo: str = ""
    absent: bool = False
    unreadable: bool = False
    beyond: str = ""

    @property
    def bundle(self) -> Bundle:
        return policy(self.files)

    def expected(self, rucio: str) -> Verdict:
        """What must become of the package with that version of Rucio."""
        if isinstance(self.expect, str):
            return Verdict(self.expect)
        (verdict,) = (verdict for versions, verdict in self.expect.items() if rucio in SpecifierSet(versions))
        return Verdict(verdict)


def rows() -> tuple[Row, ...]:
    files = (Path(__file__).with_name(f"{room}.yaml") for room in ROOMS)
    return tuple(Row(**row) for file in files for row in yaml.safe_load(file.read_text(encoding="utf-8")))
