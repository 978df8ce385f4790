"""What Rucio makes of a policy package: loads it as a server does, and reports what came into force.

Runs in any process that has Rucio, on Python 3.9 and later, with the standard library alone:

    python probe.py REPORT [--vo VO] [--memory BYTES] [--cpu SECONDS] [--files]

Which package it is, Rucio's configuration and ``RUCIO_POLICY_PACKAGE`` say, as they do for the server. Only the
database is another: a scratch file with Rucio's tables. REPORT is rewritten before each step, so that a package that
exits, hangs or crashes leaves behind how far it came; what it prints decides nothing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import importlib
import importlib.util
import inspect
import json
import logging
import os
import re
import resource
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from configparser import ConfigParser
    from types import ModuleType

ENTRANCE = "rucio.core.permission"
"""What a server imports; it brings the schema with it."""

DEFAULT_VO = "def"
NOBODY = "nobody"
"""An account without attributes."""

UNKNOWN_ACTION = "an_action_that_no_policy_knows"
"""Asked for as well: a policy should have an answer to what it does not know."""

ROW = "0" * 32
"""The id of every row of the scratch database."""

EXAMPLES: dict[str, Any] = {
    **dict.fromkeys(("account", "issuer", "new_account"), NOBODY),
    **dict.fromkeys(("scope", "did_scope", "root_scope"), "mock"),
    **dict.fromkeys(
        ("rse", "rse_name", "rse_expression", "source_replica_expression", "source", "destination"), "MOCK"
    ),
    **dict.fromkeys(("rse_id", "dest_rse_id", "src_rse_id", "dst_rse_id", "exception_id", "child_rule_id"), ROW),
    **dict.fromkeys(("rule_id", "request_id", "subscription_id"), ROW),
    **dict.fromkeys(("locked", "ignore_availability", "split_container", "recursive", "approve"), False),
    **dict.fromkeys(("ask_approval", "asynchronous", "override", "purge_replicas"), False),
    **dict.fromkeys(("copies", "bytes_", "bytes", "limit", "used", "free", "priority", "max_transfers"), 1),
    **dict.fromkeys(("lifetime", "expires_at", "weight", "grouping", "notify", "delay_injection"), None),
    **{name: {} for name in ("meta", "options", "parameters", "metadata", "filter_", "filter", "data", "statuses")},
    **{name: [] for name in ("files", "replicas", "pfns", "rses", "requests", "rules", "replication_rules", "lfns")},
    "accounts": [NOBODY],
    "dids": [{"scope": "mock", "name": "example", "type": "DATASET"}],
    "attachment": {"scope": "mock", "name": "example", "dids": [{"scope": "mock", "name": "example"}]},
    "attachments": [{"scope": "mock", "name": "example", "dids": [{"scope": "mock", "name": "example"}]}],
    "type": "USER",
    "did_type": "DATASET",
    "vo": DEFAULT_VO,
}
"""What the gateway is given for the arguments of that name, as text where it makes an object of it."""

DEFAULT_ALGORITHMS_OF_38 = ("non_deterministic_pfn", "scope", "lfn2pfn")
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes that the package may write into one file."""

Causes = list[dict[str, Any]]


class Report(dict[str, Any]):
    """What is known so far, on disk before each step."""

    def __init__(self, path: str) -> None:
        python = ".".join(map(str, sys.version_info[:3]))
        super().__init__(step="start", done=False, python=python, logged=[])
        self._file = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - kept open: the package may change directory

    def enter(self, step: str) -> None:
        """*step* begins: it is named where nothing more is heard."""
        self["step"] = step
        self.save()

    def save(self) -> None:
        """Write the report as it is now: the process may end at any moment."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(self, default=str))
        self._file.flush()


class Logged(logging.Handler):
    """Keeps the warnings that Rucio logs, each once."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, if it is new and one of the first hundred."""
        line = f"{record.name}: {record.getMessage()}"[:1000]
        if line not in self._lines and len(self._lines) < 100:
            self._lines.append(line)


