"""supported-version: SUPPORTED_VERSION cannot be read, or does not admit the Rucio in use."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.policy import supported_version
from secretsync.rucio.check.rucio import Rucio
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.values import UNREADABLE


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """A ``SUPPORTED_VERSION`` that Rucio cannot read, or that excludes this Rucio."""
    module, value = package.get(""), supported_version(package)
    if not module or not value:
        return
    if value.value is UNREADABLE:
        yield rule.finding(
            module.path,
            value.line,
            "SUPPORTED_VERSION is calculated and cannot be read here: whether it admits this Rucio is known only when "
            "it runs, and if it does not, the process dies",
            "Write it as text, for instance '>=38,<42', or prove the package with --prove",
            severity=Severity.WARNING,
        )
        return
    try:
        specifiers = as_rucio_reads_it(value.value, setting.rucio)
    except (InvalidSpecifier, TypeError) as error:
        effect = f"{error}: Rucio cannot read SUPPORTED_VERSION and the process dies"
        remedy = "Write specifiers with an operator for the major version, such as '>=38,<42'"
        yield rule.finding(module.path, value.line, effect, remedy)
        return
    rucio = setting.rucio
    if rucio.major not in specifiers:
        full = ", although its full version would pass" if specifiers.contains(rucio.release, prereleases=True) else ""
        yield rule.finding(
            module.path,
            value.line,
            f"Rucio {rucio.version} compares {str(specifiers)!r} with its major version alone, and {rucio.major!r} is "
            f"not in it{full}: the process dies of PolicyPackageVersionError",
            f"Say that the major version is supported, for instance '>={rucio.major}'",
        )
    for specifier in specifiers:
        if _names_a_minor_version(specifier.version):
            yield rule.finding(
                module.path,
                value.line,
                f"{str(specifier)!r} names a minor version, and Rucio compares its major version alone: it does not do "
                "what it says",
                "Name major versions only",
                about=str(specifier),
                severity=Severity.WARNING,
            )


def as_rucio_reads_it(value: object, rucio: Rucio) -> SpecifierSet:
    """A list is joined with commas, anything else is taken as it is. Raises InvalidSpecifier or TypeError."""
    if isinstance(value, SpecifierSet):
        if not rucio.reads_specifier_sets:
            raise TypeError("SUPPORTED_VERSION is a SpecifierSet, and the packaging of this Rucio reads text alone")
        return value
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise TypeError(f"SUPPORTED_VERSION is a list of other things than text ({value!r})")
        return SpecifierSet(",".join(value))
    if not isinstance(value, str):
        raise TypeError(f"SUPPORTED_VERSION is neither text nor a list ({value!r})")
    return SpecifierSet(value)


def _names_a_minor_version(version: str) -> bool:
    return any(part not in ("0", "*") for part in version.split(".")[1:])


RULE = Rule(
    "supported-version",
    Severity.ERROR,
    "SUPPORTED_VERSION cannot be read, or does not admit the Rucio in use",
    "Rucio reads SUPPORTED_VERSION (a list is joined with commas, which means AND) as a SpecifierSet and compares its "
    "major version alone, '41' for 41.5.1. A number without operator raises InvalidSpecifier, which nothing catches: "
    "the process dies, as it does of a tuple. A SpecifierSet is read by a Rucio whose packaging is 24.2 or newer, "
    "which 36 and 38 do not have. '>=41.2' and '==41.5.1' refuse 41.5.1, '!=36.4.0' excludes nothing, and "
    "['==41', '==42'] admits none. A version that is not admitted ends the process with PolicyPackageVersionError. A "
    "value that is calculated is followed through texts, lists, conditions and the package's own modules; where that "
    "ends, a warning says that it cannot be read.",
    find,
)
