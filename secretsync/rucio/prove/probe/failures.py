"""Why a call of Rucio's or of the package's code fails: the exceptions, each with its place in the package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Causes = list[dict[str, Any]]


def failure(call: Callable[[], object], module: Callable[[], str] = str) -> Causes:
    """Why *call* fails, empty if it does not. A package that calls sys.exit() has failed, too."""
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - whatever a package raises is what is reported here
        return causes(error, module())
    return []


def causes(error: BaseException | None, module: str) -> Causes:
    """An exception and those behind it, the first cause last, each with its place in the package."""
    chain: Causes = []
    while error is not None and len(chain) < 10:
        file, line = place(error, module)
        chain.append({"error": type(error).__name__, "message": str(error)[:500], "file": file, "line": line})
        error = error.__cause__ or error.__context__
    return chain


def place(error: BaseException, module: str) -> tuple[str, int]:
    """The last line of the package on the way to the error; ``""`` and 0 where there is none."""
    last = ("", 0)
    trace = error.__traceback__
    while trace is not None:
        file = path_in(module, trace.tb_frame.f_code.co_filename)
        last = (file, trace.tb_lineno) if file else last
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and (file := path_in(module, error.filename or "")):
        last = (file, error.lineno or 0)
    return last


def path_in(module: str, file: str) -> str:
    """The path in the package of a source file that Python names in full; empty where it is not of the package."""
    for entry in sys.path if module else ():
        folder = f"{entry}/{module}/"
        if file.startswith(folder):
            return file[len(folder) :]
    return ""
