"""Imports Rucio with a policy package, plainly, and prints what there is to see. Runs in Rucio's Python."""

import contextlib
import importlib
import json
import sys
from collections.abc import Mapping

MODULE, VO = sys.argv[1:]
seen = {}


def attempt(what, call):
    try:
        return call()
    except BaseException as error:  # noqa: BLE001 - sys.exit() is one of the things to see
        ignored = "'NoneType' object is not callable" in str(error)  # table.get(action)(…), for what it leaves to Rucio
        seen.setdefault(what, "" if ignored else type(error).__name__)


def import_rucio():
    permission = importlib.import_module("rucio.core.permission")
    schema = importlib.import_module("rucio.common.schema")
    if VO:
        make_tables()  # no package is loaded yet; with several VOs Rucio asks its table of settings
        schema.load_schema_for_vo(VO)
        permission.load_permission_for_vo(VO)
    return permission.permission_modules[VO or "def"], schema.schema_modules[VO or "def"]


def make_tables():
    from rucio.db.sqla import models
    from rucio.db.sqla.session import get_engine

    models.register_models(get_engine())


def register():
    from rucio.common.plugins import PolicyPackageAlgorithms

    PolicyPackageAlgorithms._try_importing_policy(VO)
    return PolicyPackageAlgorithms._ALGORITHMS


def default_algorithm(kind):
    from rucio.common.plugins import PolicyPackageAlgorithms

    return PolicyPackageAlgorithms._get_default_algorithm(kind, VO or "def")


def ask(policy):
    """As the gateway does, with a session: the answer's .allowed is what counts."""
    from rucio.common.types import InternalAccount
    from rucio.db.sqla.session import get_engine
    from sqlalchemy.orm import Session

    rucio = sys.modules["rucio.core.permission"]
    attempt("tables", make_tables)
    with Session(get_engine()) as session:
        for account in ("root", "nobody"):
            issuer = InternalAccount(account, vo=VO or "def")
            for action in ("add_rse", "del_rse", "config_set"):
                question = (issuer, action, {"rse": "MOCK", "rse_id": None})
                attempt("swallowed", lambda question=question: policy.has_permission(*question, session=session))
                attempt(
                    "has_permission",
                    lambda question=question: rucio.has_permission(*question, session=session).allowed,
                )


def ask_for_vo(policy):
    from rucio.common.types import InternalAccount

    return policy.has_permission(InternalAccount("root", vo=VO), "add_rse", {}, session=None)


def validate():
    from rucio.common.exception import InvalidObject
    from rucio.common.schema import validate_schema

    for value in ("nobody", {"nobody": 1}):
        with contextlib.suppress(InvalidObject):
            validate_schema("account", value, vo=VO or "def")


def call(kind, algorithm):
    """With as many values as Rucio gives an algorithm of that type."""
    return algorithm(*["x"] * {"lfn2pfn": 5, "non_deterministic_pfn": 3, "auto_approve": 3, "scope": 2}.get(kind, 1))


found = attempt("import", import_rucio)
if found:
    permission, schema = found
    seen["permission"], seen["schema"] = permission.__name__, schema.__name__
    seen["file"] = getattr(sys.modules.get(MODULE), "__file__", None) or ""
    algorithms = attempt("first use", register) or {}
    attempt("first use", lambda: ["name" in named for named in algorithms.values()])
    algorithms = {kind: dict(named) for kind, named in algorithms.items() if hasattr(named, "keys")}
    seen["algorithms"] = {kind: sorted(named) for kind, named in algorithms.items()}
    seen["lfn2pfn"] = bool(attempt("default", lambda: default_algorithm("lfn2pfn")))
    if VO:
        attempt("has_permission", lambda: ask_for_vo(permission))
    else:
        ask(permission)
    attempt("validate", validate)
    schemas = getattr(schema, "SCHEMAS", {})
    seen["SCHEMAS"] = "dict" if isinstance(schemas, Mapping) else type(schemas).__name__
    seen["callable"] = callable(getattr(permission, "has_permission", print))
    for kind, named in algorithms.items():
        for algorithm in named.values():
            if getattr(algorithm, "__module__", "").startswith(f"{MODULE}"):
                attempt("call", lambda kind=kind, algorithm=algorithm: call(kind, algorithm))
print(json.dumps(seen))
