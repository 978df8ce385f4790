"""Which imports run when Rucio imports a module of the package, and which of them cannot succeed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import Around, Import
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
    why: str
    import_: Import


def reached(package: Package, start: str, *, function: str = "") -> Iterator[tuple[Module, Import]]:
    """The imports that run with module *start* (or when *function* of it is called), those of certain fate first.

    Guards and conditions on the way are handed down: what an optional module imports is optional too.
    """
    for module, optional in loads(package, start, function=function):
        only = function if module.name == start and function else ""
        for one in package.imports(module):
            if one.around.function == only:
                yield module, _made_optional(one) if optional else one


def loads(package: Package, start: str, *, function: str = "") -> Iterator[tuple[Module, bool]]:
    """The modules that importing *start* (or calling *function* of it) runs, and whether each is optional.

    The module that holds *function* comes first, though it ran before.
    """
    todo = [(False, 0, start, function)]
    seen = {""}  # Rucio has imported the package itself before anything else of it
    count = 0
    while todo:
        optional, _, name, only = heapq.heappop(todo)
        module = package.get(name)
        if not module or (count and name in seen):
            continue
        seen.add(name)
        count += 1
        yield module, optional
        for one in package.imports(module):
            if one.around.function != only:
                continue
            caught = one.around.missing_module_is_caught or one.around.conditional
            for inner in _inside(package, one):
                count += 1
                heapq.heappush(todo, (optional or caught, count, inner, ""))


def failures(
    package: Package, rucio: Rucio, images: tuple[str, ...], start: str, *, function: str = ""
) -> Iterator[Failure]:
    """The imports among those that *start* reaches which will fail in one of *images*."""
    for module, one in reached(package, start, function=function):
        yield from failures_of(package, rucio, images, module, one)


def failures_of(
    package: Package, rucio: Rucio, images: tuple[str, ...], module: Module, one: Import
) -> Iterator[Failure]:
    """Why *one* import cannot succeed; nothing if it can, or if the package catches the failure."""

    certain = not one.around.conditional or _first_choice_fails(package, rucio, images, module, one)

    def failure(missing: str, why: str, *, is_module: bool) -> Failure:
        return Failure(module, one.line, missing, is_module, certain, why, one)

    if one.beyond and not one.around.missing_name_is_caught:
        yield failure("." * 2 + one.name, "the relative import leaves the package", is_module=False)
        return
    lacking = None if one.beyond else _missing_module(package, rucio, images, one.name)
    if lacking:
        if not one.around.missing_module_is_caught:
            yield failure(*lacking, is_module=True)
        return
    if not one.around.missing_name_is_caught:
        for missing, why in _missing_names(package, rucio, one):
            yield failure(missing, why, is_module=False)


def _first_choice_fails(package: Package, rucio: Rucio, images: tuple[str, ...], module: Module, one: Import) -> bool:
    """Whether this import is the second choice of a ``try`` whose first is certain to fail."""
    if not one.around.instead_of:
        return False
    unguarded = Around(function=one.around.function)
    first = [replace(before, around=unguarded) for before in package.imports_at(module, one.around.instead_of)]
    return any(True for before in first for _ in failures_of(package, rucio, images, module, before))


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
        return None
    without = [image for image in images if top not in rucio.installed(image)]
    if not without:
        return None
    return top, f"it is neither in the package nor in Rucio's {_either(without)} image"


def _missing_names(package: Package, rucio: Rucio, one: Import) -> Iterator[tuple[str, str]]:
    top, _, rest = one.name.partition(".")
    for name in one.names:
        if name == "*":
            continue
        if top == package.name:
            module = package.get(rest)
            known = package.names(module) if module else None
            if known is not None and name not in known and not package.has(f"{rest}.{name}".strip(".")):
                yield f"{one.name}.{name}", "that module has no such name"
            elif rest in package.folders and rest not in package.modules and not package.has(f"{rest}.{name}"):
                yield f"{one.name}.{name}", "that folder has no such module"
        elif top == "rucio":
            names = rucio.names(one.name)
            if names is not None and name not in names and f"{one.name}.{name}" not in rucio.modules:
                yield f"{one.name}.{name}", f"Rucio {rucio.known} has no such name there"
        elif name in not_yet_in_the_images(one.name):
            yield f"{one.name}.{name}", "Python 3.9, which Rucio's images run, has no such name there"


def _inside(package: Package, one: Import) -> Iterator[str]:
    """The package's own modules that the import loads, the parents of each first."""
    top, _, rest = one.name.partition(".")
    if top != package.name or one.beyond:
        return
    parts = rest.split(".") if rest else []
    yield from (".".join(parts[:end]) for end in range(len(parts) + 1))
    for name in one.names:
        below = f"{rest}.{name}".strip(".")
        if package.get(below):
            yield below


def _made_optional(one: Import) -> Import:
    return replace(one, around=replace(one.around, conditional=True))


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
