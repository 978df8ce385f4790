"""Hashes from a requirements file, as ``pip install --require-hashes -r`` takes it.

The form is pip's (https://pip.pypa.io/en/stable/topics/secure-installs/): a requirement a line, continued by a
backslash, each with one ``--hash=ALGORITHM:HEX`` or more. Only sha256 is read: it is what indexes tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from secretsync.core.errors import SourceError
from secretsync.core.files import read_regular

_CONTINUED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"(^|\s)#.*$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"--hash[=\s]sha256:([0-9a-fA-F]{64})(?=\s|$)")


@dataclass(eq=False)
class NoHashes(SourceError):
    """The file does not say which files of the distribution are good; *reason* is a part of a sentence."""

    code = "no_hashes"

    path: Path
    name: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} {self.reason}, so no file of {self.name} can be trusted; "
            f"'pip-compile --generate-hashes' or 'pip hash' make such lines, or drop 'hashesFrom'"
        )


def read_hashes(path: Path, name: str) -> tuple[str, ...]:
    """The sha256, in hex, that *path* gives for the distribution *name*; never none. Raises NoHashes."""
    try:
        text = read_regular(path).decode().replace("\r\n", "\n")
    except OSError as error:
        raise NoHashes(path, name, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise NoHashes(path, name, "is not text") from None
    if not (hashes := hashes_of(text, name)):
        raise NoHashes(path, name, f"names no sha256 for {name}")
    return hashes


def hashes_of(text: str, name: str) -> tuple[str, ...]:
    """The sha256 that a requirements file with this *text* gives for the distribution *name*."""
    lines = (_COMMENT.sub("", line).strip() for line in _CONTINUED.sub(" ", text).splitlines())
    matching = [line for line in lines if _is_for(line, canonicalize_name(name))]
    return tuple(dict.fromkeys(value.lower() for line in matching for value in _SHA256.findall(line)))


def _is_for(line: str, name: str) -> bool:
    match = _NAME.match(line)
    return match is not None and canonicalize_name(match[0]) == name
