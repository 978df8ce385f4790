"""Which modules of a package Rucio ever loads; the others (tests, tools) can do no harm."""

from __future__ import annotations

from functools import lru_cache

from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle
from secretsync.rucio.check.algorithms import registry
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import reached
from secretsync.rucio.check.rucio import ALGORITHM_TYPES, Rucio, rucio


def loaded(package: Package, rucio: Rucio) -> frozenset[str]:
    """The modules that Rucio loads, with or without our knowing that they can be parsed."""
    starts = ["", "permission", "schema", *(ALGORITHM_TYPES if rucio.default_algorithms else ())]
    modules = {start for start in starts if start in package.modules}
    for start, function in [*((start, "") for start in starts), registry(package)]:
        for module, imported in reached(package, start, function=function):
            modules.add(module.name)
            modules.update(_modules(package, imported.name, imported.names))
    return frozenset(modules)


@lru_cache(maxsize=8)
def imported_files(bundle: Bundle) -> frozenset[str]:
    """The paths of the files that the newest Rucio imports; all of Python's where the package cannot be parsed."""
    try:
        package = Package(bundle)
        return frozenset(package.modules[name].path for name in loaded(package, rucio()))
    except SecretSyncError:
        return frozenset(file.path for file in bundle.files if file.path.endswith(".py"))


def _modules(package: Package, name: str, names: tuple[str, ...]) -> set[str]:
    top, _, rest = name.partition(".")
    if top != package.name:
        return set()
    parts = rest.split(".") if rest else []
    dotted = {".".join(parts[:end]) for end in range(len(parts) + 1)} | {f"{rest}.{name}".strip(".") for name in names}
    return dotted & set(package.modules)
