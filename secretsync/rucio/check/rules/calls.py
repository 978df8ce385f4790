"""Whether a function can be called in the way Rucio calls it."""

from __future__ import annotations

import ast


def accepts(arguments: ast.arguments, positional: int, keywords: tuple[str, ...]) -> bool:
    """Whether a call with *positional* values and these *keywords* raises no TypeError."""
    by_place = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if positional > len(by_place) and not arguments.vararg:
        return False
    only_by_place = {one.arg for one in arguments.posonlyargs}
    only_by_name = [one.arg for one in arguments.kwonlyargs]
    filled = set(by_place[:positional])
    for name in keywords:
        if name in filled and name not in only_by_place:
            return False
        if (name in by_place and name not in only_by_place) or name in only_by_name:
            filled.add(name)
        elif not arguments.kwarg:
            return False
    required = set(by_place[: len(by_place) - len(arguments.defaults)])
    required |= {name for name, default in zip(only_by_name, arguments.kw_defaults, strict=True) if default is None}
    return required <= filled


def signature(arguments: ast.arguments) -> str:
    """``(a, b, *, session)``, as a person reads it."""
    return f"({ast.unparse(arguments)})"
