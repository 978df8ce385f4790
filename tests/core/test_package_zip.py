"""The zip of a package is the same on any day and machine, and readable to whom the pod runs as."""

from __future__ import annotations

import io
import zipfile

from secretsync.core.model import Bundle, File, Revision
from secretsync.core.package_zip import zip_bytes

BUNDLE = Bundle(
    "my_policy", "1.0", Revision("source", "", "commit:1"), (File("__init__.py", b""), File("sub/x.py", b""))
)


def test_every_entry_has_the_first_day_of_the_format_and_can_be_read_by_all() -> None:
    with zipfile.ZipFile(io.BytesIO(zip_bytes(BUNDLE))) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
    assert list(entries) == ["my_policy/", "my_policy/__init__.py", "my_policy/sub/", "my_policy/sub/x.py"]
    assert {entry.date_time for entry in entries.values()} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries.values()} == {3}
    modes = {name: oct(entry.external_attr >> 16) for name, entry in entries.items()}
    assert modes == {name: "0o40755" if name.endswith("/") else "0o100644" for name in entries}
