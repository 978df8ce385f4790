"""Names of other modules as the package's source uses them: ``md.version`` is ``importlib.metadata.version``."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from secretsync.rucio.check.code import Module


def aliases_of(module: Module) -> dict[str, str]:
    """Every name that an import of the module binds, wherever it stands, with what it means."""
    aliases: dict[str, str] = {}
    for node in module.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    aliases[alias.asname] = alias.name
                else:
                    top = alias.name.partition(".")[0]
                    aliases[top] = top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return aliases


def dotted(expression: ast.expr, aliases: Mapping[str, str]) -> str:
    """``importlib.metadata.version``; empty where the expression is no such name."""
    parts: list[str] = []
    while isinstance(expression, ast.Attribute):
        parts.append(expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name) or expression.id not in aliases:
        return ""
    return ".".join([aliases[expression.id], *reversed(parts)])