def main(arguments: list[str]) -> None:
    """Load the package as a process of Rucio's does, and write the report."""
    options = parse(arguments)
    limit(options.memory, options.cpu)
    forget_own_folder()
    report = Report(options.report)
    died = failure(lambda: examine(report, options.vo, with_files=options.files), lambda: report.get("module", ""))
    if died:
        report["died"] = died
    report.save()
    # threads and exit handlers that the package leaves behind must not keep the process
    os._exit(0)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of this program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("report", help="the file that the report is written to")
    parser.add_argument("--vo", default="", help="the VO whose package is loaded, where Rucio serves several")
    parser.add_argument("--memory", type=int, default=0, help="how many bytes of address space it may have")
    parser.add_argument("--cpu", type=int, default=0, help="how many seconds of processor time it may use")
    parser.add_argument("--files", action="store_true", help="also report the sha256 of each file of the package")
    return parser.parse_args(arguments)


def limit(memory: int, cpu: int) -> None:
    """Limit this process: no core file, and no more than *memory* bytes and *cpu* seconds; 0 is no limit."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if cpu:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))


def forget_own_folder() -> None:
    """A server has not the probe's folder, nor the current one, at the head of its path."""
    if sys.path and sys.path[0] in ("", str(Path(__file__).absolute().parent)):
        del sys.path[0]


def examine(report: Report, vo: str, *, with_files: bool) -> None:
    """Load the package step by step, as Rucio does; each result is in *report*."""
    report.enter("rucio")
    report["rucio"] = importlib.import_module("rucio.version").version_string()
    report["module"] = module = configured_module(vo)
    report.enter("database")
    with tempfile.TemporaryDirectory() as folder:
        use_database(Path(folder))
        make_tables(report, vo, Path(folder))
        logging.getLogger().addHandler(Logged(report["logged"]))
        report.enter("load")
        load(vo)
        report["in_force"] = in_force(vo)
        report.enter("reasons")
        report["reasons"] = reasons(module, report["in_force"])
        report.enter("algorithms")
        report["algorithms"] = algorithms(module)
        report.enter("default algorithms")
        report["default_algorithms"] = default_algorithms(module, vo)
        report["defaults_take"] = {
            kind: takes(getattr(sys.modules[f"{module}.{kind}"], kind, None))
            for kind, swallowed in report["default_algorithms"].items()
            if not swallowed and callable(getattr(sys.modules.get(f"{module}.{kind}"), kind, None))
        }
        report.enter("schema")
        report["schemas"] = schemas_are(vo)
        report["schema_errors"] = schema_errors(vo)
        report.enter("permissions")
        report["has_permission"] = kind_of_function(vo)
        report["answers"] = answers(vo)
    if with_files:
        report.enter("files")
        report["folders"] = list(getattr(sys.modules.get(module), "__path__", ()))
        report["files"] = files(module)
    report["done"] = True


def configured_module(vo: str) -> str:
    """The package's name as Rucio finds it: the environment first, then the configuration; empty: there is none."""
    from rucio.common.config import get_config

    name = os.environ.get("RUCIO_POLICY_PACKAGE" + (f"_{vo.upper()}" if vo else ""))
    return name or str(get_config().get("policy", "package" + (f"-{vo}" if vo else ""), fallback=""))


def use_database(folder: Path) -> None:
    """Rucio's configuration as it is, but for the database."""
    from rucio.common.config import get_config

    config = get_config()
    config.remove_section("database")
    config.read_dict({"database": {"default": f"sqlite:///{folder}/rucio.db"}})
    use_configuration(config, folder / "rucio.cfg")


def use_configuration(config: ConfigParser, path: Path) -> None:
    """As a file: Rucio drops what it has read and reads it again, now and then."""
    from rucio.common.config import clean_cached_config

    with path.open("w", encoding="utf-8") as stream:
        config.write(stream)
    os.environ["RUCIO_CONFIG"] = str(path)
    clean_cached_config()


