"""Imports the package as a server does, and says which modules Rucio asks from now on."""

from __future__ import annotations

import importlib
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from .examples import DEFAULT_VO
from .failures import Causes, failure

if TYPE_CHECKING:
    from types import ModuleType

PERMISSION = "rucio.core.permission"
"""What a server imports; it brings the schema with it."""


def configured_module(vo: str) -> str:
    """The package's name as Rucio finds it: the environment first, then the configuration; empty: there is none."""
    from rucio.common.config import get_config

    name = os.environ.get("RUCIO_POLICY_PACKAGE" + (f"_{vo.upper()}" if vo else ""))
    return name or str(get_config().get("policy", "package" + (f"-{vo}" if vo else ""), fallback=""))


def load(vo: str) -> None:
    """Import what a server imports; of several VOs' packages Rucio loads each at its first use."""
    permission = importlib.import_module(PERMISSION)
    schema = importlib.import_module("rucio.common.schema")
    if vo:
        schema.load_schema_for_vo(vo)
        permission.load_permission_for_vo(vo)


def in_force(vo: str) -> dict[str, dict[str, str | None]]:
    """The modules that Rucio asks from now on."""
    key = vo or DEFAULT_VO
    modules: dict[str, ModuleType] = {
        "permission": sys.modules[PERMISSION].permission_modules[key],
        "schema": sys.modules["rucio.common.schema"].schema_modules[key],
    }
    return {part: {"module": module.__name__, "file": module.__file__} for part, module in modules.items()}


def reasons(module: str, in_force: dict[str, dict[str, str | None]]) -> dict[str, Causes]:
    """Why a part of the package is not in force: the error of importing it, which Rucio swallows."""
    names = {part: f"{module}.{part}" for part, loaded in in_force.items() if loaded["module"] != f"{module}.{part}"}
    return {part: failure(partial(importlib.import_module, name), lambda: module) for part, name in names.items()}
