"""What a project's ``pyproject.toml`` says: a stranger's file, which is read under limits."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass

from secretsync.core.foreign import Refusal, reading

_LARGEST = 1024 * 1024
_PLAIN_BYTES = 64 * 1024
_PLAIN_DOTS = 50
_MOST_WORK = 100_000_000
"""The squares of the dots of each line, added: tomllib takes so long for a key of many parts."""

_LONGEST = 200
"""Characters of a version, and of a file's path, that are taken for one."""


@dataclass(frozen=True)
class Project:
    """A static version, and the version file that a build would write, as the tool's table has it; empty: none."""

    version: str = ""
    version_file: str = ""


def read_project(pyproject: bytes, refusal: Refusal) -> Project:
    """What *pyproject* says. Raises the refusal where it is no TOML, or would take too much to read."""
    if len(pyproject) > _LARGEST:
        raise refusal(f"it has more than {_LARGEST:,} bytes")
    if sum(line.count(b".") ** 2 for line in pyproject.splitlines()) > _MOST_WORK:
        raise refusal("a key has too many parts, or a line too many dots")
    with reading(refusal):
        return Project(**(facts(pyproject) if _is_plain(pyproject) else _confined(pyproject, refusal)))


def facts(pyproject: bytes) -> dict[str, str]:
    """The fields of a Project. May raise anything.

    The version file's keys are setuptools_scm's (version_file, write_to) and hatch-vcs's (version-file).
    """
    document = tomllib.loads(pyproject.decode())
    version = _table(document, "project").get("version")
    scm = _table(document, "tool", "setuptools_scm")
    hook = _table(document, "tool", "hatch", "build", "hooks", "vcs")
    version_file = scm.get("version_file") or scm.get("write_to") or hook.get("version-file")
    return asdict(Project(_text(version), _text(version_file)))


def _is_plain(pyproject: bytes) -> bool:
    """Whether no line can hold a key of many parts: tomllib's memory grows with their square."""
    return len(pyproject) <= _PLAIN_BYTES and all(line.count(b".") <= _PLAIN_DOTS for line in pyproject.splitlines())


def _confined(pyproject: bytes, refusal: Refusal) -> dict[str, str]:
    from secretsync.core import confined

    fields: dict[str, str] = confined.call(f"{__name__}:facts", pyproject, refusal)
    return fields


def _table(document: object, *path: str) -> dict[str, object]:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""
