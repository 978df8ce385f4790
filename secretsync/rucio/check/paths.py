"""Files that the package's code opens beside itself: where the source says they lie."""

from __future__ import annotations

import ast
import posixpath
from dataclasses import dataclass

from secretsync.rucio.check.code import Module
from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.interpret import value_of
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.values import ModuleValue

_SAME = ("os.path.abspath", "os.fspath", "os.path.normpath", "pathlib.Path", "pathlib.PurePath")
_RESOLVES = ("os.path.realpath",)
_OF_A_PACKAGE = ("read_text", "read_binary", "open_text", "open_binary", "path")
_READS = ("read_text", "read_bytes", "open")
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class PackagePath:
    """A path. *inside* means relative to the package's own directory, else as the process sees it.

    *resolved* says that symbolic links were followed: in a Secret volume each directory leads to one of its own.
    """

    path: str
    inside: bool
    resolved: bool = False


def opened(package: Package, module: Module, node: ast.AST) -> PackagePath | None:
    """The file that the node reads; None where it reads none or that cannot be told."""
    if not isinstance(node, ast.Call):
        return None
    finder = _Finder(package, module)
    name = dotted(node.func, package.aliases(module))
    if (isinstance(node.func, ast.Name) and node.func.id == "open") or name in ("io.open", "codecs.open"):
        return None if _writes(node, 1) or not node.args else finder.place(node.args[0])
    if name.startswith(("importlib.resources.", "importlib_resources.")) and name.rpartition(".")[2] in _OF_A_PACKAGE:
        return finder.resource(node.args)
    if name == "pkgutil.get_data":
        return finder.data(node.args)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _READS and not name and not _writes(node, 0):
        return finder.place(node.func.value)
    return None


def _writes(call: ast.Call, position: int) -> bool:
    mode = call.args[position] if len(call.args) > position else None
    mode = next((keyword.value for keyword in call.keywords if keyword.arg == "mode"), mode)
    return isinstance(mode, ast.Constant) and any(letter in str(mode.value) for letter in "wax")


class _Finder:
    """Follows paths from ``__file__`` or ``importlib.resources.files``; texts are relative to the current folder."""

    def __init__(self, package: Package, module: Module) -> None:
        self._package, self._module = package, module
        self._aliases = package.aliases(module)

    def data(self, arguments: list[ast.expr]) -> PackagePath | None:
        """``pkgutil.get_data(module, "file")``: the file beside the module, or in the package of that name."""
        place = self.resource(arguments)
        directory = self._directory(arguments[0]) if place else ""
        module = self._package.get(directory.replace("/", ".")) if directory else None
        if not place or not directory or not module:
            return place
        return PackagePath(_normal(f"{module.file.directory}/{place.path[len(directory) + 1 :]}"), inside=True)

    def resource(self, arguments: list[ast.expr]) -> PackagePath | None:
        """``read_text(package, "file")``."""
        if len(arguments) < 2:
            return None
        directory, name = self._directory(arguments[0]), self._text(arguments[1])
        return PackagePath(_normal(f"{directory}/{name}"), inside=True) if directory is not None and name else None

    def place(self, expression: ast.expr, depth: int = 0) -> PackagePath | None:
        if depth > _DEEPEST:
            return None
        match expression:
            case ast.Name(id="__file__"):
                return PackagePath(self._module.path, inside=True)
            case ast.Name(id=name):
                assigned = self._assigned(name)
                resolved = self.place(assigned, depth + 1) if assigned else None
                return resolved or self._current(expression)
            case ast.Attribute(value=inner, attr="parent"):
                return _up(self.place(inner, depth + 1))
            case ast.Subscript(value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(count))):
                resolved = self.place(inner, depth + 1)
                for _ in range(min(count, _DEEPEST) + 1):
                    resolved = _up(resolved)
                return resolved
            case ast.BinOp(left=left, op=ast.Div() | ast.Add(), right=right):
                return self._below(self.place(left, depth + 1), [right])
            case ast.Call():
                return self._call(expression, depth + 1)
        return self._current(expression)

    def _call(self, call: ast.Call, depth: int) -> PackagePath | None:
        name = dotted(call.func, self._aliases)
        first = call.args[0] if call.args else None
        if name in ("importlib.resources.files", "importlib_resources.files") and first:
            directory = self._directory(first)
            return PackagePath(directory, inside=True) if directory is not None else None
        if (name in (*_SAME, *_RESOLVES) or _is_str(call)) and first:
            resolved = self._below(self.place(first, depth), call.args[1:])
            return _followed(resolved) if name in _RESOLVES else resolved
        if name == "os.path.dirname" and first:
            return _up(self.place(first, depth))
        if name == "os.path.join" and first:
            return self._below(self.place(first, depth), call.args[1:])
        if isinstance(call.func, ast.Attribute) and not name:
            resolved = self.place(call.func.value, depth)
            match call.func.attr:
                case "joinpath":
                    return self._below(resolved, call.args)
                case "resolve":
                    return _followed(resolved)
                case "absolute":
                    return resolved
                case "with_name":
                    return self._below(_up(resolved), call.args)
        return None

    def _below(self, resolved: PackagePath | None, parts: list[ast.expr]) -> PackagePath | None:
        for part in parts:
            text = self._text(part)
            if resolved is None or text is None:
                return None
            path = text if text.startswith("/") and not resolved.inside else _normal(f"{resolved.path}/{text}")
            resolved = PackagePath(path, resolved.inside, resolved.resolved)
        return resolved

    def _current(self, expression: ast.expr) -> PackagePath | None:
        text = self._text(expression)
        return PackagePath(text, inside=False) if text else None

    def _text(self, expression: ast.expr) -> str | None:
        value = value_of(self._package, self._module, expression, self._package.values(self._module))
        return value if isinstance(value, str) else None

    def _directory(self, expression: ast.expr) -> str | None:
        """The directory of a package that is given by name or as a module."""
        value = value_of(self._package, self._module, expression, self._package.values(self._module))
        name = f"{self._package.name}.{value.name}".rstrip(".") if isinstance(value, ModuleValue) else value
        if not isinstance(name, str) or name.partition(".")[0] != self._package.name:
            return None
        return name.partition(".")[2].replace(".", "/")

    def _assigned(self, name: str) -> ast.expr | None:
        """What the name is assigned at the top of the module, if that happens once."""
        assigned = [
            statement.value
            for statement in self._module.tree.body
            if isinstance(statement, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)
        ]
        return assigned[0] if len(assigned) == 1 else None


def _is_str(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "str"


def _up(resolved: PackagePath | None) -> PackagePath | None:
    if resolved is None:
        return None
    directory = ".." if resolved.path == "" else _normal(f"{resolved.path}/..")
    return PackagePath(directory, resolved.inside, resolved.resolved)


def _followed(resolved: PackagePath | None) -> PackagePath | None:
    return PackagePath(resolved.path, resolved.inside, resolved=True) if resolved else None


def _normal(path: str) -> str:
    normal = posixpath.normpath(path.lstrip("/") or ".")
    return "" if normal == "." else normal