def make_tables(report: Report, vo: str, folder: Path) -> None:
    """Rucio's tables, made in a process without the package: here, Rucio must be loaded in the server's own order."""
    child = os.fork()
    if child == 0:
        unmade: dict[str, Causes] = {}
        died = failure(lambda: unmade.update(create_tables(vo, folder)))
        if died:
            report["died"] = died
            report.save()
        (folder / "unmade.json").write_text(json.dumps(unmade), encoding="utf-8")
        os._exit(1 if died else 0)
    if os.waitpid(child, 0)[1]:
        os._exit(0)  # the child has reported why
    report["unmade"] = json.loads((folder / "unmade.json").read_text(encoding="utf-8"))


def create_tables(vo: str, folder: Path) -> dict[str, Causes]:
    """What of the rows could not be made, by the name of the model."""
    without_package(folder)
    from rucio.db.sqla import models
    from rucio.db.sqla.session import get_engine

    models.register_models(get_engine())
    return {name: died for name, died in ((name, make_rows(name, vo)) for name in ROWS) if died}


ROWS = (
    "VO", "Account", "Scope", "RSE", "RSEAttrAssociation", "DataIdentifier", "ReplicationRule", "Subscription",
    "LifetimeException",
)  # fmt: skip
"""Rucio's models of which the scratch database has rows, each after those that it refers to."""


def make_rows(name: str, vo: str) -> Causes:
    """The rows that the examples name; why they could not be made, as each release has its own columns."""
    from rucio.db.sqla import models
    from rucio.db.sqla.session import get_engine
    from sqlalchemy.orm import Session

    def make() -> None:
        with Session(get_engine()) as session:
            session.add_all([getattr(models, name)(**row) for row in rows(name, vo)])
            session.commit()

    return failure(make)


def rows(name: str, vo: str) -> list[dict[str, Any]]:
    """The rows of a table in an example database, for the VO, so that questions find what they name."""
    from rucio.common.types import InternalScope
    from rucio.db.sqla import constants

    vo, root = vo or DEFAULT_VO, internal_account("root", vo)
    dataset = {
        "scope": InternalScope("mock", vo=vo),
        "name": "example",
        "account": root,
        "did_type": constants.DIDType.DATASET,
    }
    if name == "VO":
        return [{"vo": vo, "description": "", "email": ""}]
    if name == "Account":
        accounts = [internal_account(account, vo) for account in ("root", NOBODY)]
        status = constants.AccountStatus.ACTIVE
        return [
            {"account": account, "account_type": constants.AccountType.USER, "status": status} for account in accounts
        ]
    found: dict[str, dict[str, Any]] = {
        "Scope": {"scope": dataset["scope"], "account": root, "status": constants.ScopeStatus.OPEN},
        "RSE": {"id": ROW, "rse": "MOCK", "vo": vo, "rse_type": constants.RSEType.DISK, "deterministic": True},
        "RSEAttrAssociation": {"rse_id": ROW, "key": "MOCK", "value": True},
        "DataIdentifier": {**dataset, "is_open": True},
        "ReplicationRule": {"id": ROW, **dataset, "rse_expression": "MOCK", "state": constants.RuleState.OK},
        "Subscription": {"id": ROW, "name": "example", "account": root, "filter": "{}", "replication_rules": "[]"},
        "LifetimeException": {"id": ROW, **dataset, "state": constants.LifetimeExceptionsState.WAITING},
    }
    return [found[name]]


def without_package(folder: Path) -> None:
    """Rucio's configuration without the package, from now on: what remains is the generic one."""
    from rucio.common.config import get_config

    for name in [name for name in os.environ if name.startswith("RUCIO_POLICY_PACKAGE")]:
        del os.environ[name]
    config = get_config()
    config.remove_section("policy")
    use_configuration(config, folder / "without-package.cfg")


def load(vo: str) -> None:
    """Import what a server imports; of several VOs' packages Rucio loads each at its first use."""
    permission = importlib.import_module(ENTRANCE)
    schema = importlib.import_module("rucio.common.schema")
    if vo:
        schema.load_schema_for_vo(vo)
        permission.load_permission_for_vo(vo)


