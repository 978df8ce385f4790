"""What a proof's termination message says of a candidate."""

from __future__ import annotations

import base64
import posixpath
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from secretsync.core.foreign import read_json, reading
from secretsync.core.log import foreign_text
from secretsync.core.model import Bundle, digest

_LONGEST_MESSAGE = 4096
_LARGEST_REPORT = 4 * 1024 * 1024
_LONGEST_QUOTE = 200
_MOST = 20
"""Reasons, and notes, that are told of one proof."""


@dataclass(frozen=True)
class Judgement:
    """*reasons* are why the candidate is refused; *notes* what an operator should know all the same.

    *seen* says what Rucio loaded; it is empty where that is not known. *fault_of* says whose fault the reasons are: any
    other package would be refused in such an image as well.
    """

    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seen: str = ""
    fault_of: Literal["package", "image"] = "package"


def proof_failures(bundle: Bundle, message: str) -> Sequence[str]:
    """What a proof's termination message says against *bundle*, a sentence each; nothing where it came into force."""
    return judge(bundle, message).reasons


def judge(bundle: Bundle, message: str, mounted_at: str = "") -> Judgement:
    """What a proof's termination message says of *bundle*, whose Secret the pod sees at *mounted_at*, if known.

    The pod's words are masked as logs are, and cut: they reach reports, Events and the state object.
    """
    judgement = _judge(bundle, message, mounted_at)
    return Judgement(
        tuple(map(foreign_text, judgement.reasons[:_MOST])),
        tuple(map(foreign_text, judgement.notes[:_MOST])),
        foreign_text(judgement.seen),
        judgement.fault_of,
    )


def _judge(bundle: Bundle, message: str, mounted_at: str) -> Judgement:
    from secretsync.rucio.prove import RucioEnvironment, RucioUnusable, UnusableReport
    from secretsync.rucio.prove.judge import judge as judge_proof
    from secretsync.rucio.prove.report import judging

    try:
        exit_status, report = _decoded(message)
    except UnusableReport:
        return Judgement((f"the proof ended without a verdict: {foreign_text(message, _LONGEST_QUOTE)}",))
    seen = report.pop("digest", None)
    report["files"] = _files(bundle, seen, set(_texts(report, "paths")))
    report.setdefault("folders", [])
    environment = RucioEnvironment(str(report.get("rucio", "")), Path("the image's Python"))
    try:
        proof = judge_proof(bundle, report, exit_status, vo="", rucio=environment)
    except RucioUnusable as error:
        return Judgement((f"Rucio itself does not start there: {error.reason}",), fault_of="image")
    except UnusableReport as error:
        return Judgement((str(error),))
    errors = [str(fault) for fault in proof.faults if fault.severity == "error"]
    try:
        with judging():
            loaded = proof.seen
    except UnusableReport:
        loaded = ""
    other_copies = tuple(_another_copy(report, mounted_at))
    notes = tuple(_second_copies(bundle.module, report, mounted_at))
    # what Rucio does with the other copy says nothing of this package
    return Judgement((*other_copies, *errors), notes, loaded, "image" if other_copies else "package")


def _files(bundle: Bundle, seen: object, paths: Collection[str]) -> dict[str, str]:
    """The digests of the files that the pod sees at *paths*; files that no mount brings are left out.

    Only one digest fits into the message: it is that of the bundle, of those of its files that are there, or of
    something else.
    """
    loaded_files = tuple(file for file in bundle.files if file.path in paths)
    if seen in (None, bundle.digest):
        return {file.path: file.digest for file in bundle.files}
    if loaded_files and seen == digest(loaded_files):
        return {file.path: file.digest for file in loaded_files}
    return {file.path: "another" for file in bundle.files}


def _decoded(message: str) -> tuple[int, dict[str, Any]]:
    """How the probe ended, and its report. Raises UnusableReport for whatever else the pod left as its last word."""
    from secretsync.rucio.prove import UnusableReport

    with reading(UnusableReport):
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(base64.b64decode(message[:_LONGEST_MESSAGE], validate=True), _LARGEST_REPORT)
        report = read_json(text, UnusableReport)
        return int(report["ended"]), dict(report["report"])


def _another_copy(report: Mapping[str, Any], mounted_at: str) -> Iterator[str]:
    """Another copy may hold the very same files today, and decide all the same."""
    other_folders = [folder for folder in _texts(report, "folders") if not _is_below(folder, mounted_at)]
    if mounted_at and other_folders:
        folder, parent = other_folders[0], posixpath.dirname(other_folders[0])
        yield (
            f"Rucio imports the package from {folder}, a second copy in the image, and not from {mounted_at}, where "
            f"its Secret is mounted. Remove {folder} from the image, or whatever puts {parent} before "
            f"{posixpath.dirname(mounted_at)} on PYTHONPATH (an entrypoint may)"
        )


def _second_copies(module: str, report: Mapping[str, Any], mounted_at: str) -> Iterator[str]:
    """Copies that Python finds after the one that it imports: they come into force when that one is not mounted."""
    for copy in _texts(report, "copies"):
        if mounted_at and not _is_below(copy, mounted_at) and copy not in _texts(report, "folders"):
            yield f"the image has a second copy of {module} at {copy}: it decides where the Secret is not mounted"


def _texts(report: Mapping[str, Any], key: str) -> Sequence[str]:
    """The pod's word may be anything."""
    texts = report.get(key)
    return [str(text) for text in texts] if isinstance(texts, list) else []


def _is_below(path: str, folder: str) -> bool:
    return f"{posixpath.normpath(path)}/".startswith(f"{folder}/")
