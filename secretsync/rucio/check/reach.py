"""Which imports run when Rucio imports a module of the package, and which of them cannot succeed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import Import, StatementContext
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import Rucio, not_yet_in_the_images, standard_library


@dataclass(frozen=True, slots=True)
class Failure:
    """An import that cannot succeed. *missing* is what is not there; a missing *module* raises ModuleNotFoundError,
    of which Rucio makes something else than of another ImportError.
    """

    module: Module
    line: int
    missing: str
    is_module: bool
    certain: bool
    reason: str
    import_: Import


def reached(package: Package, start: str, *, function: str = "") -> Iterator[tuple[Module, Import]]:
    """The imports that run with module *start* (or when *function* of it is called), those of certain fate first.

    Guards and conditions on the way are handed down: what an optional module imports is optional too.
    """
    for module, optional in loads(package, start, function=function):
        only = function if module.name == start and function else ""
        for imported in package.imports(module):
            if imported.context.function == only:
                yield module, _made_optional(imported) if optional else imported


def loads(package: Package, start: str, *, function: str = "") -> Iterator[tuple[Module, bool]]:
    """The modules that importing *start* (or calling *function* of it) runs, and whether each is optional.

    The module that holds *function* comes first, though it ran before.
    """
    todo = [(False, 0, start, function)]
    loaded = {""}  # Rucio has imported the package itself before anything else of it
    count = 0
    while todo:
        optional, _, name, only = heapq.heappop(todo)
        module = package.get(name)
        if not module or (count and name in loaded):
            continue
        loaded.add(name)
        count += 1
        yield module, optional
        for imported in package.imports(module):
            if imported.context.function != only:
                continue
            caught = imported.context.missing_module_is_caught or imported.context.conditional
            for inner in _inside(package, imported):
                count += 1
                heapq.heappush(todo, (optional or caught, count, inner, ""))


def failures(
    package: Package, rucio: Rucio, images: tuple[str, ...], start: str, *, function: str = ""
) -> Iterator[Failure]:
    """The imports among those that *start* reaches which will fail in one of *images*."""
    for module, imported in reached(package, start, function=function):
        yield from failures_of(package, rucio, images, module, imported)


def failures_of(
    package: Package, rucio: Rucio, images: tuple[str, ...], module: Module, imported: Import
) -> Iterator[Failure]:
    """Why *one* import cannot succeed; nothing if it can, or if the package catches the failure."""

    certain = not imported.context.conditional or _first_choice_fails(package, rucio, images, module, imported)

    def failure(missing: str, reason: str, *, is_module: bool) -> Failure:
        return Failure(module, imported.line, missing, is_module, certain, reason, imported)

    if imported.beyond and not imported.context.missing_name_is_caught:
        yield failure("." * 2 + imported.name, "the relative import leaves the package", is_module=False)
        return
    lacking = None if imported.beyond else _missing_module(package, rucio, images, imported.name)
    if lacking:
        if not imported.context.missing_module_is_caught:
            yield failure(*lacking, is_module=True)
        return
    if not imported.context.missing_name_is_caught:
        for missing, reason in _missing_names(package, rucio, imported):
            yield failure(missing, reason, is_module=False)


def _first_choice_fails(
    package: Package, rucio: Rucio, images: tuple[str, ...], module: Module, imported: Import
) -> bool:
    """Whether this import is the second choice of a ``try`` whose first is certain to fail."""
    if not imported.context.instead_of:
        return False
    unguarded = StatementContext(function=imported.context.function)
    first = [
        replace(alternative, context=unguarded)
        for alternative in package.imports_at(module, imported.context.instead_of)
    ]
    return any(True for alternative in first for _ in failures_of(package, rucio, images, module, alternative))


def _missing_module(package: Package, rucio: Rucio, images: tuple[str, ...], name: str) -> tuple[str, str] | None:
    top, _, rest = name.partition(".")
    if top == package.name:
        parts = rest.split(".") if rest else []
        for end in range(1, len(parts) + 1):
            if not package.has(".".join(parts[:end])):
                return f"{top}.{'.'.join(parts[:end])}", "the package has no such module"
        return None
    if top == "rucio":
        return None if name in rucio.modules else (name, f"Rucio {rucio.known} has no such module")
    if top in standard_library():
        return _too_new(name)
    without = [image for image in images if top not in rucio.installed(image)]
    if not without:
        return None
    return top, f"it is neither in the package nor in Rucio's {_either(without)} image"


def _too_new(name: str) -> tuple[str, str] | None:
    """A module within one of the standard library that came with a newer Python."""
    parts = name.split(".")
    for end in range(1, len(parts)):
        if parts[end] in not_yet_in_the_images(".".join(parts[:end])):
            return ".".join(parts[: end + 1]), "Python 3.9, which Rucio's images run, has no such module"
    return None


def _missing_names(package: Package, rucio: Rucio, imported: Import) -> Iterator[tuple[str, str]]:
    top, _, rest = imported.name.partition(".")
    for name in imported.names:
        if name == "*":
            continue
        if top == package.name:
            module = package.get(rest)
            known_names = package.names(module) if module else None
            if known_names is not None and name not in known_names and not package.has(f"{rest}.{name}".strip(".")):
                yield f"{imported.name}.{name}", "that module has no such name"
            elif rest in package.folders and rest not in package.modules and not package.has(f"{rest}.{name}"):
                yield f"{imported.name}.{name}", "that folder has no such module"
        elif top == "rucio":
            names = rucio.names(imported.name)
            if names is not None and name not in names and f"{imported.name}.{name}" not in rucio.modules:
                yield f"{imported.name}.{name}", f"Rucio {rucio.known} has no such name there"
        elif name in not_yet_in_the_images(imported.name):
            yield f"{imported.name}.{name}", "Python 3.9, which Rucio's images run, has no such name there"


def _inside(package: Package, imported: Import) -> Iterator[str]:
    """The package's own modules that the import loads, the parents of each first."""
    top, _, rest = imported.name.partition(".")
    if top != package.name or imported.beyond:
        return
    parts = rest.split(".") if rest else []
    yield from (".".join(parts[:end]) for end in range(len(parts) + 1))
    for name in imported.names:
        submodule = f"{rest}.{name}".strip(".")
        if package.get(submodule):
            yield submodule


def _made_optional(imported: Import) -> Import:
    return replace(imported, context=replace(imported.context, conditional=True))


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