def in_force(vo: str) -> dict[str, dict[str, str | None]]:
    """The modules that Rucio asks from now on."""
    key = vo or DEFAULT_VO
    modules: dict[str, ModuleType] = {
        "permission": sys.modules[ENTRANCE].permission_modules[key],
        "schema": sys.modules["rucio.common.schema"].schema_modules[key],
    }
    return {part: {"module": module.__name__, "file": module.__file__} for part, module in modules.items()}


def reasons(module: str, in_force: dict[str, dict[str, str | None]]) -> dict[str, Causes]:
    """Why a part of the package is not in force: the error of importing it, which Rucio swallows."""
    names = {part: f"{module}.{part}" for part, used in in_force.items() if used["module"] != f"{module}.{part}"}
    return {part: failure(partial(importlib.import_module, name), lambda: module) for part, name in names.items()}


def algorithms(module: str) -> dict[str, Any]:
    """What ``get_algorithms()`` returns, and which of it Rucio has registered.

    *registration* is what Rucio's own registering raises, *error* what the package's function raises, which Rucio may
    swallow.
    """
    from rucio.common.plugins import PolicyPackageAlgorithms

    given: dict[str, object] = {}
    registration = failure(PolicyPackageAlgorithms, lambda: module)
    get_algorithms = getattr(sys.modules.get(module), "get_algorithms", dict)
    error = failure(lambda: given.update(get_algorithms()), lambda: module)
    returned = {str(kind): by_name(named) for kind, named in given.items()}
    registered = PolicyPackageAlgorithms._ALGORITHMS
    return {
        "registration": registration or failure(lambda: ask_each(registered), lambda: module),
        "error": error,
        "returned": {kind: sorted(map(str, named)) for kind, named in returned.items()},
        "takes": {
            kind: {str(name): takes(algorithm) for name, algorithm in named.items()} for kind, named in returned.items()
        },
        "lost": [
            f"{kind} {name}"
            for kind, named in returned.items()
            for name, algorithm in named.items()
            if not same(by_name(registered.get(kind)).get(name), algorithm)
        ],
    }


def by_name(named: Any) -> dict[object, object]:
    """The algorithms of a type, of which Rucio makes a dictionary where it has some already; else none."""
    found: dict[object, object] = {}
    failure(lambda: found.update(named))
    return found


def ask_each(registered: Any) -> None:
    """Whether a type has an algorithm, as Rucio asks: what a package gives for a type is kept as it is."""
    for named in registered.values():
        "name" in named  # noqa: B015 - it raises, or not


