"""What strangers send, damaged at random: each parser ends in a value or in the error of its source."""

from __future__ import annotations

import contextlib
import json
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle, File, Revision
from secretsync.core.package_zip import zip_bytes
from tests.on_demand import ALL
from tests.robustness.parsers import PARSERS, Read
from tests.servers.simple_index import SimpleIndex
from tests.sources.readers import READERS
from tests.sources.wheels import release, sdist, wheel

pytestmark = pytest.mark.slow


TRIES = int(os.environ.get("SECRETSYNC_TEST_INPUTS") or (10_000 if ALL else 200))

FILES = {
    "my_policy/__init__.py": b'SUPPORTED_VERSION = ">=37"\n',
    "my_policy/permission.py": b"def has_permission(issuer, action, kwargs, *, session=None):\n    return f'{a[1]}'\n",
}
PYPROJECT = (
    b'[project]\nname = "my-policy"\nversion = "1.4.0"\n[tool.setuptools_scm]\nversion_file = "my_policy/_version.py"\n'
    b"[tool.x]\na.b.c = [1, 2.5, 1979-05-27, {d = true}]\n"
)
REPORT = {"step": "files", "done": True, "rucio": "39.0.0", "python": "3.9", "in_force": {}, "answers": []}


def page(form: str) -> bytes:
    return SimpleIndex([release("1.0"), release("1.4.0", requires_python=">=3.9")], form=form).answer(
        "/simple/my-policy/", {}
    )[2]


HONEST: dict[str, bytes] = {
    "pyproject": PYPROJECT,
    "page in JSON": page("json"),
    "page in HTML": page("html"),
    "source archive": sdist(FILES, "my_policy-1.0", link=("a", "b")),
    "wheel": wheel(FILES),
    "live zip": zip_bytes(Bundle("my_policy", "1.0", Revision("s", "", "commit:1"), (File("x.py", b"x = 1\n"),))),
    "version": b"policy-v1!1.4.0rc1.post2.dev3+local.7",
    "revision number": b"1700000000000",
    "report": json.dumps(REPORT).encode(),
    "last word": json.dumps({"ended": 0, "report": REPORT}).encode(),
    "policy": FILES["my_policy/permission.py"],
    "requirement": b"my-policy @ git+https://git.example.org:8443/a/policy.git@v1.0#subdirectory=b",
}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """*data* with a few bytes changed, cut out, repeated or put elsewhere."""
    result = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at, length = chance.randrange(len(result) + 1), chance.choice((1, 2, 4, 16, 100))
        match chance.randrange(5):
            case 0:
                result[at : at + length] = chance.randbytes(length)
            case 1:
                del result[at : at + length]
            case 2:
                result[at:at] = result[at : at + length] * chance.choice((2, 50))
            case 3:
                result[at : at + 1] = chance.choice((b"\0", b"\xff", b"[", b"{", b'"', b"-", b"9" * 5000, b"\n"))
            case _:
                result = result[at:] + result[:at]
    return bytes(result)


def of_file(name: str) -> Read:
    """What reads the file that holds the data."""
    file, read = READERS[name]

    def read_data(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file
            path.write_bytes(data)
            return read(path)

    return read_data


ALL_PARSERS = {**{name: (data, of_file(name)) for name, data in HONEST.items()}, **PARSERS}


@pytest.mark.parametrize("what", ALL_PARSERS)
def test_whatever_is_read_the_only_exception_is_an_error_of_ours(
    what: str, record_property: Callable[[str, object], None]
) -> None:
    data, read = ALL_PARSERS[what]
    chance, counts = random.Random(what), {"values": 0, "errors": 0}
    for number in range(TRIES):
        foreign = mutated(data, chance)
        try:
            read(foreign)
            counts["values"] += 1
        except SecretSyncError as error:
            str(error)
            counts["errors"] += 1
        except Exception as error:  # noqa: BLE001
            pytest.fail(f"{what}, try {number}, {foreign[:300]!r}: {error!r}")
    for name, count in {"inputs": TRIES, **counts}.items():
        record_property(name, count)


@pytest.mark.parametrize("what", PARSERS)
def test_what_is_mutated_is_read_where_nobody_has_damaged_it(what: str) -> None:
    data, read = PARSERS[what]
    read(data)


WRONG_YAML = {
    "a number of 5,000 digits": "a: " + "9" * 5000,
    "nested 5,000 deep": "a: " + "[" * 5000 + "]" * 5000,
    "a date that there is not": "a: !!timestamp 2026-13-45",
    "an integer that is empty": 'a: !!int ""',
    "bytes that are none": "a: !!binary =",
    "a float of words": "a: !!float x",
    "a name that is null": "kind: Secret\nmetadata: {name: }\n---\nkind: Secret\nmetadata: {name: b}",
    "a name that is a list": "kind: Secret\nmetadata: {name: [a]}\n---\nkind: [Secret]\nmetadata: {name: b}",
    "a set and pairs": "a: !!set {b, c}\nd: !!pairs [e: f]\ng: !!omap [h]",
    "an object of Python's": "a: !!python/object/apply:os.system [id]",
}


@pytest.mark.parametrize("text", WRONG_YAML.values(), ids=WRONG_YAML)
@pytest.mark.parametrize(
    "what", ["configuration", "kubeconfig", "manifests of a directory", "values of a chart", "kustomization"]
)
def test_yaml_that_python_has_no_value_for_ends_in_a_sentence(what: str, text: str) -> None:
    """Found by thousands of mutated inputs, each with what is like it."""
    with contextlib.suppress(SecretSyncError):
        PARSERS[what][1](text.encode())
