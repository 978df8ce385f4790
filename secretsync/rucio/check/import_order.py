"""The order in which Rucio's import of the package runs, and what a half loaded module lacks at that moment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.imports import Import, StatementContext, statements
from secretsync.rucio.check.names import MODULE_ATTRIBUTES, bound
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.tree import nodes_outside_functions

_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class HalfLoaded:
    """A *name* of a module that is asked for while *culprit* (a name relative to the package) is half loaded."""

    module: Module
    line: int
    culprit: str
    name: str
    certain: bool


def half_loaded(package: Package, starts: tuple[str, ...]) -> Iterator[HalfLoaded]:
    """What fails because modules of the package import each other in a circle, when *starts* are imported in turn."""
    order = _Order(package)
    for start in starts:
        yield from order.load(start, ())


@dataclass
class _Order:
    package: Package
    loaded: dict[str, set[str]] = field(default_factory=dict)
    """The names that each module has by now."""
    loading: list[str] = field(default_factory=list)

    def load(self, name: str, guards: tuple[StatementContext, ...]) -> Iterator[HalfLoaded]:
        module = self.package.get(name)
        if not module or name in self.loaded or len(self.loading) > _DEEPEST:
            return
        loaded_names = self.loaded[name] = set(MODULE_ATTRIBUTES)
        self.loading.append(name)
        aliases: dict[str, str] = {}
        for statement, context in statements(module.tree.body):
            if context.function:
                continue
            if isinstance(statement, ast.Import | ast.ImportFrom):
                for imported in self.package.imports_at(module, statement.lineno):
                    yield from self._import(module, imported, (*guards, imported.context))
                aliases.update(self._aliases(module, statement))
            else:
                yield from self._used(module, statement, aliases, (*guards, context))
            loaded_names.update(bound(statement))
        self.loading.remove(name)

    def _import(self, module: Module, imported: Import, guards: tuple[StatementContext, ...]) -> Iterator[HalfLoaded]:
        top, _, rest = imported.name.partition(".")
        if top != self.package.name or imported.beyond:
            return
        parts = rest.split(".") if rest else []
        for end in range(1, len(parts) + 1):
            yield from self.load(".".join(parts[:end]), guards)
        for name in imported.names:
            submodule = f"{rest}.{name}".strip(".")
            if name not in self.loaded.get(rest, ()) and self.package.has(submodule):
                yield from self.load(submodule, guards)
            else:
                yield from self._not_yet_loaded(module, imported.line, rest, name, guards)

    def _not_yet_loaded(
        self, module: Module, line: int, source: str, name: str, guards: tuple[StatementContext, ...]
    ) -> Iterator[HalfLoaded]:
        """Whether the name will be there, and is not yet."""
        source_module = self.package.get(source)
        if source not in self.loading or source == module.name or not source_module or name in self.loaded[source]:
            return
        names = self.package.names(source_module)
        if names is not None and name in names and not any(guard.missing_name_is_caught for guard in guards):
            certain = not any(guard.conditional for guard in guards)
            yield HalfLoaded(module, line, source, name, certain)

    def _aliases(self, module: Module, statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        for imported in self.package.imports_at(module, statement.lineno):
            top, _, rest = imported.name.partition(".")
            if top != self.package.name or imported.beyond:
                continue
            for alias in statement.names:
                submodule = f"{rest}.{alias.name}".strip(".")
                if isinstance(statement, ast.ImportFrom) and submodule in self.loading:
                    yield alias.asname or alias.name, submodule
                elif isinstance(statement, ast.Import) and alias.asname and rest in self.loading:
                    yield alias.asname, rest

    def _used(
        self, module: Module, statement: ast.stmt, aliases: dict[str, str], guards: tuple[StatementContext, ...]
    ) -> Iterator[HalfLoaded]:
        if not aliases or isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.ClassDef):
            return
        for node in nodes_outside_functions([statement]):
            match node:
                case ast.Attribute(value=ast.Name(id=alias), attr=name, lineno=line) if alias in aliases:
                    yield from self._not_yet_loaded(module, line, aliases[alias], name, guards)