def takes(algorithm: object) -> list[int] | None:
    """How many arguments by place it takes, at least and at most; None where Python does not tell."""
    try:
        given = inspect.signature(algorithm).parameters.values()  # type: ignore[arg-type] # whatever was registered
    except (TypeError, ValueError):
        return None
    places = [one for one in given if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if any(one.kind == one.KEYWORD_ONLY and one.default is one.empty for one in given):
        return [1, 0]  # no call by place will do
    most = 100 if any(one.kind == one.VAR_POSITIONAL for one in given) else len(places)
    return [sum(place.default is place.empty for place in places), most]


def same(registered: object, returned: object) -> bool:
    """The very object, or the same code where the function is made anew at each call."""
    code = getattr(returned, "__code__", None)
    return registered is returned or (code is not None and getattr(registered, "__code__", None) is code)


def default_algorithms(module: str, vo: str) -> dict[str, Causes]:
    """Function T of module T, which Rucio takes for algorithm type T without being told (from 38.0 on)."""
    from rucio.common import constants
    from rucio.common.plugins import PolicyPackageAlgorithms

    kinds = getattr(constants, "POLICY_ALGORITHM_TYPES", DEFAULT_ALGORITHMS_OF_38)
    if not hasattr(PolicyPackageAlgorithms, "_get_default_algorithm"):
        return {}
    return {kind: default_algorithm(module, kind, vo) for kind in kinds if exists(module, kind)}


def default_algorithm(module: str, kind: str, vo: str) -> Causes:
    """Empty where it is in force or the package uses the module itself, else why it has no effect."""
    from rucio.common.plugins import PolicyPackageAlgorithms

    name = f"{module}.{kind}"
    used, found = name in sys.modules, []
    swallowed = failure(
        lambda: found.append(PolicyPackageAlgorithms._get_default_algorithm(kind, vo or DEFAULT_VO)), lambda: module
    )
    if swallowed or used or any(found):
        return swallowed
    return failure(lambda: getattr(importlib.import_module(name), kind), lambda: module)


def exists(module: str, name: str) -> bool:
    """Whether *module* has a submodule *name*. Never raises."""
    found: list[object] = []
    failure(lambda: found.append(importlib.util.find_spec(f"{module}.{name}")))
    return any(found)


def schema_errors(vo: str) -> dict[str, Causes]:
    """What validating raises by each name of SCHEMAS, beyond finding the value invalid: a server then fails, too."""
    from rucio.common import schema as entrance

    used = entrance.schema_modules[vo or DEFAULT_VO]
    own, generic = getattr(used, "SCHEMAS", {}), importlib.import_module("rucio.common.schema.generic").SCHEMAS
    if not (hasattr(used, "validate_schema") or "SCHEMAS" in inspect.getsource(entrance)):
        own = {}  # before 37 a package that brings no validate_schema() leaves validating to the generic schemas
    names = sorted({*(own if isinstance(own, Mapping) else ()), *generic}, key=str)
    found = {str(name): failure(partial(validate, name, own, vo)) for name in names}
    found["SCOPE_NAME_REGEXP"] = failure(lambda: scope_and_name(vo))
    return {name: causes for name, causes in found.items() if causes}


def validate(name: str, own: object, vo: str) -> None:
    """Examples of each kind, so that every part of the schema is used."""
    from rucio.common import schema as entrance
    from rucio.common.exception import InvalidObject

    entry = own.get(name) if isinstance(own, Mapping) else None
    resolve = getattr(entrance, "_resolve_references", lambda one, _: one)
    compile_patterns(resolve(entry, vo or DEFAULT_VO))
    for value in (example(entry), "nobody", 1, ["nobody"], {"nobody": 1}):
        if value:
            with suppress(InvalidObject):
                entrance.validate_schema(name, value, vo=vo or DEFAULT_VO)


def compile_patterns(schema: object) -> None:
    """A regular expression below a value that no example has is compiled all the same, one day."""
    for key, value in schema.items() if isinstance(schema, dict) else ():
        if key == "pattern" and isinstance(value, str):
            re.compile(value)
        compile_patterns(value)
    for value in schema if isinstance(schema, (list, tuple)) else ():
        compile_patterns(value)


def example(schema: object, depth: int = 0) -> object:
    """A value of the kinds that the schema speaks of; whether it is valid does not matter."""
    if not isinstance(schema, dict) or depth > 20:
        return "nobody"
    if isinstance(schema.get("properties"), dict):
        return {name: example(inner, depth + 1) for name, inner in schema["properties"].items()}
    if "items" in schema:
        return [example(schema["items"], depth + 1)]
    return {"integer": 1, "number": 1, "boolean": True}.get(str(schema.get("type")), "nobody")


def scope_and_name(vo: str) -> None:
    """As the REST interface takes both from a URL."""
    from rucio.common.schema import get_schema_value

    pattern = re.compile(get_schema_value("SCOPE_NAME_REGEXP", vo or DEFAULT_VO))
    if pattern.groups < 2:
        raise IndexError(f"no such group: {pattern.pattern!r} has {pattern.groups} of two")


def schemas_are(vo: str) -> str:
    """``dict`` where SCHEMAS can be used as one, its type where it cannot, empty where there is none."""
    from rucio.common import schema as entrance

    schemas = getattr(entrance.schema_modules[vo or DEFAULT_VO], "SCHEMAS", None)
    if isinstance(schemas, Mapping):
        return "dict"
    return type(schemas).__name__ if hasattr(entrance.schema_modules[vo or DEFAULT_VO], "SCHEMAS") else ""


def kind_of_function(vo: str) -> str:
    """``function`` where has_permission can be called, else its type; empty where there is none."""
    policy = sys.modules[ENTRANCE].permission_modules[vo or DEFAULT_VO]
    if not hasattr(policy, "has_permission"):
        return ""
    return "function" if callable(policy.has_permission) else type(policy.has_permission).__name__


def answers(vo: str) -> list[dict[str, Any]]:
    """Who decides on every action, with the arguments that the gateway gives: as root and as nobody.

    *rucio* is what a server answers, *package* what the package alone says, *generic* what Rucio's generic permissions
    say: True, False, None, or an error.
    """
    from rucio.db.sqla.session import get_engine
    from sqlalchemy.orm import Session

    rucio = sys.modules[ENTRANCE]
    package = rucio.permission_modules[vo or DEFAULT_VO]
    generic = importlib.import_module(f"{ENTRANCE}.generic")
    asked = gateway_questions()
    names = (*sorted({*actions(), *asked}), UNKNOWN_ACTION)
    forms = [(action, form) for action in names for form in asked.get(action, [()])]
    found = []
    with Session(get_engine()) as session:
        for account in ("root", NOBODY):
            for action, form in forms:
                question = as_the_gateway_asks(account, action, form, vo, session)
                found.append(
                    {
                        "account": account,
                        "action": action,
                        "asked": action in asked,
                        "given": sorted(question[2]),
                        "rucio": answer(rucio, question, session),
                        "package": answer(package, question, session),
                        "generic": answer(generic, question, session),
                    }
                )
    return found


def actions() -> list[str]:
    """The actions that the generic permissions of this Rucio decide on."""
    table = source_of(f"{ENTRANCE}.generic")
    function = next((one for one in table.body if getattr(one, "name", "") == "has_permission"), table)
    keys = [key for node in ast.walk(function) if isinstance(node, ast.Dict) for key in node.keys]
    return sorted({key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)})


