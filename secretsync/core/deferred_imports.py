"""What a library imports at its start, imported only when it is used: each start of a pod pays for the imports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


@contextmanager
def deferred_imports(*names: str) -> Iterator[None]:
    """Modules that are imported in here find stand-ins for *names*; what was imported before is left as it is.

    An attribute of a stand-in may be imported by name, called, and asked for an attribute: then the module is imported.
    """
    standing_in = [name for name in names if name not in sys.modules]
    sys.modules.update({name: _stand_in(name) for name in standing_in})
    try:
        yield
    finally:
        for name in standing_in:
            del sys.modules[name]


def _stand_in(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__getattr__ = lambda attribute: _Deferred(name, attribute)  # type: ignore[method-assign]
    return module


class _Deferred:
    """*attribute* of *module*, which is imported when it is used."""

    def __init__(self, module: str, attribute: str) -> None:
        self._module, self._attribute = module, attribute

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._resolved()(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resolved(), name)

    def _resolved(self) -> Any:
        module = import_module(self._module)
        if hasattr(module, self._attribute):
            return getattr(module, self._attribute)
        return import_module(f"{self._module}.{self._attribute}")
