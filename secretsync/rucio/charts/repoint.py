"""Mounts of earlier Secrets in a site's values, moved to the Secrets of today; every other byte stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from secretsync.core.yaml_edit import Keys, set_item
from secretsync.rucio.charts.site_values import part_of, read
from secretsync.rucio.wiring import Mount

_LISTS = ("secretMounts", "extraSecretMounts")


def repoint(text: str, mounts: Sequence[Mount], names: Sequence[str], at: Keys = ()) -> str:
    """*text* whose entries of ``secretMounts`` name the Secrets of *mounts*, where they are at the same path.

    *names* are what our packages' Secrets are called: such a name, or one with a digest behind it, is an earlier one of
    ours; others are left alone. Raises CannotEdit and NotValues.
    """
    part = part_of(text, at)
    return part.put_back(_repointed(part.text, mounts, names, part.at))


def _repointed(text: str, mounts: Sequence[Mount], names: Sequence[str], at: Keys) -> str:
    by_path = {(mount.path, mount.key): mount.secret for mount in mounts}
    pattern = re.compile("|".join(f"{re.escape(name)}(-[0-9a-f]{{12}}(\\.zip)?)?(-[a-z0-9-]+)?" for name in names))
    for keys, number, entry in _entries(read(text, at)):
        wanted = by_path.get((str(entry.get("mountPath", "")).rstrip("/"), entry.get("subPath") or ""))
        written = str(entry.get("secretFullName", ""))
        if wanted and written != wanted and pattern.fullmatch(written):
            text = set_item(text, (*at, *keys), number, "secretFullName", wanted)
    return text


def _entries(values: Mapping[str, Any]) -> Iterator[tuple[Keys, int, Mapping[str, Any]]]:
    """The entries of the global list and of each daemon's lists, with the keys and the number that lead to them."""
    sections: list[tuple[Keys, Any]] = [((), values)]
    sections += [((name,), section) for name, section in values.items()]
    for keys, section in sections:
        for name in _LISTS if isinstance(section, Mapping) else ():
            entries = section.get(name)
            for number, entry in enumerate(entries if isinstance(entries, list) else ()):
                if isinstance(entry, Mapping):
                    yield (*keys, name), number, entry
