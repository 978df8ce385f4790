"""A policy package whose Python has been parsed: what all rules look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from secretsync.core.model import Bundle
from secretsync.rucio.check.code import (
    ALL,
    LARGEST,
    TOKENS,
    Module,
    module_name,
    parse,
    tokens,
    unread,
)
from secretsync.rucio.check.dotted import aliases_of
from secretsync.rucio.check.grammar import without_newer_syntax
from secretsync.rucio.check.imports import Import, imports_of
from secretsync.rucio.check.interpret import values_of
from secretsync.rucio.check.names import attributes_set_in, names_of
from secretsync.rucio.check.values import Names
from secretsync.rucio.check.work import Work

T = TypeVar("T")


@dataclass(frozen=True)
class Package:
    """A bundle whose Python has been parsed."""

    bundle: Bundle
    _imports: dict[str, tuple[Import, ...]] = field(default_factory=dict, repr=False, compare=False)
    _names: dict[str, frozenset[str] | None] = field(default_factory=dict, repr=False, compare=False)
    _aliases: dict[str, dict[str, str]] = field(default_factory=dict, repr=False, compare=False)
    _known: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False, compare=False)
    _values: dict[str, Names] = field(default_factory=dict, repr=False, compare=False)
    work: Work = field(default_factory=Work, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The module name by which Rucio imports it."""
        return self.bundle.module

    @cached_property
    def modules(self) -> dict[str, Module]:
        """Every module by its name relative to the package; a package hides a module of the same name, as in Python."""
        by_name: dict[str, Module] = {}
        bytes_left, tokens_left = ALL, TOKENS
        for file in sorted(self.bundle.files, key=lambda file: (len(file.data), file.path)):
            name = module_name(file.path)
            if not file.path.endswith(".py") or (name in by_name and by_name[name].is_package):
                continue
            readable = len(file.data) <= min(LARGEST, bytes_left) and (found_tokens := tokens(file)) <= tokens_left
            by_name[name] = parse(name, file) if readable else unread(name, file)
            if readable:
                bytes_left, tokens_left = bytes_left - len(file.data), tokens_left - found_tokens
        return {module.name: module for module in without_newer_syntax(by_name.values())}

    @cached_property
    def folders(self) -> frozenset[str]:
        """Directories as dotted names: importable even without an ``__init__.py``."""
        names: set[str] = set()
        for file in self.bundle.files:
            parts = file.directory.split("/") if file.directory else []
            names.update(".".join(parts[: depth + 1]) for depth in range(len(parts)))
        return frozenset(names)

    @cached_property
    def compiled(self) -> frozenset[str]:
        """Modules that are not Python text (``.so``): they can be imported and say nothing about their names."""
        return frozenset(
            f"{file.directory}/{file.name.partition('.')[0]}".strip("/").replace("/", ".")
            for file in self.bundle.files
            if file.path.endswith((".so", ".pyc"))
        )

    def has(self, name: str) -> bool:
        """Whether ``import`` finds that name: a module, a folder or an extension."""
        return name in self.modules or name in self.folders or name in self.compiled

    def get(self, name: str) -> Module | None:
        """The module, if it is there and could be parsed."""
        module = self.modules.get(name)
        return module if module and not module.fault else None

    @property
    def sources(self) -> Iterator[Module]:
        """All modules that could be parsed."""
        return iter(self.modules.values())

    @cached_property
    def attributes_set(self) -> frozenset[str | None]:
        """The attributes that its code sets on any object; None: some that only running it would tell."""
        return attributes_set_in(self.sources)

    def imports(self, module: Module) -> tuple[Import, ...]:
        """Every import in *module*, read once."""
        if module.name not in self._imports:
            self._imports[module.name] = imports_of(module, self.name)
        return self._imports[module.name]

    def names(self, module: Module) -> frozenset[str] | None:
        """The names that *module* may have once it is imported; None where only running it would tell."""
        if module.name not in self._names:
            self._names[module.name] = names_of(module)
        return self._names[module.name]

    def memoized(self, question: tuple[object, ...], calculate: Callable[[], T]) -> T:
        """What *calculate* gives for *question*, calculated once: rules ask the same for each version of Rucio."""
        if question not in self._known:
            self._known[question] = calculate()
        cached: T = self._known[question]
        return cached

    def aliases(self, module: Module) -> dict[str, str]:
        """The names that the module's imports bind, with what they mean; read once."""
        if module.name not in self._aliases:
            self._aliases[module.name] = aliases_of(module)
        return self._aliases[module.name]

    def imports_at(self, module: Module, line: int) -> tuple[Import, ...]:
        """The imports of the statement that begins on that line."""
        return tuple(imported for imported in self.imports(module) if imported.line == line)

    def values(self, module: Module, depth: int = 0) -> Names:
        """The names of *module* with their values as far as these can be read, read once. Not to be changed."""
        if module.name not in self._values:
            self._values[module.name] = {}  # what a circle of imports sees
            self._values[module.name] = values_of(self, module, depth)
        return self._values[module.name]
