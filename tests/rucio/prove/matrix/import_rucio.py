"""Imports Rucio with a policy package, plainly, and prints what there is to see. Runs in Rucio's Python."""

import importlib
import json
import sys

MODULE, VO = sys.argv[1:]
seen = {}


def attempt(what, call):
    try:
        return call()
    except BaseException as error:  # noqa: BLE001 - sys.exit() is one of the things to see
        seen[what] = type(error).__name__


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
    from rucio.common.types import InternalAccount

    return policy.has_permission(InternalAccount("root", vo=VO or "def"), "add_rse", {}, session=None)


found = attempt("import", import_rucio)
if found:
    permission, schema = found
    seen["permission"], seen["schema"] = permission.__name__, schema.__name__
    seen["file"] = getattr(sys.modules.get(MODULE), "__file__", None) or ""
    algorithms = attempt("first use", register) or {}
    seen["algorithms"] = {kind: sorted(named) for kind, named in algorithms.items()}
    seen["lfn2pfn"] = bool(attempt("default", lambda: default_algorithm("lfn2pfn")))
    attempt("has_permission", lambda: ask(permission))
print(json.dumps(seen))
