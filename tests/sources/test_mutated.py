"""What strangers send, damaged at random: each parser ends in a value or in the error of its source."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync.config.requirement import IndexRequirement, parse
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle, File, Revision, Secret
from secretsync.core.packing import DIRECTORY, LAYOUT, live_bundle, newest_revision, zip_bytes
from secretsync.reconcile.canary import proof_failures
from secretsync.rucio.check import Situation, check
from secretsync.rucio.prove.report import read_report
from secretsync.sources.index.errors import IndexFailed
from secretsync.sources.index.page import files_of
from secretsync.sources.index.select import choose
from secretsync.sources.sdist import read_sdist
from secretsync.sources.version import notes_on_generated_files, same_version, stated_version, tagged_version
from secretsync.sources.wheel import read_wheel
from tests.on_demand import ALL
from tests.servers.simple_index import SimpleIndex
from tests.sources.wheels import release, sdist, wheel

TRIES = 10_000 if ALL else 200

FILES = {
    "my_policy/__init__.py": b'SUPPORTED_VERSION = ">=37"\n',
    "my_policy/permission.py": b"def has_permission(issuer, action, kwargs, *, session=None):\n    return f'{a[1]}'\n",
}
PYPROJECT = (
    b'[project]\nname = "my-policy"\nversion = "1.4.0"\n[tool.setuptools_scm]\nversion_file = "my_policy/_version.py"\n'
    b"[tool.x]\na.b.c = [1, 2.5, 1979-05-27, {d = true}]\n"
)
BUNDLE = Bundle("my_policy", "1.0", Revision("s", "", "commit:1"), (File("__init__.py", b"x = 1\n"),))
REPORT = {
    "step": "files",
    "done": True,
    "rucio": "39.0.0",
    "python": "3.9",
    "died": None,
    "in_force": {},
    "answers": [],
}


def read_pyproject(data: bytes, _: Path) -> None:
    stated_version(data)
    notes_on_generated_files({"pyproject.toml": data}, ())


PAGE = "https://index.example.org/simple/my-policy/"


def not_a_page(reason: str) -> IndexFailed:
    return IndexFailed(PAGE, reason)


def read_page_in(form: str) -> Callable[[bytes, Path], None]:
    kind = {"json": "application/vnd.pypi.simple.v1+json", "html": "text/html"}[form]

    def read_page(data: bytes, _: Path) -> None:
        requirement = parse("my-policy")
        assert isinstance(requirement, IndexRequirement)
        choose(requirement, files_of("my-policy", kind, PAGE, data.decode(errors="replace"), not_a_page))

    return read_page


def read_archive(data: bytes, folder: Path) -> None:
    (folder / "my_policy-1.0.tar.gz").write_bytes(data)
    read_sdist(folder / "my_policy-1.0.tar.gz", most_bytes=1_000_000)


def read_wheel_file(data: bytes, folder: Path) -> None:
    (folder / "my_policy-1.0-py3-none-any.whl").write_bytes(data)
    read_wheel(folder / "my_policy-1.0-py3-none-any.whl", most_bytes=1_000_000)


def read_live_zip(data: bytes, _: Path) -> None:
    live_bundle([Secret("rucio", "p", {"my_policy.zip": data}, {}, {LAYOUT: "zip", DIRECTORY: "."})])


def read_versions(data: bytes, _: Path) -> None:
    text = data.decode(errors="replace")
    same_version(text, "1.4.0")
    tagged_version(text)


def read_write(data: bytes, _: Path) -> None:
    annotations = {"secretsync.rucio/write": data.decode(errors="replace")}
    newest_revision([Secret("rucio", "p", {}, {}, annotations)])


def read_proof(data: bytes, folder: Path) -> None:
    (folder / "report.json").write_bytes(data)
    read_report(folder / "report.json")


def read_last_word(data: bytes, _: Path) -> None:
    proof_failures(BUNDLE, base64.b64encode(zlib.compress(data)).decode())
    proof_failures(BUNDLE, data.decode(errors="replace"))


def read_policy(data: bytes, _: Path) -> None:
    files = (File("__init__.py", b""), File("permission.py", data))
    check(Bundle("my_policy", "1.0", BUNDLE.revision, files), Situation())


def read_requirement(data: bytes, _: Path) -> None:
    parse(data.decode(errors="replace"))


def page(form: str) -> bytes:
    return SimpleIndex([release("1.0"), release("1.4.0", requires_python=">=3.9")], form=form).answer(
        "/simple/my-policy/", {}
    )[2]


PARSERS: dict[str, tuple[bytes, Callable[[bytes, Path], object]]] = {
    "pyproject.toml": (PYPROJECT, read_pyproject),
    "page in JSON": (page("json"), read_page_in("json")),
    "page in HTML": (page("html"), read_page_in("html")),
    "source archive": (sdist(FILES, "my_policy-1.0", link=("a", "b")), read_archive),
    "wheel": (wheel(FILES), read_wheel_file),
    "live zip": (zip_bytes(BUNDLE), read_live_zip),
    "version": (b"policy-v1!1.4.0rc1.post2.dev3+local.7", read_versions),
    "write": (b"1700000000000", read_write),
    "proof's report": (json.dumps(REPORT).encode(), read_proof),
    "proof's last word": (json.dumps({"ended": 0, "report": REPORT}).encode(), read_last_word),
    "policy": (FILES["my_policy/permission.py"], read_policy),
    "requirement": (b"my-policy @ git+https://git.example.org:8443/a/policy.git@v1.0#subdirectory=b", read_requirement),
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


@pytest.mark.parametrize("what", PARSERS)
def test_whatever_is_read_the_only_exception_is_an_error_of_ours(what: str, tmp_path: Path) -> None:
    honest, read = PARSERS[what]
    chance = random.Random(what)
    for number in range(TRIES):
        data = mutated(honest, chance)
        try:
            read(data, tmp_path)
        except SecretSyncError as error:
            str(error)
        except Exception as error:  # noqa: BLE001
            pytest.fail(f"{what}, try {number}, {data[:200]!r}: {error!r}")