def source_of(module: str) -> ast.Module:
    """The syntax tree of an installed module; an empty one where it has no source."""
    spec = importlib.util.find_spec(module)
    return ast.parse(Path(spec.origin).read_bytes()) if spec and spec.origin else ast.Module([], [])


Form = tuple[str, ...]
"""The names of the arguments (``kwargs``) of one question."""


def gateway_questions() -> dict[str, list[Form]]:
    """How this Rucio's gateway asks for each action, read in its source; some are asked for in several ways."""
    found: dict[str, list[Form]] = {}
    import rucio

    for path in sorted(Path(rucio.__path__[0], "gateway").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(function, ast.FunctionDef):
                for action, form in asked_in(function):
                    forms = found.setdefault(action, [])
                    if form not in forms:
                        forms.append(form)
    return found


def asked_in(function: ast.FunctionDef) -> list[tuple[str, Form]]:
    """The questions in a function, with the arguments that its dictionary has at that line."""
    tables: dict[str, Form] = {}
    found: list[tuple[str, Form]] = []
    nodes = (node for node in ast.walk(function) if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Call)))
    for node in sorted(nodes, key=lambda one: (one.lineno, one.col_offset)):
        if isinstance(node, ast.Call):
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            action, given = named.get("action"), named.get("kwargs")
            if isinstance(action, ast.Constant):
                form = keys_of(given) if isinstance(given, ast.Dict) else tables.get(name_of(given), ())
                found.append((str(action.value), form))
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Dict):
            tables[target.id] = keys_of(node.value)
        elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            name = name_of(target.value)
            tables[name] = (*tables.get(name, ()), str(target.slice.value))
    return found


def name_of(expression: ast.expr | None) -> str:
    """The name that the expression is; empty for all others."""
    return expression.id if isinstance(expression, ast.Name) else ""


