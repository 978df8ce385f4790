"""Bombs of every kind, each in a process of its own: it ends in a sentence, under 200 MiB of memory."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests import ROOT
from tests.on_demand import ALL
from tests.sources.readers import READERS

pytestmark = pytest.mark.slow  # each bomb has a process of its own

MOST_MEMORY = 200 * 1024 * 1024
"""Bytes; the chart's limit for the container is 256 MiB."""

HEAD = "my_policy-1.0"


def tar(*members: tuple[str, bytes, bytes, dict[str, str]]) -> bytes:
    """A source archive of members: name, type, content, pax headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, kind, content, headers in members:
            member = tarfile.TarInfo(f"{HEAD}/{name}")
            member.type, member.size, member.pax_headers = kind, len(content), headers
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def headers_in_a_row(kind: bytes, number: int, content: bytes) -> bytes:
    """Headers that each say something of the next member, which is another header."""
    raw = io.BytesIO()
    for _ in range(number):
        member = tarfile.TarInfo("x")
        member.type, member.size = kind, len(content)
        raw.write(member.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
    return zlib.compress(raw.getvalue() + bytes(1024), 1, wbits=31)


def zipped(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind, compresslevel=9) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data, kind, 9)
    return buffer.getvalue()


def record_of(line: bytes, size: int) -> bytes:
    info = f"{HEAD}.dist-info"
    return zipped({f"{info}/RECORD": line * (size // len(line)), f"{info}/WHEEL": b"", f"{info}/METADATA": b""})


def tree(*entries: tuple[str, str]) -> bytes:
    """Paths with the targets of symlinks, or empty for a file."""
    return json.dumps(entries).encode()


MEGA = 1024 * 1024
INFO = f"{HEAD}.dist-info"
Content = bytes | str | Callable[[Path], object]
NEXT = b"\n# next\n"
SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": f"{HEAD}/x"}


def sparse(content: bytes, **headers: str) -> bytes:
    return tar(("my_policy/x.py", b"0", content, {**SPARSE, **{f"GNU.sparse.{key}": headers[key] for key in headers}}))


def of_a_page(files: int) -> str:
    listed = [{"filename": "x", "url": "x", "hashes": {}} for _ in range(files)]
    return json.dumps({"meta": {"api-version": "1.0"}, "name": "my-policy", "files": listed})


def aliases(use: str, last: str) -> str:
    """YAML of a few lines in which *last* stands for 9^8 values, each of which *use* makes of nine of those before."""
    lines = [f"a{n}: &a{n} {use.format(', '.join([f'*a{n - 1}'] * 9))}" for n in range(1, 9)]
    return "\n".join(["a0: &a0 {kind: Secret, metadata: {name: x}}", *lines, last.format("*a8"), ""])


YAML: dict[str, str] = {
    "a list that holds itself": "kind: List\nitems: &a [{kind: List, items: *a}]\n",
    "lists of aliases": aliases("{{kind: List, items: [{}]}}", "kind: List\nitems: [{}]"),
    "merges of aliases": aliases("{{<<: [{}]}}", "kind: Secret\nmetadata: {{name: b, labels: {}}}"),
    "4,000,000 values": "a: [" + "b," * 3_900_000 + "]\n",
    "braces that are never closed": "{" * 50_000,
    "brackets amid words that are never closed": "a: [b, " * 50_000,
    "50 MB of spaces": " " * 50 * MEGA,
}
OF_YAML = ("manifests", "values", "configuration", "rucio.cfg")

BOMBS: dict[str, tuple[str, Callable[[], Content]]] = {
    "a file of 480 MB in 0.5 MB": ("source archive", lambda: tar(("my_policy/x.py", b"0", bytes(480 * MEGA), {}))),
    "a GNU long name of 200 MB": (
        "source archive",
        lambda: headers_in_a_row(tarfile.GNUTYPE_LONGNAME, 1, b"a" * 200 * MEGA),
    ),
    "1,500 GNU long names": ("source archive", lambda: headers_in_a_row(tarfile.GNUTYPE_LONGNAME, 1500, b"a\0")),
    "1,500 pax headers": ("source archive", lambda: headers_in_a_row(tarfile.XHDTYPE, 1500, b"8 a=bcd\n")),
    "pax headers for all that follows": (
        "source archive",
        lambda: headers_in_a_row(tarfile.XGLTYPE, 1, b"".join(b"13 %06d=bc\n" % n for n in range(70_000))),
    ),
    "a sparse size that is no number": ("source archive", lambda: sparse(b"x", size="x")),
    "a sparse size of 10^15": ("source archive", lambda: sparse(b"0\n" + bytes(510), realsize="1" + "0" * 15)),
    "a sparse map of millions": ("source archive", lambda: sparse(b"4000000\n" + b"0\n" * 8_000_000, realsize="1")),
    "a size of 5,000 digits": ("source archive", lambda: tar(("my_policy/x.py", b"0", b"x", {"size": "9" * 5000}))),
    "100,000 members": (
        "source archive",
        lambda: tar(*((f"my_policy/f{n}", b"0", b"", {}) for n in range(100_000))),
    ),
    "damaged deflate": ("source archive", lambda: tar(("x", b"0", os.urandom(10_000), {}))[:-5000] + bytes(5000)),
    "2,500 nested directories": ("source archive", lambda: tar((f"my_policy/{'d/' * 2500}x", b"0", b"", {}))),
    "a wheel of 0.5 MB that is 480 MB": ("wheel", lambda: zipped({"my_policy/x": bytes(480 * MEGA)})),
    "a wheel's file with a false size": (
        "wheel",
        lambda: zipped({f"{INFO}/RECORD": b"", "my_policy/x": bytes(100 * MEGA)}).replace(
            (100 * MEGA).to_bytes(4, "little"), (100).to_bytes(4, "little")
        ),
    ),
    "RECORD of 15 MB of short lines": ("wheel", lambda: record_of(b"a,,\n", 15 * MEGA)),
    "RECORD of one line of 15 MB": ("wheel", lambda: record_of(b"a", 15 * MEGA)),
    "RECORD of quotes": ("wheel", lambda: record_of(b'"', MEGA)),
    "a wheel of 100,000 members": ("wheel", lambda: zipped({f"f{n}": b"" for n in range(100_000)}, 0)),
    "a wheel in lzma": ("wheel", lambda: zipped({f"{INFO}/RECORD": b"", "x": b"x"}, zipfile.ZIP_LZMA)),
    "a live zip of 600 MB": ("live zip", lambda: zipped({f"my_policy/{n}": bytes(100 * MEGA) for n in range(6)})),
    "a damaged live zip": ("live zip", lambda: zipped({"my_policy/x": os.urandom(5000)})[:3000] + bytes(2100)),
    "TOML with a dotted key of 30,000 parts": ("pyproject", lambda: b"a" + b".a" * 30_000 + b" = 1\n"),
    "TOML nested 100,000 deep": ("pyproject", lambda: b"a = " + b"[" * 100_000),
    "TOML with many dotted keys": (
        "pyproject",
        lambda: b"".join(b"a%d" % n + b".a" * 49 + b"=1\n" for n in range(600)),
    ),
    "TOML with a number of 5,000 digits": ("pyproject", lambda: b"a = " + b"9" * 5000),
    "TOML of 16 MB": ("pyproject", lambda: b"#" * 16 * MEGA),
    "TOML with a version of 900 KB": ("pyproject", lambda: b'[project]\nversion = "' + b"1" * 900_000 + b'"\n'),
    "JSON 200,000 deep": ("page in JSON", lambda: '{"a":' * 200_000),
    "JSON with a number of 5,000 digits": ("page in JSON", lambda: f'{{"meta": {"9" * 5000}}}'),
    "JSON of empty objects": ("page in JSON", lambda: "[" + "{}," * (2 * MEGA) + "{}]"),
    "JSON of empty strings": ("page in JSON", lambda: '{"files": [' + '"",' * 199_000 + '""]}'),
    "JSON of 25,000 files": ("page in JSON", lambda: of_a_page(25_000)),
    "HTML of tags": ("page in HTML", lambda: "<a>" * (2 * MEGA)),
    "HTML of attributes": ("page in HTML", lambda: "<a " + "b " * (3 * MEGA) + ">"),
    "HTML that is never closed": ("page in HTML", lambda: "<!--" * 300_000),
    "HTML of comments that only the last link ends": ("page in HTML", lambda: "<!--" * 300_000 + "<a href=x>x</a>"),
    "HTML of sections that are never closed": ("page in HTML", lambda: "<![CDATA[" * 200_000 + "-->"),
    "HTML of instructions that are never closed": ("page in HTML", lambda: "<a href=x>x</a>" + "<?" * 400_000),
    "HTML of end tags that are never closed": ("page in HTML", lambda: "</a " * 400_000),
    "HTML of open tags": ("page in HTML", lambda: "<a href=x " * 300_000),
    "a file's name of 5 MB": ("page in HTML", lambda: f'<a href="{"1" * 5 * MEGA}-1-py3-none-any.whl">x</a>'),
    "a version of 5,000 digits": ("page in HTML", lambda: f'<a href="my_policy-{"9" * 5000}-py3-none-any.whl">x</a>'),
    "a version of 15 MB": ("version", lambda: "1." * 7_500_000),
    "a Requires-Python of 200,000 characters": (
        "page in HTML",
        lambda: f'<a href="my_policy-1-py3-none-any.whl" data-requires-python="{">=1," * 40_000}x">x</a>',
    ),
    "policy code of short names": ("policy", lambda: NEXT.join([b"a," * 125_000] * 4)),
    "policy code of short statements": ("policy", lambda: b"a;" * 29_000 + b"a\n"),
    "policy code that takes parso minutes": (
        "policy",
        lambda: NEXT.join([b"a[*b]\nf'" + b"{a}" * 4_500 + b"'\n"] * 4),
    ),
    "policy code nested deeply": (
        "policy",
        lambda: NEXT.join([b"-" * 50_000 + b"1", b"a" + b".a" * 9_000, b"a" + b"+a" * 9_000, b"(" * 10_000]),
    ),
    "2^20 paths by symlinks to directories": (
        "tree",
        lambda: tree(
            *((f"my_policy/d{n}/{side}", f"../d{n + 1}") for n in range(20) for side in "ab"),
            ("my_policy/d20/x", ""),
        ),
    ),
    "a symlink of a million parts": ("tree", lambda: tree(("my_policy/x", "a/../" * 500_000))),
    "10,000 tangled symlinks": (
        "tree",
        lambda: tree(*((f"my_policy/l{n}", "a/../" * 800 + f"l{n + 1}") for n in range(10_000)), ("my_policy/a/x", "")),
    ),
    "50,000 packages": ("tree", lambda: tree(*((f"p{n}/__init__.py", "") for n in range(50_000)))),
    "a report 200,000 deep": ("report", lambda: b"[" * 200_000),
    "a report of 100 MB": ("report", lambda: b"[" + b"0," * 50_000_000 + b"0]"),
    "a report that is a list": ("report", lambda: b"[]"),
    "a report that is a pipe": ("report", lambda: os.mkfifo),
    "a report that is a folder": ("report", lambda: Path.mkdir),
    "a report that leads elsewhere": ("report", lambda: lambda path: path.symlink_to("/dev/zero")),
    "a last word that is a bomb": ("last word", lambda: b"[" * 1_000_000),
    "a last word of wrong types": ("last word", lambda: b'{"ended": 0, "report": {"step": [], "done": {}}}'),
    "a requirement of 200,000 characters": ("requirement", lambda: "a" + "[" * 200_000),
    "a requirement of many versions": ("requirement", lambda: "a" + ">=1," * 490),
}
BOMBS |= {
    f"YAML, {what}, as {reader}": (reader, partial(str, text)) for what, text in YAML.items() for reader in OF_YAML
}
# What is read of these is a value: findings, another file of the index, or the file as it is.
ARE_READ = re.compile("policy|live zip|50,000|TOML|15 MB$|a last word|many versions|Requires-Python|rucio.cfg")

QUICK = sorted(BOMBS)[::4]


def made(name: str, folder: Path) -> Path:
    """The bomb as a file; what makes it takes memory, so the reader is another process."""
    reader, make = BOMBS[name]
    path, content = folder / READERS[reader][0], make()
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", BOMBS if ALL else QUICK)
def test_a_bomb_ends_in_a_sentence_and_under_200_mib(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, "-m", "tests.sources.readers", BOMBS[name][0], str(made(name, tmp_path))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    cost = json.loads(done.stdout)
    outcome = "a sentence" if "sentence" in cost else "a value"
    for key, value in {"seconds": cost["seconds"], "memory": cost["memory"], "outcome": outcome}.items():
        record_property(key, value)  # for docs/robustness.md
    assert cost["memory"] < MOST_MEMORY
    assert "sentence" in cost or ARE_READ.search(name)
    assert len(cost.get("sentence", "")) < 2_500
