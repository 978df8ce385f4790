"""The probe's report, judged: what of the package is in force, and what that means."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from secretsync.core.model import Bundle
from secretsync.rucio.check.finding import Severity
from secretsync.rucio.check.rucio import rucio as facts_of
from secretsync.rucio.check.rules.live import imported_files
from secretsync.rucio.prove.decided import Decided, decided_by, is_the_questions_fault
from secretsync.rucio.prove.environment import RucioEnvironment
from secretsync.rucio.prove.proof import Fault, Proof, RucioUnusable, Verdict
from secretsync.rucio.prove.report import judging

HUNG = -1000
"""In place of an exit code: the time was up."""

Report = Mapping[str, Any]
Cause = Mapping[str, Any]
"""One exception of a chain: its name, message, file and line in the package."""

_BEFORE_THE_PACKAGE = ("start", "rucio", "database")
_VERSION_ERRORS = {"PolicyPackageVersionError", "InvalidSpecifier"}
_PARTS = ("permission", "schema")


def judge(bundle: Bundle, report: Report, ended: int, *, vo: str, rucio: RucioEnvironment) -> Proof:
    """The proof that *report* is of. *ended* is the exit code, negative for a signal, or HUNG.

    Raises RucioUnusable where Rucio did not get as far as the package, UnusableReport where *report* has another form.
    """
    with judging():
        return _judge(bundle, report, ended, vo=vo, rucio=rucio)


def _judge(bundle: Bundle, report: Report, ended: int, *, vo: str, rucio: RucioEnvironment) -> Proof:
    is_loaded = report.get("step", "start") not in _BEFORE_THE_PACKAGE
    if bundle.module in facts_of(rucio.version).needs:
        faults = (_taken_name(bundle, report, ended), *(_faults(bundle, report, ended) if report.get("done") else ()))
    elif is_loaded:
        faults = tuple(_faults(bundle, report, ended))
    else:
        raise RucioUnusable(rucio, _why(report["died"]) if report.get("died") else _last(ended))
    return Proof(str(report.get("rucio", rucio.version)), str(report.get("python", "")), vo, faults, report)


def _taken_name(bundle: Bundle, report: Report, ended: int) -> Fault:
    """Of what is wrong with a package of that name this is the cause, also where what is loaded does without it."""
    effect = f"Rucio needs a module {bundle.module} of its own, and this package takes its place"
    if report.get("done"):
        verdict, then = Verdict.DIES_AT_FIRST_USE, "whatever of Rucio uses that module fails"
    else:
        verdict, then = Verdict.DIES, _why(report["died"]) if report.get("died") else _last(ended)
    return Fault(verdict, f"{effect}: {then}", "Give the package another name")


def _faults(bundle: Bundle, report: Report, ended: int) -> Iterator[Fault]:
    if not report["done"]:
        yield _stopped(report, ended)
        return
    yield from _generic(bundle, report)
    yield from _other_code(bundle, report)
    yield from _algorithms(report["algorithms"])
    yield from _default_algorithms(report["default_algorithms"])
    yield from _takes(report)
    yield from _schema(report)
    yield from _no_function(report)
    yield from _permissions(report["answers"])
    yield from _unmade(report)
    yield from _other_python(report)


def _stopped(report: Report, ended: int) -> Fault:
    """The process did not get to its end: it raised, or it was ended."""
    chain = report.get("died") or ()
    doing = _DOING[report["step"]]
    return _raised(chain, doing) if chain else _ended(ended, doing)


def _raised(chain: Sequence[Cause], doing: str) -> Fault:
    if chain[0]["error"] == "SystemExit":
        remedy = "Raise an exception, or nothing: an import must not end the process"
        return _at(chain, Verdict.EXITS, f"Rucio ends when {doing}: the package calls sys.exit()", remedy)
    if chain[-1]["error"] == "MemoryError":
        remedy = "Load large data when it is needed, not at import"
        return _at(chain, Verdict.CRASHES, f"Rucio runs out of memory when {doing}", remedy)
    path = "__init__.py" if {cause["error"] for cause in chain} & _VERSION_ERRORS else ""
    return _at(chain, Verdict.DIES, f"Rucio does not start: {_why(chain)}", _remedy(chain), path)


def _ended(ended: int, doing: str) -> Fault:
    if ended in (HUNG, -signal.SIGXCPU):
        remedy = "Do not wait, connect or loop while the package is imported"
        return Fault(Verdict.HANGS, f"Rucio hangs when {doing}: it was ended when the time was up", remedy)
    if ended < 0:
        remedy = "Look for endless recursion, or for an extension module that crashes"
        return Fault(Verdict.CRASHES, f"Rucio is killed by {_last(ended)} when {doing}", remedy)
    remedy = "Remove what ends the process (os._exit) from the package"
    return Fault(Verdict.EXITS, f"Rucio ends with exit code {ended} when {doing}", remedy)


_DOING = {
    "load": "it imports the package",
    "reasons": "the package is imported again",
    "algorithms": "it registers the algorithms",
    "default algorithms": "it looks for default algorithms",
    "schema": "it validates a name",
    "permissions": "it asks for a permission",
    "files": "the package's files are read",
}


def _generic(bundle: Bundle, report: Report) -> Iterator[Fault]:
    """Rucio's own modules are in force where the package's should be."""
    for part in _PARTS:
        used = report["in_force"][part]["module"]
        if used == f"{bundle.module}.{part}":
            continue
        chain = report["reasons"].get(part) or ()
        provided = any(file.path in (f"{part}.py", f"{part}/__init__.py") for file in bundle.files)
        effect = f"Rucio goes on with {used} instead of the package's {part}, {_log_of_loading(report, part)}"
        if provided:
            yield _at(chain, Verdict.GENERIC, f"{effect}: {_why(chain)}", _remedy(chain), path=f"{part}.py")
        else:
            severity = Severity.ERROR if part == "permission" else Severity.WARNING
            remedy = f"Add {part}.py, if only to import everything from {used}"
            yield Fault(Verdict.GENERIC, f"{effect}: the package has no {part}.py", remedy, severity=severity)


def _log_of_loading(report: Report, part: str) -> str:
    """Whether Rucio logs that the part is not loaded."""
    logged = any(
        f"Unable to load {part} module" in line or "Unable to find policy" in line for line in report["logged"]
    )
    return "and logs one WARNING" if logged else "without a log line"


def _other_code(bundle: Bundle, report: Report) -> Iterator[Fault]:
    """What the process sees is not what was laid out: an older copy wins, or files got lost."""
    expected = {file.path: file.digest for file in bundle.files}
    loaded_files: Mapping[str, str | None] = report["files"]
    differing = sorted(path for path, digest in expected.items() if loaded_files.get(path) != digest)
    if loaded_files and differing and not loaded_files.keys() & set(differing):
        yield _unmounted(bundle, differing)
    elif loaded_files and differing:
        folders = " and ".join(report["folders"]) or "no folder"
        effect = (
            f"Rucio imports the package from {folders}, where {len(differing)} of its {len(expected)} files "
            f"are missing or others, {differing[0]} first"
        )
        remedy = "Remove the other copy of the package, and give this one an __init__.py"
        yield Fault(Verdict.OTHER_CODE, effect, remedy, differing[0])


def _unmounted(bundle: Bundle, missing: Sequence[str]) -> Fault:
    """Files that no mount brings, as where each file has a mount of its own; all that are there are the package's."""
    needed = [path for path in missing if path in imported_files(bundle)]
    named = (needed or missing)[0]
    effect = f"[unmounted-file] {len(missing)} of {len(bundle.files)} files are not mounted, {named} first"
    severity = Severity.ERROR if needed else Severity.WARNING
    verdict = Verdict.OTHER_CODE if needed else Verdict.LOADS
    remedy = "Mount them beside the others, as 'secretsync doctor' says, or leave them out with exclude"
    return Fault(verdict, effect, remedy, named, severity=severity)


