"""Every reader of a stranger's bytes by name, each of a file: run as a program, it says what one comes to and costs.

python -m tests.sources.readers NAME FILE
"""

from __future__ import annotations

import base64
import json
import resource
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from secretsync.core.errors import SecretSyncError

PAGE = "https://index.example.org/simple/my-policy/"
MOST_BYTES = 16 * 1024 * 1024
"""The default of ``limits.bytes``."""


def read_pyproject(path: Path) -> object:
    from secretsync.sources.version import notes_on_generated_files, stated_version

    data = path.read_bytes()
    return stated_version(data), notes_on_generated_files({"pyproject.toml": data}, ())


def read_page(kind: str, path: Path) -> object:
    from secretsync.config.requirement import IndexRequirement
    from secretsync.sources.index.errors import IndexFailed
    from secretsync.sources.index.page import files_of
    from secretsync.sources.index.select import choose

    body = path.read_text(errors="replace")
    return choose(
        IndexRequirement("my-policy"), files_of("my-policy", kind, PAGE, body, lambda reason: IndexFailed(PAGE, reason))
    )


def read_json_page(path: Path) -> object:
    return read_page("application/vnd.pypi.simple.v1+json", path)


def read_html_page(path: Path) -> object:
    return read_page("text/html", path)


def read_source_archive(path: Path) -> object:
    from secretsync.sources.locate import locate
    from secretsync.sources.sdist import read_sdist

    return locate(read_sdist(path, most_bytes=MOST_BYTES).entries, "my_policy")


def read_wheel(path: Path) -> object:
    from secretsync.sources.wheel import read_wheel

    return sorted(read_wheel(path, most_bytes=MOST_BYTES))


def read_live_zip(path: Path) -> object:
    from secretsync.core.model import Secret
    from secretsync.core.packing import DIRECTORY, LAYOUT, live_bundle

    annotations = {LAYOUT: "zip", DIRECTORY: "."}
    bundle = live_bundle([Secret("rucio", "p", {"my_policy.zip": path.read_bytes()}, {}, annotations)])
    return [file.path for file in bundle.files]


def read_tree(path: Path) -> object:
    """Pairs of a path and the target of a symlink, empty for a file."""
    from secretsync.sources.locate import locate
    from secretsync.sources.tree import Entry, Kind

    entries = [Entry(at, Kind.SYMLINK if to else Kind.FILE, to) for at, to in json.loads(path.read_bytes())]
    return len(locate([Entry("my_policy/__init__.py"), *entries], "my_policy").files)


def read_version(path: Path) -> object:
    from secretsync.sources.version import same_version, tagged_version

    text = path.read_text(errors="replace")
    return same_version(text, "1.4.0"), tagged_version(text)


def read_revision_number(path: Path) -> object:
    from secretsync.core.model import Secret
    from secretsync.core.packing import REVISION_NUMBER, newest_revision

    return newest_revision([Secret("rucio", "p", {}, {}, {REVISION_NUMBER: path.read_text(errors="replace")})])


def read_report(path: Path) -> object:
    from secretsync.rucio.prove.report import read_report

    return read_report(path)


def read_last_word(path: Path) -> object:
    """A proof's termination message, of which the file holds the report, or all of it where that is no JSON."""
    from secretsync.core.model import Bundle, File, Revision
    from secretsync.reconcile.canary import proof_failures

    data = path.read_bytes()
    bundle = Bundle("my_policy", "1.0", Revision("s", "", "commit:1"), (File("__init__.py", b"x = 1\n"),))
    return proof_failures(bundle, base64.b64encode(zlib.compress(data, 9)).decode()), proof_failures(
        bundle, data[:10_000].decode(errors="replace")
    )


def read_policy(path: Path) -> object:
    """Modules, between which stands a line of its own."""
    from secretsync.core.model import Bundle, File, Revision
    from secretsync.rucio.check import Situation, check

    sources = path.read_bytes().split(b"\n# next\n")
    files = (File("__init__.py", b""), *(File(f"m{number}.py", data) for number, data in enumerate(sources)))
    return [one.effect for one in check(Bundle("my_policy", "", Revision("", "", ""), files), Situation())]


def read_requirement(path: Path) -> object:
    from secretsync.config.requirement import parse

    return parse(path.read_text(errors="replace"))


def read_manifests(path: Path) -> object:
    from secretsync.cluster.directory import DirectoryCluster

    cluster = DirectoryCluster(path.parent)
    return cluster.secret("rucio", "site-policy"), cluster.workloads("rucio"), cluster.spawners("rucio")


def read_values(path: Path) -> object:
    from secretsync.rucio.charts import site_values

    return site_values.read(path.read_text())


def read_configuration(path: Path) -> object:
    from secretsync import config

    return config.load(path)


def read_rucio_cfg(path: Path) -> object:
    from secretsync.rucio.conditions.rucio_cfg import _section

    return _section(path.name, path.read_bytes())


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "pyproject": ("pyproject.toml", read_pyproject),
    "page in JSON": ("page", read_json_page),
    "page in HTML": ("page", read_html_page),
    "source archive": ("my_policy-1.0.tar.gz", read_source_archive),
    "wheel": ("my_policy-1.0-py3-none-any.whl", read_wheel),
    "live zip": ("my_policy.zip", read_live_zip),
    "tree": ("tree.json", read_tree),
    "version": ("version", read_version),
    "revision number": ("number", read_revision_number),
    "report": ("report.json", read_report),
    "last word": ("message", read_last_word),
    "policy": ("policy.py", read_policy),
    "requirement": ("requirement", read_requirement),
    "manifests": ("manifests.yaml", read_manifests),
    "values": ("values.yaml", read_values),
    "configuration": ("secretsync.yaml", read_configuration),
    "rucio.cfg": ("rucio.yaml", read_rucio_cfg),
}
"""The name of the file, where it matters, and what reads it."""


def cost(name: str, path: Path) -> dict[str, object]:
    """What reading *path* comes to in this process: a sentence or a value, the seconds, and bytes of memory at most."""
    began = time.monotonic()
    try:
        result = {"value": str(READERS[name][1](path))[:300]}
    except SecretSyncError as error:
        result = {"sentence": str(error)}
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {**result, "seconds": round(time.monotonic() - began, 1), "memory": _own_peak() + child}


def _own_peak() -> int:
    """Bytes since this program began; ru_maxrss has those of whoever started it in it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    print(json.dumps(cost(sys.argv[1], Path(sys.argv[2]))))
