"""Circles of imports, in the order in which Rucio loads the package."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import Severity
from tests.rucio.check.build import PERMISSION, findings, only


@pytest.mark.parametrize("name", ["PermissionResult", "has_permission"])
@pytest.mark.parametrize("version", ["37.7.1", "38.5.5", "41.5.1"])
def test_permission_may_not_import_what_rucio_defines_after_it_loads_the_package(name: str, version: str) -> None:
    found = only(
        findings({"permission.py": f"from rucio.core.permission import {name} as x\n{PERMISSION}"}, rucio=version)
    )
    assert (found.rule, found.severity, found.line) == ("import-cycle", Severity.ERROR, 1)


def test_the_same_in_a_helper_of_permission_is_found() -> None:
    helper = "from rucio.core.permission import PermissionResult\n"
    found = only(findings({"permission.py": f"from . import helper\n{PERMISSION}", "helper.py": helper}))
    assert (found.rule, found.path) == ("import-cycle", "helper.py")


@pytest.mark.parametrize(
    "beginning",
    [
        "from rucio.core.permission import generic\n",
        "from rucio.core.permission.generic import perm_add_rse\n",
        "import rucio.core.permission\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rucio.core.permission import PermissionResult\n",
        "def later():\n    from rucio.core.permission import PermissionResult\n    return PermissionResult(True)\n",
        "try:\n    from rucio.core.permission import PermissionResult\nexcept ImportError:\n    pass\n",
    ],
)
def test_what_is_there_by_then_or_comes_later_is_no_alarm(beginning: str) -> None:
    assert findings({"permission.py": beginning + PERMISSION}) == ()


def test_with_several_vos_the_package_is_loaded_when_rucio_is_complete() -> None:
    files = {"permission.py": f"from rucio.core.permission import PermissionResult\n{PERMISSION}"}
    assert findings(files, vo="atl") == ()


@pytest.mark.parametrize(
    "helper",
    [
        "from .permission import perm_default\n",
        "from . import permission\nown = permission.perm_default\n",
        "import pol.permission as p\nown = {1: p.perm_default}\n",
        "from .other import x\n",
    ],
)
def test_modules_that_import_names_of_each_other_in_a_circle_die(helper: str) -> None:
    files = {
        "permission.py": f"from .helper import x\n{PERMISSION}",
        "helper.py": f"{helper}x = 1\n",
        "other.py": "from .helper import x\n",
    }
    found = only(findings(files))
    assert (found.rule, found.severity) == ("import-cycle", Severity.ERROR)


@pytest.mark.parametrize(
    "helper",
    [
        "from . import permission\ndef later():\n    return permission.perm_default\n",
        "def later():\n    from .permission import perm_default\n    return perm_default\n",
        "from .permission import EARLY\n",
    ],
)
def test_a_circle_that_asks_only_for_what_is_there_works(helper: str) -> None:
    files = {"permission.py": f"EARLY = 1\nfrom .helper import x\n{PERMISSION}", "helper.py": f"{helper}x = 1\n"}
    assert findings(files) == ()