def _algorithms(found: Report) -> Iterator[Fault]:
    if chain := found["registration"]:
        verdict = Verdict.EXITS if chain[0]["error"] == "SystemExit" else Verdict.DIES_AT_FIRST_USE
        effect = f"Whatever asks for an algorithm first, a daemon or a request, ends with {_why(chain)}"
        yield _at(chain, verdict, effect, _remedy(chain), "__init__.py")
    elif chain := found["error"]:
        effect = f"get_algorithms() fails, Rucio swallows that and registers none of its algorithms: {_why(chain)}"
        yield _at(chain, Verdict.ALGORITHMS_LOST, effect, _remedy(chain), "__init__.py")
    elif found["lost"]:
        effect = f"get_algorithms() returns algorithms that are not in force: {', '.join(found['lost'])}"
        yield Fault(Verdict.ALGORITHMS_LOST, effect, "Give them names that nothing else registers", "__init__.py")


def _default_algorithms(found: Mapping[str, Sequence[Cause]]) -> Iterator[Fault]:
    for kind, chain in found.items():
        if not chain:
            continue
        effect = f"Rucio uses its own default for {kind}, without a warning: {_why(chain)}"
        unnamed = chain[0]["error"] == "AttributeError" and not chain[0]["file"]
        remedy = f"Name the function {kind}, or register it in get_algorithms()" if unnamed else _remedy(chain)
        yield _at(chain, Verdict.ALGORITHMS_LOST, effect, remedy, path=f"{kind}.py", about=kind)


