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
class _Missing:
    error: str
    cause: str
    remedy: str
    subject: str


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """What a package in a Secret does not have: its metadata, entry points, and files beside its modules."""
    for running in at_import(package, setting.rucio):
        lack = _missing(package, setting, running)
        if lack and not running.context.catches(lack.error):
            yield rule.finding(
                running.module.path,
                getattr(running.node, "lineno", 0),
                f"{lack.cause}: {failing.then(setting, running.start, error=lack.error)}",
                lack.remedy,
                about=lack.subject,
                severity=Severity.WARNING if running.context.conditional else rule.severity,
            )


def _missing(package: Package, setting: Setting, running: Running) -> _Missing | None:
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


def _distribution(package: Package, setting: Setting, running: Running, call: ast.Call, name: str) -> _Missing | None:
    distribution = (
        value_of(package, running.module, call.args[0], package.values(running.module)) if call.args else None
    )
    if not isinstance(distribution, str):
        return None
    requested = canonicalize_name(distribution)
    if all(requested in setting.rucio.distributions(image) for image in setting.images):
        return None
    error = "PackageNotFoundError" if name in _METADATA else "DistributionNotFound"
    cause = (
        f"{name}({distribution!r}) raises {error}, a ModuleNotFoundError: no such distribution is installed, a "
        "Secret brings files alone"
        if name in _METADATA
        else f"{name}({distribution!r}) raises {error}: no such distribution is installed, a Secret brings files alone"
    )
    return _Missing(error, cause, "Write the version into the package, or catch PackageNotFoundError", distribution)


def _entry_points(error: str, reason: str) -> _Missing:
    cause = f"entry_points raises {error} ({reason}); a package in a Secret has no entry points, as it is not installed"
    return _Missing(error, cause, "Import what the entry points name", "entry_points")


def _file(package: Package, running: Running) -> _Missing | None:
    path = opened(package, running.module, running.node)
    if path is None:
        return None
    paths = {file.path for file in package.bundle.files}
    error = "FileNotFoundError"
    if not path.inside and not path.path.startswith("/"):
        cause = f"open({path.path!r}) looks in the folder that Rucio was started in and raises {error}"
        return _Missing(error, cause, "Open it beside __file__, as Path(__file__).parent / …", path.path)
    if path.inside and path.path not in paths:
        cause = f"{path.path} is not in the package as it is packed, and opening it raises {error}"
        return _Missing(error, cause, "Bring the file (see include and exclude), or do without it", path.path)
    if path.inside and path.resolved and path.path.rpartition("/")[0] != running.module.file.directory:
        cause = (
            f"{path.path} is another Secret's, and following the links of __file__ (resolve, realpath) ends in a "
            f"folder of this Secret alone: {error}"
        )
        return _Missing(error, cause, "Do without resolve() and realpath()", path.path)
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
