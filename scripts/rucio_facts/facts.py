"""All facts of one release, read from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.rucio_facts.algorithms import algorithm_arguments, algorithm_types
from scripts.rucio_facts.names import MODULES_WITH_CLASSES, late_names, members, module, reaching, top_names
from scripts.rucio_facts.questions import actions, arguments_of_actions, asked_by_the_gateway
from scripts.rucio_facts.signatures import result_signature, signatures

WITHOUT_NAMES = ("tests", "web", "cli", "daemons", "client", "transfertool")
"""Parts of Rucio whose modules are listed, but whose names a policy package has no use for."""


def facts_of(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    paths = {module(name): name for name in files if name.startswith("rucio/") and "migrate_repo" not in name}
    trees = {name: ast.parse(files[path]) for name, path in paths.items()}
    packages = {name for name, path in paths.items() if path.endswith("/__init__.py")}
    loader = files["rucio/core/permission/__init__.py"].decode()
    plugins = files["rucio/common/plugins.py"].decode()
    return {
        "own": {
            "package_lost": package_lost(loader),
            "algorithm_types": algorithm_types(trees["rucio.common.constants"]),
            "reads_specifier_sets": reads_specifier_sets(files["METADATA"].decode()),
            "default_algorithms": "_get_default_algorithm" in plugins,
            "actions": actions(trees["rucio.core.permission.generic"]),
            "asked": sorted({*actions(trees["rucio.core.permission.generic"]), *asked_by_the_gateway(trees)}),
            "limits": limits(trees["rucio.common.schema.generic"]),
            "validates_by_schemas": b"SCHEMAS" in files["rucio/common/schema/__init__.py"],
            "schemas": schema_names(trees["rucio.common.schema.generic"]),
            "algorithm_arguments": algorithm_arguments(trees),
            "late_in_permission": late_names(trees["rucio.core.permission"]),
        },
        "signatures": {
            name: found
            for name, tree in trees.items()
            if name.startswith(("rucio.core.", "rucio.common.config", "rucio.common.utils", "rucio.db.sqla.session"))
            and (found := result_signature(tree) if name.startswith("rucio.core.permission") else signatures(tree))
        },
        "arguments": arguments_of_actions(trees),
        "classes": {
            f"{name}.{class_.name}": sorted(found)
            for name in MODULES_WITH_CLASSES
            for class_ in (trees[name].body if name in trees else ())
            if isinstance(class_, ast.ClassDef) and (found := members(class_, trees[name], trees))
        },
        "modules": sorted(trees),
        "names": {
            name: sorted(names)
            for name, tree in trees.items()
            if name.split(".")[1:2] and name.split(".")[1] not in WITHOUT_NAMES and (names := top_names(tree))
        },
        "cycles": sorted(reaching("rucio.common.schema", trees, packages)),
    }


def package_lost(loader: str) -> str:
    """What ``rucio.core.permission`` does when the package, or a module that it imports, is not found."""
    if "check_policy_package_version(policy)" in loader:
        return "generic with a warning"
    return "generic without a log line" if "NoSectionError, ModuleNotFoundError" in loader else "stops"


def reads_specifier_sets(metadata: str) -> bool:
    """Whether the release admits packaging 24.2, the first that makes a SpecifierSet of another one (its changelog)."""
    needs = map(Requirement, re.findall(r"^Requires-Dist: (packaging\b.*)$", metadata, re.MULTILINE))
    return all("24.2" in need.specifier for need in needs if canonicalize_name(need.name) == "packaging")


def schema_names(schema: ast.Module) -> list[str]:
    """The keys of ``SCHEMAS``: the names that Rucio validates by."""
    for statement in schema.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="SCHEMAS")], value=ast.Dict(keys=keys)):
                return sorted(key.value for key in keys if isinstance(key, ast.Constant))
    return []


def limits(schema: ast.Module) -> dict[str, object]:
    return {
        target.id: statement.value.value
        for statement in schema.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }
