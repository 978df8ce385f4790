"""Reads Rucio's releases from the package index and writes secretsync/rucio/check/rucio_facts.json.

    python scripts/generate_rucio_facts.py --python3.9 PATH --newer-python PATH [--cache FOLDER]

The newest patch of every minor release since 36 is downloaded (not installed) and its source read with ``ast``. What
its images install is found by installing the release with the extras of Rucio's container files into a folder, once for
each different set of dependencies, with the Python 3.9 that those images run. The newer Python tells which names of the
standard library the images lack.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

OLDEST = Version("36")
OUTPUT = Path(__file__).parent.parent / "secretsync" / "rucio" / "check" / "rucio_facts.json"
ALL_EXTRAS = ("oracle", "mysql", "postgresql", "globus")
IMAGES = {  # the extras that the container files name, and what they install beside Rucio
    "server": (("oracle", "mysql", "postgresql"), ("pip", "setuptools", "pkg_resources")),
    "daemons": (ALL_EXTRAS, ("pip", "setuptools", "pkg_resources", "gfal2")),
    "ui": (("oracle", "mysql", "postgresql"), ("pip", "setuptools", "pkg_resources")),
}
NOT_IMPORTED = ("bin", "etc", "tests", "examples", "setup", "__pycache__")
"""What distributions install beside their modules, by mistake or not."""

WITHOUT_NAMES = ("tests", "web", "cli", "daemons", "client", "transfertool")
"""Parts of Rucio whose modules are listed, but whose names a policy package has no use for."""

CONTAINERS = "https://github.com/rucio/containers/blob"
IMAGE_BASES = (  # the Python of AlmaLinux is that of its python3 package, which the container files install Rucio with
    {
        "base": "almalinux:9",
        "python": "3.9",
        "since": "36.0",
        "source": f"{CONTAINERS}/33460c7128e466ff2a251c00874829b0573a37b9/daemons/alma9.Dockerfile",
    },
    {
        "base": "almalinux:10",
        "python": "3.12",
        "since": None,
        "source": f"{CONTAINERS}/e60474fde76ca1770eb6d54d61f7afa0315dca6f/server/alma10.Dockerfile",
    },
)
"""What the images are built on, and the first release whose own tag (release-X.Y.Z) is; None: beside that tag only."""

ALGORITHM_CALLS = {  # where Rucio calls an algorithm of each type: module, class, method, the callee
    "scope": ("rucio.common.utils", "ScopeExtractionAlgorithms", "extract_scope", r"fn|self\.get_algorithm\(.*\)"),
    "non_deterministic_pfn": (
        "rucio.common.utils",
        "NonDeterministicPFNAlgorithms",
        "construct_non_deterministic_pfn",
        r"fn|self\.get_algorithm\(.*\)",
    ),
    "lfn2pfn": ("rucio.rse.translation", "RSEDeterministicTranslation", "path", r"algorithm_callable"),
    "auto_approve": ("rucio.core.rule", "AutoApprove", "evaluate", r"self\.get_configured_algorithm\(.*\)"),
    "fts3_tape_metadata_plugins": (
        "rucio.transfertool.fts3_plugins",
        "FTS3TapeMetadataPlugin",
        "hints",
        r"self\.set_in_hints",
    ),
    "fts3_plugins_init": ("rucio.transfertool.fts3_plugins", "FTS3TapeMetadataPlugin", "__init__", r"init_func"),
}
MODULES_WITH_CLASSES = (
    "rucio.common.types",
    "rucio.common.plugins",
    "rucio.common.utils",
    "rucio.rse.translation",
    "rucio.transfertool.fts3_plugins",
    "rucio.db.sqla.constants",
)
"""Modules whose classes a policy package derives from, whose objects it is given, or whose constants it names."""

INJECTS_A_SESSION = ("read_session", "transactional_session", "stream_session")
"""Decorators of Rucio whose functions may be called without a session."""

STANDARD_LIBRARY = """
import builtins, importlib, json, pkgutil, sys, sysconfig, warnings
warnings.simplefilter("ignore")
import collections.abc, os.path
names = {"collections.abc", "os.path"} | set(sys.builtin_module_names) | {
    module.name for folder in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib") + "/lib-dynload")
    for module in pkgutil.iter_modules([folder])} - {"test", "idlelib", "turtledemo", "lib2to3", "this", "antigravity"}
found = {}
for name in sorted(names):
    public = not name.startswith("_")
    if name in ("idlelib", "this", "antigravity", "test") or name.startswith("_test"):
        continue
    todo = [name]
    while todo:
        name = todo.pop()
        try:
            module = importlib.import_module(name)
        except Exception:
            found[name] = []
            continue
        below = [one.name for one in pkgutil.iter_modules(getattr(module, "__path__", ())) if one.name[0] != "_"]
        found[name] = sorted({*dir(module), *below}) if public else []
        todo += [f"{name}.{one}" for one in below if public and one not in ("tests", "test", "idle_test")]
print(json.dumps(found))
"""

Sources = Mapping[str, ast.Module]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--python3.9", dest="python", type=Path, required=True)
    arguments.add_argument("--newer-python", type=Path, required=True)
    arguments.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "secretsync-rucio-facts")
    given = arguments.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)

    releases = {minor: download(version, given.cache) for minor, version in newest_patches().items()}
    facts = {minor: facts_of(files) for minor, files in releases.items()}
    installed = {minor: images(files, given.python, given.cache) for minor, files in releases.items()}
    before, after = standard_library(given.python), standard_library(given.newer_python)
    result = {
        "releases": {minor: {**facts[minor]["own"], "python": python_of(minor)} for minor in releases},
        "image_bases": IMAGE_BASES,
        "installed": {kind: compact({minor: one[kind] for minor, one in installed.items()}) for kind in IMAGES},
        "modules": compact({minor: fact["modules"] for minor, fact in facts.items()}),
        "names": {
            module: compact({minor: fact["names"].get(module, []) for minor, fact in facts.items()})
            for module in sorted({module for fact in facts.values() for module in fact["names"]})
        },
        "distributions": {
            kind: compact({minor: one[kind + " distributions"] for minor, one in installed.items()}) for kind in IMAGES
        },
        "arguments": {
            action: compact({minor: fact["arguments"].get(action, []) for minor, fact in facts.items()})
            for action in sorted({action for fact in facts.values() for action in fact["arguments"]})
        },
        "classes": {
            class_: compact({minor: fact["classes"].get(class_, []) for minor, fact in facts.items()})
            for class_ in sorted({class_ for fact in facts.values() for class_ in fact["classes"]})
        },
        "signatures": signatures_of({minor: fact["signatures"] for minor, fact in facts.items()}),
        "closes_a_cycle": compact({minor: fact["cycles"] for minor, fact in facts.items()}),
        "standard_library": sorted(name for name in before if "." not in name),
        "not_yet_in_the_images": {
            name: sorted(added)
            for name in sorted(before)
            if before[name]
            and (added := {one for one in set(after.get(name, ())) - set(before[name]) if one[0] != "_"})
        },
    }
    OUTPUT.write_text(json.dumps(result, sort_keys=True, separators=(",", ":")).replace("},", "},\n") + "\n")
    print(f"{OUTPUT}: {len(releases)} releases, {OUTPUT.stat().st_size:,} bytes")  # noqa: T201 - its only output


def python_of(minor: str) -> str:
    """The Python of the images whose tag is the release."""
    since = {base["since"]: base["python"] for base in IMAGE_BASES if base["since"]}
    return str(since[max((first for first in since if Version(first) <= Version(minor)), key=Version)])


def newest_patches() -> dict[str, str]:
    """``{"41.5": "41.5.1"}`` for every minor release that the index has."""
    answer = run(sys.executable, "-m", "pip", "index", "versions", "rucio")
    listed = re.search(r"Available versions: (.*)", answer)
    versions = sorted(Version(text) for text in listed[1].split(", ")) if listed else []
    return {f"{v.major}.{v.minor}": str(v) for v in versions if v >= OLDEST}


def download(version: str, cache: Path) -> dict[str, bytes]:
    """The files of a release as ``{"rucio/common/policy.py": …, "METADATA": …}``."""
    folder = cache / "releases" / version
    if not folder.exists():
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), f"rucio=={version}")
    archive = next(folder.iterdir())
    return dict(_wheel(archive) if archive.suffix == ".whl" else _source_distribution(archive))


def _wheel(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if name.endswith(".py"):
                yield name, wheel.read(name)
            elif name.endswith(".dist-info/METADATA"):
                yield "METADATA", wheel.read(name)


def _source_distribution(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as sources:
        for member in sources.getmembers():
            _, _, name = member.name.partition("/")
            content = sources.extractfile(member)
            if content and name.startswith("lib/rucio/") and name.endswith(".py"):
                yield name.removeprefix("lib/"), content.read()
            elif content and name == "PKG-INFO":
                yield "METADATA", content.read()


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


def algorithm_types(constants: ast.Module) -> list[str] | None:
    for statement in constants.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id="POLICY_ALGORITHM_TYPES_LITERAL")],
                value=ast.Subscript(slice=ast.Tuple(elts=types)),
            ):
                return [one.value for one in types if isinstance(one, ast.Constant)]
    return None


def actions(generic: ast.Module) -> list[str]:
    for statement in generic.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "has_permission":
            tables = [node for node in ast.walk(statement) if isinstance(node, ast.Dict)]
            return sorted(key.value for table in tables for key in table.keys if isinstance(key, ast.Constant))
    return []


def asked_by_the_gateway(trees: Sources) -> set[str]:
    """The actions that the gateway checks a permission for; not all of them are in the generic table."""
    return {
        str(one.value.value)
        for name, tree in trees.items()
        if name.startswith("rucio.gateway.")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("has_permission")
        for one in call.keywords
        if one.arg == "action" and isinstance(one.value, ast.Constant)
    }


def arguments_of_actions(trees: Sources) -> dict[str, list[str]]:
    """For each action the names that may stand in ``kwargs``: what Rucio gives, and what its own permissions read.

    An action is left out where one of the places that ask for it does not show what it gives.
    """
    found: dict[str, set[str]] = {}
    unknown: set[str] = set()
    for name, tree in trees.items():
        if name.startswith("rucio.core.permission"):
            continue
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for action, given in _questions(function):
                    found.setdefault(action, set()).update(given or ())
                    unknown |= set() if given is not None else {action}
    for action, read in _read_by_generic(trees["rucio.core.permission.generic"]).items():
        found.setdefault(action, set()).update(read)
    asked = asked_by_the_gateway(trees)
    return {action: sorted(found[action]) for action in sorted(found.keys() & asked - unknown)}


def _questions(function: ast.FunctionDef) -> Iterator[tuple[str, set[str] | None]]:
    """The calls of ``has_permission`` in a function, with the keys of the dictionary that each hands on."""
    tables: dict[str, set[str] | None] = {}
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AnnAssign | ast.Call))
    for node in sorted(nodes, key=lambda one: (one.lineno, one.col_offset)):
        if isinstance(node, ast.Call):
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            action, given = named.get("action"), named.get("kwargs")
            if isinstance(action, ast.Constant) and ast.unparse(node.func).endswith("has_permission"):
                yield str(action.value), tables.get(given.id) if isinstance(given, ast.Name) else _keys(given)
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(target, ast.Name):
            tables[target.id] = _keys(node.value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            keys = tables.get(target.value.id)
            if isinstance(target.slice, ast.Constant) and keys is not None:
                keys.add(str(target.slice.value))
            else:
                tables[target.value.id] = None


def _keys(table: ast.expr | None) -> set[str] | None:
    """The keys of a dictionary display; None where one of them is not a text."""
    if not isinstance(table, ast.Dict) or not all(isinstance(key, ast.Constant) for key in table.keys):
        return None
    return {str(key.value) for key in table.keys if isinstance(key, ast.Constant)}


def _read_by_generic(generic: ast.Module) -> dict[str, set[str]]:
    """For each action the texts with which the generic function that decides on it subscribes or asks."""
    functions = {one.name: one for one in generic.body if isinstance(one, ast.FunctionDef)}
    found: dict[str, set[str]] = {}
    for node in ast.walk(functions["has_permission"]):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Name) and value.id in functions:
                    texts = (one for one in ast.walk(functions[value.id]) if isinstance(one, ast.Constant))
                    found[str(key.value)] = {
                        text for one in texts if (text := str(one.value)).isidentifier() and text[0].islower()
                    }
    return found


def members(class_: ast.ClassDef, tree: ast.Module, trees: Sources) -> set[str]:
    """The attributes of a class and of its instances, inherited ones too; none where a base is not Rucio's."""
    found: set[str] = set()
    for base in class_.bases:
        name = ast.unparse(base).partition("[")[0]
        inherited = _class_named(name, tree, trees)
        if name in ("object", "Generic", "ABC", "Enum", "str", "int"):
            continue
        if inherited is None or not (brought := members(*inherited, trees)):
            return set()
        found |= brought
    for node in ast.walk(class_):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return set() if found & {"__getattr__", "__getattribute__"} else found - {class_.name} | {"__init__"}


def _class_named(name: str, tree: ast.Module, trees: Sources) -> tuple[ast.ClassDef, ast.Module] | None:
    """The class that *name* means in a module, and the module that defines it."""
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            return statement, tree
        if isinstance(statement, ast.ImportFrom) and statement.module and statement.module in trees:
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    return _class_named(alias.name, trees[statement.module], trees)
    return None


def schema_names(schema: ast.Module) -> list[str]:
    """The keys of ``SCHEMAS``: the names that Rucio validates by."""
    for statement in schema.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="SCHEMAS")], value=ast.Dict(keys=keys)):
                return sorted(key.value for key in keys if isinstance(key, ast.Constant))
    return []


def algorithm_arguments(trees: Sources) -> dict[str, list[str]]:
    """The arguments that Rucio gives an algorithm of each type, as its source writes them."""
    found = {}
    for kind, (name, class_, method, callee) in ALGORITHM_CALLS.items():
        for node in ast.walk(_method(trees, name, class_, method)):
            if isinstance(node, ast.Call) and re.fullmatch(callee, ast.unparse(node.func)) and not node.keywords:
                found[kind] = [ast.unparse(argument).removeprefix("self.") for argument in node.args]
    # this type is handed on as a function: its own default has its parameters
    default = _method(trees, "rucio.rse.translation", "RSEDeterministicScopeTranslation", "_default")
    if isinstance(default, ast.FunctionDef):
        found["pfn2lfn"] = [one.arg for one in default.args.args]
    return found


def _method(trees: Sources, module: str, class_: str, method: str) -> ast.AST:
    """The method, or an empty module where that release does not have it."""
    for statement in trees[module].body if module in trees else ():
        if isinstance(statement, ast.ClassDef) and statement.name == class_:
            for inner in statement.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == method:
                    return inner
    return ast.Module(body=[], type_ignores=[])


def late_names(permission: ast.Module) -> list[str]:
    """What ``rucio.core.permission`` defines after the statement that imports the policy package."""
    loads = next(
        index
        for index, statement in enumerate(permission.body)
        if isinstance(statement, ast.If) and "import_module" in ast.unparse(statement)
    )
    early = top_names(ast.Module(body=permission.body[:loads], type_ignores=[]))
    return sorted(top_names(ast.Module(body=permission.body[loads + 1 :], type_ignores=[])) - early)


def signatures(tree: ast.Module) -> dict[str, str]:
    """``{"has_account_attribute": "account,key,*,session"}``: a name with ``=`` may be left out."""
    return {
        one.name: _parameters(one)
        for one in tree.body
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_") and _keeps_its_signature(one)
    }


def result_signature(permission: ast.Module) -> dict[str, str]:
    """What a PermissionResult is made of; the functions beside it are called by Rucio alone."""
    return {
        class_.name: _parameters(method).removeprefix("self,")
        for class_ in permission.body
        if isinstance(class_, ast.ClassDef) and class_.name == "PermissionResult"
        for method in class_.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
    }


def _keeps_its_signature(definition: ast.FunctionDef) -> bool:
    known = (*INJECTS_A_SESSION, "METRICS.time_it", "METRICS.count_it", "METRICS.count_it()", "METRICS.time_it()")
    return all(ast.unparse(one).startswith(known) for one in definition.decorator_list)


def _parameters(definition: ast.FunctionDef) -> str:
    injected = any(ast.unparse(one) in INJECTS_A_SESSION for one in definition.decorator_list)
    given = definition.args
    places = [*given.posonlyargs, *given.args]
    optional = {one.arg for one in places[len(places) - len(given.defaults) :]} if given.defaults else set()
    optional |= {one.arg for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default}
    optional |= {"session"} if injected else set()
    words = [one.arg + ("=" if one.arg in optional else "") for one in places]
    if given.posonlyargs:
        words.insert(len(given.posonlyargs), "/")
    if given.vararg or given.kwonlyargs:
        words.append("*" + (given.vararg.arg if given.vararg else ""))
    words += [one.arg + ("=" if one.arg in optional else "") for one in given.kwonlyargs]
    return ",".join([*words, f"**{given.kwarg.arg}"] if given.kwarg else words)


def signatures_of(by_release: Mapping[str, object]) -> dict[str, dict[str, dict[str, list[str]]]]:
    """``{module: {function: {signature: [the releases that have it]}}}``; an empty list stands for every release."""
    result: dict[str, dict[str, dict[str, list[str]]]] = {}
    for minor, modules in by_release.items():
        for module_name, functions in modules.items():  # type: ignore[attr-defined] # dictionaries, all of them
            for function, parameters in functions.items():
                result.setdefault(module_name, {}).setdefault(function, {}).setdefault(parameters, []).append(minor)
    for functions in result.values():
        for forms in functions.values():
            for parameters, releases in forms.items():
                forms[parameters] = [] if len(releases) == len(by_release) else releases
    return result


def limits(schema: ast.Module) -> dict[str, object]:
    return {
        target.id: statement.value.value
        for statement in schema.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def top_names(tree: ast.Module) -> set[str]:
    """The names an import can take from a module; none where that cannot be told without running it."""
    names: set[str] = set()
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        statement = todo.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in statement.names)
        else:
            for node in ast.iter_child_nodes(statement):
                if isinstance(node, ast.stmt):
                    todo.append(node)
                elif isinstance(node, ast.ExceptHandler):
                    todo.extend(node.body)
                else:
                    names.update(
                        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                    )
    return set() if names & {"*", "__getattr__"} else names


def reaching(goal: str, trees: Sources, packages: set[str]) -> set[str]:
    """Modules whose import needs a name of *goal*, by whatever way.

    While *goal* is half loaded, what is below it can be imported, and so can what only its own package is needed for.
    """
    edges = {name: set(_runs(name, tree, trees, packages)) - {name} for name, tree in trees.items()}
    for name, imported in edges.items():
        parent = name.rpartition(".")[0]
        imported |= {parent} - {"", goal}
    found, grown = {goal}, True
    while grown:
        more = {name for name, imported in edges.items() if name not in found and imported & found}
        found |= more
        grown = bool(more)
    return found - {goal}


def _runs(name: str, tree: ast.Module, trees: Sources, packages: set[str]) -> Iterator[str]:
    """What importing the module imports; of ``a.b.c`` only that: the closure over parents is made by the caller."""
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        statement = todo.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            todo.extend(statement.orelse)
            continue
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            base = statement.module or ""
            if statement.level:
                climbs = statement.level - (name in packages)
                parts = name.split(".")
                base = ".".join([*parts[: len(parts) - climbs], *filter(None, [statement.module])])
            below = [f"{base}.{alias.name}" for alias in statement.names if f"{base}.{alias.name}" in trees]
            yield from below if len(below) == len(statement.names) else [base, *below]
        else:
            todo.extend(node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt))
            handlers = [node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.ExceptHandler)]
            todo.extend(inner for handler in handlers for inner in handler.body)


def images(files: Mapping[str, bytes], python: Path, cache: Path) -> dict[str, list[str]]:
    """Top-level modules that each kind of image has beside Rucio and the standard library."""
    metadata = files["METADATA"].decode()
    needs = sorted(re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE))
    names = "\n".join(re.sub(r"[<>=!~]+[\w.*,<>=!~]+", "", need) for need in needs)
    folder = cache / "installed" / hashlib.sha256(names.encode()).hexdigest()[:16]
    if not folder.exists():
        version = re.findall(r"^Version: (.*)$", metadata, re.MULTILINE)[0]
        requirement = f"rucio[{','.join(ALL_EXTRAS)}]=={version}"
        run(str(python), "-m", "pip", "install", "--quiet", "--target", str(folder), requirement, "jinja2")
    there = {canonicalize_name(one.name): one for one in distributions(path=[str(folder)])}
    result = {}
    for kind, (extras, beside) in IMAGES.items():
        found = {*_required(there, "rucio", extras), *_required(there, "jinja2", ())}
        result[kind] = sorted({*(module for name in found for module in _top_level(there[name])), *beside} - {"rucio"})
        result[f"{kind} distributions"] = sorted({*found, "pip", "setuptools"})
    return result


def _required(there: Mapping[str, Distribution], name: str, extras: tuple[str, ...]) -> Iterator[str]:
    """A distribution and all that it requires, by their names."""
    todo, seen = [(canonicalize_name(name), extras)], set()
    while todo:
        wanted = todo.pop()
        if wanted in seen or wanted[0] not in there:
            continue
        seen.add(wanted)
        distribution = there[wanted[0]]
        yield wanted[0]
        for text in distribution.requires or ():
            need = Requirement(text)
            environments = [
                {"python_version": "3.9", "python_full_version": "3.9.18", "extra": e} for e in ("", *wanted[1])
            ]
            if not need.marker or any(need.marker.evaluate(environment) for environment in environments):
                todo.append((canonicalize_name(need.name), tuple(sorted(need.extras))))


def _top_level(distribution: Distribution) -> Iterator[str]:
    for file in distribution.files or ():
        first = file.parts[0]
        if len(file.parts) > 1 and first.isidentifier() and first not in NOT_IMPORTED:
            yield first
        elif len(file.parts) == 1 and file.suffix in (".py", ".so") and file.stem not in NOT_IMPORTED:
            yield first.partition(".")[0]


def standard_library(python: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(run(str(python), "-c", STANDARD_LIBRARY))
    return found


def compact(by_release: Mapping[str, object]) -> dict[str, object]:
    """What all releases have is written once; the rest with the releases that have it."""
    sets = {minor: set(names) for minor, names in by_release.items()}  # type: ignore[call-overload] # lists, all of them
    everywhere = set.intersection(*sets.values())
    some = sorted(set.union(*sets.values()) - everywhere)
    return {
        "all": sorted(everywhere),
        "some": {name: [minor for minor in sets if name in sets[minor]] for name in some},
    }


def module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
