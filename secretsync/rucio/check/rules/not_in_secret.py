"""not-in-secret: Something is asked for at import that a Secret does not bring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_time import Running, at_import
from secretsync.rucio.check.interpret import value_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.paths import opened
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting

_METADATA = frozenset(
    f"{module}.{name}"
    for module in ("importlib.metadata", "importlib_metadata")
    for name in ("version", "metadata", "distribution", "requires", "files", "Distribution.from_name")
)
_PKG_RESOURCES = frozenset({"pkg_resources.get_distribution", "pkg_resources.require"})
_ENTRY_POINTS = frozenset({"importlib.metadata.entry_points", "importlib_metadata.entry_points"})


@dataclass(frozen=True, slots=True)
class _Lack:
    error: str
    words: str
    remedy: str
    about: str


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """What a package in a Secret does not have: its metadata, entry points, and files beside its modules."""
    for running in at_import(package, setting.rucio):
        lack = _lack(package, setting, running)
        if lack and not running.around.catches(lack.error):
            yield rule.finding(
                running.module.path,
                getattr(running.node, "lineno", 0),
                f"{lack.words}: {failing.then(setting, running.start, error=lack.error)}",
                lack.remedy,
                about=lack.about,
                severity=Severity.WARNING if running.around.conditional else rule.severity,
            )


def _lack(package: Package, setting: Setting, running: Running) -> _Lack | None:
    node = running.node
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
        name = dotted(node.value.func, package.aliases(running.module))
        return _entry_points("KeyError", "they are not in its list") if name in _ENTRY_POINTS else None
    if not isinstance(node, ast.Call):
        return None
    name = dotted(node.func, package.aliases(running.module))
    if name in _METADATA | _PKG_RESOURCES:
        return _distribution(package, setting, running, node, name)
    if name == "importlib.metadata.entry_points" and (node.args or node.keywords) and setting.rucio.python < (3, 10):
        return _entry_points("TypeError", "Python 3.9 selects none by argument")
    return _file(package, running)


def _distribution(package: Package, setting: Setting, running: Running, call: ast.Call, name: str) -> _Lack | None:
    given = value_of(package, running.module, call.args[0], package.values(running.module)) if call.args else None
    if not isinstance(given, str):
        return None
    asked = canonicalize_name(given)
    if all(asked in setting.rucio.distributions(image) for image in setting.images):
        return None
    error = "PackageNotFoundError" if name in _METADATA else "DistributionNotFound"
    words = (
        f"{name}({given!r}) raises {error}, a ModuleNotFoundError: no such distribution is installed, a Secret brings "
        "files alone"
        if name in _METADATA
        else f"{name}({given!r}) raises {error}: no such distribution is installed, a Secret brings files alone"
    )
    return _Lack(error, words, "Write the version into the package, or catch PackageNotFoundError", given)


def _entry_points(error: str, why: str) -> _Lack:
    words = f"entry_points raises {error} ({why}); a package in a Secret has no entry points, as it is not installed"
    return _Lack(error, words, "Import what the entry points name", "entry_points")


def _file(package: Package, running: Running) -> _Lack | None:
    place = opened(package, running.module, running.node)
    if place is None:
        return None
    paths = {file.path for file in package.bundle.files}
    error = "FileNotFoundError"
    if not place.inside and not place.path.startswith("/"):
        words = f"open({place.path!r}) looks in the folder that Rucio was started in and raises {error}"
        return _Lack(error, words, "Open it beside __file__, as Path(__file__).parent / …", place.path)
    if place.inside and place.path not in paths:
        words = f"{place.path} is not in the package as it is packed, and opening it raises {error}"
        return _Lack(error, words, "Bring the file (see include and exclude), or do without it", place.path)
    if place.inside and place.resolved and place.path.rpartition("/")[0] != running.module.file.directory:
        words = (
            f"{place.path} is another Secret's, and following the links of __file__ (resolve, realpath) ends in a "
            f"folder of this Secret alone: {error}"
        )
        return _Lack(error, words, "Do without resolve() and realpath()", place.path)
    return None


RULE = Rule(
    "not-in-secret",
    Severity.ERROR,
    "Something is asked for at import that a Secret does not bring",
    "A Secret brings the package's files, and no distribution: importlib.metadata finds neither its version nor its "
    "entry points. PackageNotFoundError is a ModuleNotFoundError, so that Rucio takes the package for one that is not "
    "there: generic permissions and schema without a log line from 37.6.0 to 39.0.0. Files are those that are packed, "
    "each directory in a volume of its own, and the current folder is not the package's: anything else raises "
    "FileNotFoundError, which ends the process.",
    find,
)