def keys_of(table: ast.Dict) -> tuple[str, ...]:
    """The keys of a dictionary that are literal texts."""
    return tuple(key.value for key in table.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def as_the_gateway_asks(
    account: str, action: str, names: Form, vo: str, session: Any
) -> tuple[object, str, dict[str, Any]]:
    """The question as it reaches rucio.core.permission: the gateway turns names into accounts and scopes."""
    asked: list[tuple[object, str, dict[str, Any]]] = []
    given = {name: EXAMPLES.get(name, "example") for name in names}
    if vo and "vo" in given:
        given["vo"] = vo

    def record(issuer: object, action: str, kwargs: dict[str, Any], **_: object) -> bool:
        asked.append((issuer, action, kwargs))
        return True

    entrance = sys.modules[ENTRANCE]
    original = entrance.has_permission
    entrance.has_permission = record  # type: ignore[attr-defined] # put back below
    try:
        failure(lambda: ask_gateway(account, action, given, vo or DEFAULT_VO, session))
    finally:
        entrance.has_permission = original  # type: ignore[attr-defined]
    return asked[0] if asked else (internal_account(account, vo), action, given)


def ask_gateway(account: str, action: str, given: dict[str, Any], vo: str, session: object) -> None:
    """Ask Rucio's gateway whether *account* may do *action*. Raises what Rucio raises."""
    permission = importlib.import_module("rucio.gateway.permission")
    permission.has_permission(issuer=account, action=action, kwargs=given, vo=vo, session=session)


def internal_account(account: str, vo: str) -> object:
    """The account as Rucio's core names it."""
    from rucio.common.types import InternalAccount

    return InternalAccount(account, vo=vo or DEFAULT_VO)


def answer(policy: ModuleType, question: tuple[object, str, dict[str, Any]], session: Any) -> bool | str | None:
    """True, False, None, or the error's name and message. What it wrote into the database is taken back."""
    issuer, action, given = question
    said: list[object] = []
    error = failure(
        lambda: said.append(decision(policy.has_permission(issuer, action, copy.deepcopy(given), session=session)))
    )
    session.rollback()
    if error:
        return f"{error[0]['error']}: {error[0]['message']}"
    return None if said[0] is None else bool(said[0])


def decision(said: Any) -> object:
    """A bool or None is used as it is; of anything else the gateway takes ``.allowed``."""
    return said if said is None or isinstance(said, bool) else said.allowed


def failure(call: Callable[[], object], module: Callable[[], str] = str) -> Causes:
    """Why *call* fails, empty if it does not. A package that calls sys.exit() has failed, too."""
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - whatever a package raises is what is asked for here
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
    found = ("", 0)
    trace = error.__traceback__
    while trace is not None:
        file = path_in(module, trace.tb_frame.f_code.co_filename)
        found = (file, trace.tb_lineno) if file else found
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and (file := path_in(module, error.filename or "")):
        found = (file, error.lineno or 0)
    return found


def path_in(module: str, file: str) -> str:
    """The path in the package of a source file that Python names in full; empty where it is not of the package."""
    for entry in sys.path if module else ():
        folder = f"{entry}/{module}/"
        if file.startswith(folder):
            return file[len(folder) :]
    return ""


def files(module: str) -> dict[str, str | None]:
    """Sha256 of each file that this process sees in the package, by its path there; None: it cannot be read."""
    package = sys.modules.get(module)
    archive = getattr(getattr(package, "__loader__", None), "archive", None)
    if archive:
        return zipped_files(archive, f"{module}/")
    return {path: digest for root in getattr(package, "__path__", ()) for path, digest in folder_files(Path(root))}


def folder_files(root: Path) -> list[tuple[str, str | None]]:
    """Without the kubelet's own ``..data`` and ``..<time>``, and without compiled code."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith("..") and name != "__pycache__"]
        found += [Path(folder) / name for name in names]
    return [(path.relative_to(root).as_posix(), sha256(path)) for path in found]


def zipped_files(archive: str, prefix: str) -> dict[str, str | None]:
    """The SHA-256 of each file below *prefix* in the archive, by its path there."""
    with zipfile.ZipFile(archive) as opened:
        return {
            name[len(prefix) :]: hashlib.sha256(opened.read(name)).hexdigest()
            for name in opened.namelist()
            if name.startswith(prefix) and not name.endswith("/")
        }


def sha256(path: Path) -> str | None:
    """The SHA-256 of the file in hexadecimal; None where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


if __name__ == "__main__":
    main(sys.argv[1:])