def _takes(report: Report) -> Iterator[Fault]:
    """Algorithms that cannot be called with as many arguments as Rucio gives them."""
    arguments = facts_of(report["rucio"]).algorithm_arguments
    registered = report["algorithms"].get("takes") or {}
    argument_counts = {(kind, name): counts for kind, named in registered.items() for name, counts in named.items()}
    argument_counts.update({(kind, kind): counts for kind, counts in (report.get("defaults_take") or {}).items()})
    for (kind, name), counts in argument_counts.items():
        if counts and kind in arguments and not counts[0] <= len(arguments[kind]) <= counts[1]:
            effect = (
                f"Rucio calls the {kind} algorithm {name!r} with {len(arguments[kind])} arguments, which it does not "
                "take: each use of it raises TypeError"
            )
            remedy = f"Let it take what Rucio gives it: {', '.join(arguments[kind]) or 'nothing'}"
            yield Fault(Verdict.DIES_AT_FIRST_USE, effect, remedy, about=f"{kind}/{name}")


def _schema(report: Report) -> Iterator[Fault]:
    if report.get("schemas") not in (None, "", "dict"):
        effect = (
            f"SCHEMAS is a {report['schemas']} and no dictionary: Rucio finds no schema in it and uses its generic "
            "ones, without a log line"
        )
        yield Fault(Verdict.GENERIC, effect, "Make SCHEMAS a dictionary", "schema.py", about="SCHEMAS")
    named = report.get("schema_errors")
    failing: dict[str, list[str]] = {}
    for name, chain in {"account": report.get("schema_error") or ()}.items() if named is None else named.items():
        if chain:
            failing.setdefault(_why(chain), []).append(name)
    for why, names in failing.items():
        chain = (named or {}).get(names[0]) or report.get("schema_error") or ()
        activity = (
            "Taking scope and name of a URL" if names == ["SCOPE_NAME_REGEXP"] else f"Validating by {_some(names)}"
        )
        effect = f"{activity} ends with {why}: each such request fails"
        yield _at(chain, Verdict.DIES_AT_FIRST_USE, effect, _remedy(chain), "schema.py", about=names[0])


def _no_function(report: Report) -> Iterator[Fault]:
    """A name that a decorator left as None, for instance."""
    kind = report.get("has_permission")
    if kind not in (None, "", "function"):
        effect = (
            f"has_permission is a {kind} and cannot be called: Rucio takes the TypeError for 'the package does not "
            "decide', and its generic permissions decide on every action, without a log line"
        )
        remedy = "Let each decorator of has_permission return a function"
        yield Fault(Verdict.GENERIC, effect, remedy, "permission.py", about="has_permission")


