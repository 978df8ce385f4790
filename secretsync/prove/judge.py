"""The probe's report, judged: what of the package is in force, and what that means."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from secretsync.check.finding import Severity
from secretsync.model import Bundle
from secretsync.prove.environment import RucioEnvironment
from secretsync.prove.proof import Fault, Proof, RucioUnusable, Verdict

HUNG = -1000
"""In place of an exit code: the time was up."""

Report = Mapping[str, Any]
Cause = Mapping[str, Any]
"""One exception of a chain: its name, message, file and line in the package."""

_BEFORE_THE_PACKAGE = ("start", "rucio", "database")
_NOT_FOR_LACK_OF_ARGUMENTS = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError")
_PARTS = ("permission", "schema")


def judge(bundle: Bundle, report: Report, ended: int, *, vo: str, rucio: RucioEnvironment) -> Proof:
    """The proof that *report* is of. *ended* is the exit code, negative for a signal, or HUNG.

    Raises RucioUnusable where Rucio did not get as far as the package.
    """
    if report.get("step", "start") in _BEFORE_THE_PACKAGE:
        raise RucioUnusable(rucio, _why(report["died"]) if report.get("died") else _last(ended))
    faults = tuple(_faults(bundle, report, ended))
    return Proof(report.get("rucio", rucio.version), report["python"], vo, faults, report)


def _faults(bundle: Bundle, report: Report, ended: int) -> Iterator[Fault]:
    if not report["done"]:
        yield _stopped(report, ended)
        return
    yield from _generic(bundle, report)
    yield from _other_code(bundle, report)
    yield from _algorithms(report["algorithms"])
    yield from _default_algorithms(report["default_algorithms"])
    yield from _schema(report["schema_error"])
    yield from _permissions(report["answers"])


def _stopped(report: Report, ended: int) -> Fault:
    """The process did not get to its end: it raised, exited, was killed or was still busy."""
    chain = report.get("died") or ()
    if chain and chain[0]["error"] == "SystemExit":
        return _at(
            chain,
            Verdict.EXITS,
            f"Rucio ends when {_DOING[report['step']]}: the package calls sys.exit()",
            "Raise an exception, or nothing: an import must not end the process",
        )
    if chain and chain[-1]["error"] == "MemoryError":
        return _at(
            chain,
            Verdict.CRASHES,
            f"Rucio runs out of memory when {_DOING[report['step']]}",
            "Load large data when it is needed, not at import",
        )
    if chain:
        return _at(chain, Verdict.DIES, f"Rucio does not start: {_why(chain)}", _remedy(chain))
    if ended in (HUNG, -signal.SIGXCPU):
        return Fault(
            Verdict.HANGS,
            f"Rucio was still busy {_DURING[report['step']]} when the time was up",
            "Do not wait, connect or loop while the package is imported",
        )
    if ended < 0:
        return Fault(
            Verdict.CRASHES,
            f"Rucio was killed by {_last(ended)} when {_DOING[report['step']]}",
            "Look for endless recursion, or for an extension module that crashes",
        )
    return Fault(
        Verdict.EXITS,
        f"Rucio ends with exit code {ended} when {_DOING[report['step']]}",
        "Remove what ends the process (os._exit) from the package",
    )


_DOING = {
    "load": "it imports the package",
    "reasons": "the package is imported again",
    "algorithms": "it registers the algorithms",
    "default algorithms": "it looks for default algorithms",
    "schema": "it validates a name",
    "permissions": "it asks for a permission",
    "files": "the package's files are read",
}
_DURING = {
    "load": "importing the package",
    "reasons": "importing the package again",
    "algorithms": "registering the algorithms",
    "default algorithms": "looking for default algorithms",
    "schema": "validating a name",
    "permissions": "asking for a permission",
    "files": "reading the package's files",
}


def _generic(bundle: Bundle, report: Report) -> Iterator[Fault]:
    """Rucio's own modules are in force where the package's should be."""
    for part in _PARTS:
        used = report["in_force"][part]["module"]
        if used == f"{bundle.module}.{part}":
            continue
        chain = report["reasons"].get(part) or ()
        there = any(file.path in (f"{part}.py", f"{part}/__init__.py") for file in bundle.files)
        effect = f"Rucio goes on with {used} instead of the package's {part}, {_told(report, part)}"
        if there:
            yield _at(chain, Verdict.GENERIC, f"{effect}: {_why(chain)}", _remedy(chain), path=f"{part}.py")
        else:
            severity = Severity.ERROR if part == "permission" else Severity.WARNING
            yield Fault(
                Verdict.GENERIC,
                f"{effect}: the package has no {part}.py",
                f"Add {part}.py, if only to import everything from {used}",
                severity=severity,
            )


def _told(report: Report, part: str) -> str:
    """How an operator would know."""
    logged = any(
        f"Unable to load {part} module" in line or "Unable to find policy" in line for line in report["logged"]
    )
    return "and logs one WARNING" if logged else "without a log line"


def _other_code(bundle: Bundle, report: Report) -> Iterator[Fault]:
    """What the process sees is not what was laid out: an older copy wins, or files got lost."""
    expected = {file.path: file.digest for file in bundle.files}
    seen: Mapping[str, str | None] = report["files"]
    differing = sorted(path for path, digest in expected.items() if seen.get(path) != digest)
    if seen and differing:
        folder = report["in_force"]["permission"]["file"].rpartition("/")[0]
        yield Fault(
            Verdict.OTHER_CODE,
            f"Rucio imports the package from {folder}, where {len(differing)} of its "
            f"{len(expected)} files are missing or others, {differing[0]} first",
            "Remove the other copy of the package, and give this one an __init__.py",
            path=differing[0],
        )


def _algorithms(found: Report) -> Iterator[Fault]:
    if found["registration"]:
        chain = found["registration"]
        verdict = Verdict.EXITS if chain[0]["error"] == "SystemExit" else Verdict.DIES_AT_FIRST_USE
        yield _at(
            chain,
            verdict,
            f"Whatever asks for an algorithm first, a daemon or a request, ends with {_why(chain)}",
            _remedy(chain),
            path="__init__.py",
        )
    elif found["error"]:
        yield _at(
            found["error"],
            Verdict.ALGORITHMS_LOST,
            f"get_algorithms() fails, Rucio swallows that and registers none of its algorithms: {_why(found['error'])}",
            _remedy(found["error"]),
            path="__init__.py",
        )
    elif found["lost"]:
        names = ", ".join(found["lost"])
        yield Fault(
            Verdict.ALGORITHMS_LOST,
            f"get_algorithms() returns algorithms that are not in force: {names}",
            "Give them names that nothing else registers",
            path="__init__.py",
        )


def _default_algorithms(found: Mapping[str, Sequence[Cause]]) -> Iterator[Fault]:
    for kind, chain in found.items():
        if chain:
            yield _at(
                chain,
                Verdict.ALGORITHMS_LOST,
                f"Rucio uses its own default for {kind}, without a warning: {_why(chain)}",
                _remedy(chain),
                path=f"{kind}.py",
                about=kind,
            )


def _schema(chain: Sequence[Cause]) -> Iterator[Fault]:
    if chain:
        yield _at(
            chain,
            Verdict.DIES_AT_FIRST_USE,
            f"Validating a name ends with {_why(chain)}: each such request fails",
            _remedy(chain),
            path="schema.py",
        )


def _permissions(answers: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """The questions carry no arguments: a single policy function may well miss one, all of them may not."""
    failed = [one for one in answers if isinstance(one["rucio"], str)]
    certain = [one for one in failed if one["rucio"].partition(":")[0] in _NOT_FOR_LACK_OF_ARGUMENTS]
    refused = [one for one in answers if str(one["package"]).startswith("TypeError:")]
    if failed and (certain or len(failed) == len(answers)):
        first = (certain or failed)[0]
        yield Fault(
            Verdict.DIES_AT_FIRST_USE,
            f"The question for the permission {first['action']!r} ends with {first['rucio']}",
            "Correct has_permission(), and what it calls",
            path="permission.py",
        )
    elif refused and len(refused) == len(answers):
        yield Fault(
            Verdict.GENERIC,
            "has_permission() cannot be called as Rucio does, which then asks its generic "
            f"permissions, without a log line: {refused[0]['package']}",
            "Define has_permission(issuer, action, kwargs, *, session)",
            path="permission.py",
        )


def _at(chain: Sequence[Cause], verdict: Verdict, effect: str, remedy: str, path: str = "", about: str = "") -> Fault:
    """A fault at the innermost line of the package that the chain of exceptions names."""
    placed = next((cause for cause in reversed(chain) if cause["file"]), None)
    if placed:
        return Fault(verdict, effect, remedy, placed["file"], placed["line"], about=about)
    return Fault(verdict, effect, remedy, path, about=about)


def _why(chain: Sequence[Cause]) -> str:
    """The exception that is seen, and the first one behind it."""
    if not chain:
        return "nothing says why"
    seen, first = chain[0], chain[-1]
    words = f"{seen['error']}: {_sentence(seen['message'])}"
    if first is not seen and first["message"] not in seen["message"]:
        words += f", because of {first['error']}: {_sentence(first['message'])}"
    return words


def _sentence(message: str) -> str:
    return " ".join(message.split()).rstrip(".")


def _remedy(chain: Sequence[Cause]) -> str:
    errors = {cause["error"] for cause in chain}
    if "ModuleNotFoundError" in errors:
        return "Add the missing module to the package or to the image, or catch its ImportError"
    if "ImportError" in errors:
        return "Import a name that this version of the module has"
    if "SyntaxError" in errors:
        return "Write what the images' Python can compile"
    if errors & {"PolicyPackageVersionError", "InvalidSpecifier"}:
        return "Write SUPPORTED_VERSION as a specifier for Rucio's major version, for instance '>=41,<42'"
    if "PermissionError" in errors:
        return "Mount the Secret with defaultMode 0644: the server reads it as another user"
    if "InvalidPolicyPackageAlgorithmType" in errors:
        return "Register the algorithm under a type that this Rucio knows"
    if "InvalidAlgorithmName" in errors:
        return "Begin the names of algorithms with the VO's name"
    return "Correct the line that is named"


def _last(ended: int) -> str:
    if ended == HUNG:
        return "it was still starting when the time was up"
    return signal.Signals(-ended).name if ended < 0 else f"it ended with exit code {ended} before it began"
