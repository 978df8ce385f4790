"""The bill of materials of what pip installs: the distribution, and what the lock pins below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Component = dict[str, Any]


def bill(lock: str, name: str, version: str) -> Component:
    """A CycloneDX 1.6 document of *name* *version* and each pin of *lock*, with the hashes of its files."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", **_identity(name, version)}},
        "components": list(_pins(lock)),
    }


def _pins(lock: str) -> Iterator[Component]:
    for pin in re.split(r"(?m)^(?=[A-Za-z0-9])", lock):
        found = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", pin)
        if not found:
            continue
        hashes = [{"alg": "SHA-256", "content": digest} for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", pin)]
        yield {"type": "library", **_identity(found[1], found[2]), "externalReferences": _files(found[1], hashes)}


def _identity(name: str, version: str) -> Component:
    purl = f"pkg:pypi/{name.lower()}@{version}"
    return {"name": name, "version": version, "purl": purl, "bom-ref": purl}


def _files(name: str, hashes: list[Component]) -> list[Component]:
    """A pin has a hash for each file that the index may serve, so they belong to its page, not to one file."""
    return [{"type": "distribution", "url": f"https://pypi.org/project/{name}/", "hashes": hashes}]