def _permissions(answers: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """The actions that fail, and those that the package leaves to generic without meaning to."""
    failing = [
        answer for answer in answers if isinstance(answer["rucio"], str) and not is_the_questions_fault(answer, "rucio")
    ]
    failed = _by_words(answer for answer in failing if not _reads_another_questions(answer, answers))
    yield from _reads_of_others([answer for answer in failing if _reads_another_questions(answer, answers)])
    type_errors = (answer for answer in answers if decided_by(answer) is Decided.TYPE_ERROR)
    refused = _by_words(answer for answer in type_errors if not is_the_questions_fault(answer, "package"))
    stumbling = {answer["action"] for answer in answers if is_the_questions_fault(answer, "package")}
    for message, names in failed.items():
        effect = f"Checking the permission {_some(names)} ends with {message}"
        yield Fault(Verdict.DIES_AT_FIRST_USE, effect, "Correct has_permission(), and what it calls", "permission.py")
    for message, names in refused.items():
        if len(names) + len(stumbling) >= len({answer["action"] for answer in answers}):
            effect = (
                "has_permission() cannot be called as Rucio does, which then asks its generic permissions, without a "
                f"log line: {message}"
            )
            remedy = "Define has_permission(issuer, action, kwargs, *, session)"
        else:
            effect = f"Rucio decides {_some(names)} by its generic permissions, without a log line: {message}"
            remedy = "Correct the call that fails"
        yield Fault(Verdict.GENERIC, effect, remedy, "permission.py", about=names[0])


def _reads_another_questions(answer: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it fails for one account alone, over an argument that the gateway gives with other questions.

    Published packages have such lines, and Rucio's own permissions, too: root never comes to them.
    """
    lacks = str(answer["rucio"]).removeprefix("KeyError: ").strip("'")
    of_the_action = [other for other in answers if other["action"] == answer["action"]]
    return (
        str(answer["rucio"]).startswith("KeyError: ")
        and any(lacks in other.get("given", ()) for other in answers)
        and any(isinstance(other["rucio"], bool) for other in of_the_action)
    )


def _reads_of_others(failing: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    for message, names in _by_words(failing).items():
        effect = f"The permission {_some(names)} ends with {message} for an account without attributes"
        remedy = "Read what Rucio's gateway gives for that action"
        yield Fault(Verdict.LOADS, effect, remedy, "permission.py", severity=Severity.WARNING, about=names[0])


def _by_words(answers: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The actions by what is said of them, each once."""
    by_message: dict[str, list[str]] = {}
    for answer in answers:
        message = str(answer["package"] if str(answer["package"]).startswith("TypeError:") else answer["rucio"])
        actions = by_message.setdefault(message, [])
        if answer["action"] not in actions:
            actions.append(answer["action"])
    return by_message


def _some(actions: Sequence[str]) -> str:
    more = len(actions) - 3
    return ", ".join(map(repr, actions[:3])) + (f" and {more} more" if more > 0 else "")


def _unmade(report: Report) -> Iterator[Fault]:
    """Rows of the scratch database that this Rucio does not take: answers that need them are not known."""
    for name, chain in (report.get("unmade") or {}).items():
        effect = f"The proof's database has no row of {name}, which permissions may ask for: {_why(chain)}"
        remedy = "Update secretsync, which may know this Rucio's tables"
        yield Fault(Verdict.LOADS, effect, remedy, severity=Severity.WARNING, about=f"database/{name}")


def _other_python(report: Report) -> Iterator[Fault]:
    facts = facts_of(report["rucio"])
    ran = tuple(int(part) for part in report["python"].split(".")[:2] if part.isdigit())
    if facts.is_known and len(ran) == 2 and ran != facts.python:
        images = ".".join(map(str, facts.python))
        effect = (
            f"The proof ran on Python {report['python']}, and the images of Rucio {facts.version}, which are built on "
            f"{facts.image_base.base}, run {images}"
        )
        remedy = f"Name a Python {images} that has Rucio with --rucio-python"
        yield Fault(Verdict.LOADS, effect, remedy, severity=Severity.WARNING, about="python")


def _at(chain: Sequence[Cause], verdict: Verdict, effect: str, remedy: str, path: str = "", about: str = "") -> Fault:
    """A fault at the innermost line of the package that the chain of exceptions names."""
    placed = next((cause for cause in reversed(chain) if cause["file"]), None)
    if placed:
        return Fault(verdict, effect, remedy, str(placed["file"]), int(placed["line"]), about=about)
    return Fault(verdict, effect, remedy, path, about=about)


def _why(chain: Sequence[Cause]) -> str:
    """The exception that is seen, and the first one behind it."""
    if not chain:
        return "nothing says why"
    outer, first = chain[0], chain[-1]
    message = f"{outer['error']}: {_sentence(outer['message'])}"
    if first is not outer and first["message"] not in outer["message"]:
        message += f", because of {first['error']}: {_sentence(first['message'])}"
    return message


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
    if errors & _VERSION_ERRORS:
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
