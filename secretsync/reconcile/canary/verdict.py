"""What a proof's termination message says of a candidate."""

from __future__ import annotations

import base64
import json
import posixpath
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secretsync.core.model import Bundle


@dataclass(frozen=True)
class Judgement:
    """*reasons* are why the candidate is refused; *notes* what an operator should know all the same."""

    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge(bundle: Bundle, message: str, mounted_at: str = "") -> Judgement:
    """What a proof's termination message says of *bundle*, whose Secret the pod sees at *mounted_at*, if known."""
    from secretsync.rucio.prove import RucioEnvironment, RucioUnusable
    from secretsync.rucio.prove.judge import judge as judge_proof

    try:
        told = json.loads(zlib.decompress(base64.b64decode(message, validate=True)))
        report: dict[str, Any] = told["report"]
        ended = int(told["ended"])
    except (ValueError, zlib.error, KeyError, TypeError, RecursionError):
        return Judgement((f"the proof ended without a verdict: {message[:200]}",))
    seen = report.pop("digest", None)
    # only one digest fits into the message: it is that of the bundle, or of something else
    same = seen in (None, bundle.digest)
    report["files"] = {file.path: file.digest if same else "another" for file in bundle.files}
    report.setdefault("folders", [])
    here = RucioEnvironment(str(report.get("rucio", "")), Path("the image's Python"))
    try:
        proof = judge_proof(bundle, report, ended, vo="", rucio=here)
    except RucioUnusable as error:
        return Judgement((f"Rucio itself does not start there: {error.reason}",))
    faults = [f"{fault.effect}. {fault.remedy}" for fault in proof.faults if fault.severity == "error"]
    return Judgement(
        (*_another_copy(report, mounted_at), *faults), tuple(_second_copies(bundle.module, report, mounted_at))
    )


def _another_copy(report: Mapping[str, Any], mounted_at: str) -> Iterator[str]:
    """Another copy may hold the very same files today, and decide all the same."""
    elsewhere = [str(folder) for folder in report["folders"] if not _is_below(str(folder), mounted_at)]
    if mounted_at and elsewhere:
        other, parent = elsewhere[0], posixpath.dirname(elsewhere[0])
        yield (
            f"Rucio imports the package from {other}, a second copy in the image, and not from {mounted_at}, where its "
            f"Secret is mounted. Remove {other} from the image, or whatever puts {parent} before "
            f"{posixpath.dirname(mounted_at)} on PYTHONPATH (an entrypoint may)"
        )


def _second_copies(module: str, report: Mapping[str, Any], mounted_at: str) -> Iterator[str]:
    """Copies that Python finds after the one that it imports: they come into force when that one is not mounted."""
    copies: Sequence[object] = report.get("copies") or ()
    for copy in copies:
        if mounted_at and not _is_below(str(copy), mounted_at) and copy not in report["folders"]:
            yield f"the image has a second copy of {module} at {copy}: it decides where the Secret is not mounted"


def _is_below(path: str, folder: str) -> bool:
    return f"{posixpath.normpath(path)}/".startswith(f"{folder}/")
