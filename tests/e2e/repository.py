"""A policy package in a bare git repository, and commits to it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

MODULE = "site_policy"

PACKAGE = {
    "__init__.py": b"SUPPORTED_VERSION = ['>=35']\nVERSION = 1\n",
    "permission.py": b"from . import rules\n\n\n"
    b"def has_permission(issuer, action, kwargs, *, session=None):\n    return rules.ALL\n",
    "rules.py": b"ALL = True\n",
    "schema.py": b"SCOPE_LENGTH = 25\nSCHEMAS = {}\n\n\ndef validate_schema(name, obj):\n    return None\n",
    "accounts.py": b"ROOT = 'root'\n",
    "quota.py": b"LIMIT = 10 ** 15\n",
    "subscriptions.py": b"",
    "windows.py": b"LINES = 'end in CRLF'\r\n",
    "site.json": b'{"sites": ["CERN-PROD"]}\n',
    "logo.bin": bytes(range(256)),
    "algorithms/__init__.py": b"from . import surl\n",
    "algorithms/surl.py": b"def construct(dsn, scope, filename):\n    return f'/{scope}/{filename}'\n",
}
"""A dozen files: nested, empty, binary, CRLF."""


def raising(words: str) -> bytes:
    """``rules.py`` that raises when it is imported, under a condition that no check can follow."""
    return f"import os\n\nALL = True\nif os.environ:\n    raise RuntimeError({words!r})\n".encode()


class Repository:
    """*bare* is what a server serves; the work tree beside it is the colleague who commits."""

    def __init__(self, folder: Path) -> None:
        self.bare, self._work = folder / "served" / "policy.git", folder / "work"
        self.bare.parent.mkdir(parents=True)
        _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        _git(folder, "clone", "--quiet", str(self.bare), str(self._work))

    def push(self, files: Mapping[str, bytes], module: str = MODULE) -> str:
        """Commit *files* as all that the package holds, and return the commit's id."""
        _git(self._work, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
        for name, data in {**{f"src/{module}/{name}": data for name, data in files.items()}, **_BESIDE}.items():
            path = self._work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        _git(self._work, "add", "--all")
        _git(self._work, "commit", "--quiet", "--allow-empty", "--message", "A change")
        _git(self._work, "push", "--quiet", "origin", "HEAD:main")
        return _git(self._work, "rev-parse", "HEAD").strip()


_BESIDE = {"README.md": b"# A policy package\n", "pyproject.toml": b'[project]\nname = "site-policy"\n'}


def _git(folder: Path, *arguments: str) -> str:
    settings = ("user.name=Colleague", "user.email=colleague@example.org", "core.autocrlf=false", "protocol.version=2")
    options = [option for setting in settings for option in ("-c", setting)]
    return subprocess.run(
        ["git", *options, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
