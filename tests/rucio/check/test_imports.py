"""Imports that cannot succeed, and what Rucio makes of each."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import Severity
from tests.rucio.check.build import GOOD, INIT, PERMISSION, SCHEMA, errors, findings, only


def with_import(line: str) -> dict[str, str | bytes | None]:
    return {"permission.py": f"{line}\n{PERMISSION}"}


def test_a_missing_module_in_permission_silently_means_generic_permissions() -> None:
    found = only(findings(with_import("import metacat.webapi")))
    assert (found.rule, found.severity, found.path, found.line) == (
        "permission-import",
        Severity.ERROR,
        "permission.py",
        1,
    )
    assert "ModuleNotFoundError" in found.effect
    assert "generic permissions instead" in found.effect


def test_a_missing_name_in_permission_ends_the_process() -> None:
    found = only(findings({**with_import("from pol.helper import absent"), "helper.py": "present = 1\n"}))
    assert "pol.helper.absent raises ImportError" in found.effect
    assert "the process dies" in found.effect


def test_a_missing_module_in_what_permission_imports_counts_too() -> None:
    found = only(findings({**with_import("from . import helper"), "helper.py": "import metacat\n"}))
    assert (found.rule, found.path) == ("permission-import", "helper.py")


@pytest.mark.parametrize(
    ("version", "consequence"),
    [
        ("37.5.0", "with a WARNING in the log only"),
        ("37.6.0", "without a log line"),
        ("38.6.4", "without a log line"),
        ("39.0.0", "without a log line"),
        ("39.1.0", "PolicyPackageNotFound"),
        ("41.5.1", "PolicyPackageNotFound"),
    ],
)
def test_a_missing_module_in_init_is_taken_differently_by_each_release(version: str, consequence: str) -> None:
    found = only(findings({"__init__.py": INIT + "import metacat\n"}, rucio=version))
    assert found.rule == "init-import"
    assert consequence in found.effect


def test_a_missing_module_in_schema_means_the_generic_schema() -> None:
    assert "generic schema" in only(findings({"schema.py": "import metacat\n" + SCHEMA})).effect


def test_a_missing_module_in_get_algorithms_loses_its_algorithms_silently() -> None:
    source = INIT + "def get_algorithms():\n    from pol.extract_scope import f\n    return {'scope': {'a': f}}\n"
    found = only(findings({"__init__.py": source, "scope.py": "def scope(*_): pass\n"}))
    assert (found.rule, found.line) == ("algorithms-import", 3)
    assert "swallows" in found.effect


def test_a_missing_module_in_a_default_algorithm_means_rucios_own_since_38() -> None:
    files = {"lfn2pfn.py": "import metacat\ndef lfn2pfn(*_): pass\n"}
    assert "hash" in only(findings(files)).effect
    assert findings(files, rucio="37.7.1") == ()


@pytest.mark.parametrize(
    "line",
    [
        "try:\n    import metacat\nexcept ImportError:\n    metacat = None",
        "try:\n    import metacat\nexcept (ValueError, ModuleNotFoundError):\n    metacat = None",
        "try:\n    import metacat\nexcept:\n    pass",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import metacat",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import metacat",
        "import typing\nif typing.TYPE_CHECKING:\n    import metacat",
        "import json, os.path, xml.etree.ElementTree",
        "import sqlalchemy, requests, jinja2, dogpile.cache",
        "from rucio.core.account import has_account_attribute",
        "import rucio.core.scope",
        "from . import schema",
        "from .schema import NAME_LENGTH",
        "from pol.schema import *",
    ],
)
def test_an_import_that_works_or_is_caught_is_no_finding(line: str) -> None:
    assert findings(with_import(line)) == ()


def test_an_except_that_does_not_catch_a_missing_name_does_not_help() -> None:
    line = "try:\n    from rucio.common.constants import NoSuchName\nexcept ModuleNotFoundError:\n    pass"
    assert errors(findings(with_import(line))) == ["permission-import"]


def test_an_import_behind_a_condition_only_warns() -> None:
    assert (
        only(findings(with_import("import sys\nif sys.version_info > (3, 12):\n    import metacat"))).severity
        is Severity.WARNING
    )


def test_an_import_in_a_function_only_warns() -> None:
    found = only(findings({"permission.py": PERMISSION + "def perm_x(issuer):\n    import metacat\n"}))
    assert (found.rule, found.severity) == ("late-import", Severity.WARNING)


def test_a_module_that_one_kind_of_image_lacks_is_named_with_it() -> None:
    assert findings(with_import("import gfal2"), images=("daemons",)) == ()
    assert "Rucio's server image" in only(findings(with_import("import gfal2"))).effect


def test_rucio_modules_and_names_are_those_of_the_version() -> None:
    assert "no such module" in only(findings(with_import("import rucio.core.nothing"))).effect
    assert "no such name" in only(findings(with_import("from rucio.core.account import nothing"))).effect


def test_names_that_python_39_lacks_are_missing() -> None:
    assert "Python 3.9" in only(findings(with_import("from typing import Self"))).effect
    assert findings(with_import("from typing import Optional")) == ()
    assert "tomllib" in only(findings(with_import("import tomllib"))).effect


def test_the_package_under_another_name_is_a_rule_of_its_own() -> None:
    found = only(findings(with_import("from atlas_policy.schema import NAME_LENGTH")))
    assert found.rule == "other-name"
    assert "Rucio imports the package as pol" in found.effect


def test_a_relative_import_that_leaves_the_package_is_an_import_error() -> None:
    assert "leaves the package" in only(findings(with_import("from ...other import x"))).effect


def test_a_module_whose_names_only_running_it_tells_lacks_none() -> None:
    for source in ("from json import *\n", "def __getattr__(name): return 1\n", "globals()['x'] = 1\n"):
        assert findings({**with_import("from .helper import x"), "helper.py": source}) == ()


@pytest.mark.parametrize("name", ["__init__.py", "schema.py"])
@pytest.mark.parametrize(
    "line",
    ["import rucio.core.did", "from rucio.db.sqla import models", "from rucio.common.schema import get_schema_value"],
)
def test_init_and_schema_must_not_import_what_needs_rucio_common_schema(name: str, line: str) -> None:
    assert errors(findings({name: f"{line}\n{GOOD[name]}"})) == ["import-cycle"]


def test_permission_may_import_what_it_wants_unless_init_imports_permission() -> None:
    permission = with_import("import rucio.core.did")
    assert findings(permission) == ()
    found = only(findings({**permission, "__init__.py": INIT + "from . import permission\n"}))
    assert (found.rule, found.path) == ("import-cycle", "permission.py")


@pytest.mark.parametrize(
    "line",
    [
        "from rucio.common.constants import RseAttr",
        "from rucio.common.exception import RucioException",
        "from rucio.common.types import InternalScope",
    ],
)
def test_most_of_rucio_common_closes_no_cycle(line: str) -> None:
    assert findings({"schema.py": f"{line}\n{SCHEMA}"}) == ()
