"""Which of the package's algorithms Rucio has registered."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from typing import Any

from .examples import DEFAULT_VO
from .failures import Causes, failure

DEFAULT_ALGORITHMS_OF_38 = ("non_deterministic_pfn", "scope", "lfn2pfn")


def algorithms(module: str) -> dict[str, Any]:
    """What ``get_algorithms()`` returns, and which of it Rucio has registered.

    *registration* is what Rucio's own registering raises, *error* what the package's function raises, which Rucio may
    swallow.
    """
    from rucio.common.plugins import PolicyPackageAlgorithms

    declared: dict[str, object] = {}
    registration = failure(PolicyPackageAlgorithms, lambda: module)
    get_algorithms = getattr(sys.modules.get(module), "get_algorithms", dict)
    error = failure(lambda: declared.update(get_algorithms()), lambda: module)
    returned = {str(kind): by_name(named) for kind, named in declared.items()}
    registered = PolicyPackageAlgorithms._ALGORITHMS
    return {
        "registration": registration or failure(lambda: search_each(registered), lambda: module),
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
    algorithms: dict[object, object] = {}
    failure(lambda: algorithms.update(named))
    return algorithms


def search_each(registered: Any) -> None:
    """Look an algorithm up in each type, as Rucio does: what a package returns for a type is kept as it is."""
    for named in registered.values():
        "name" in named  # noqa: B015 - it raises, or not


def takes(algorithm: object) -> list[int] | None:
    """How many positional arguments it takes, at least and at most; None where Python does not say."""
    try:
        parameters = inspect.signature(algorithm).parameters.values()  # type: ignore[arg-type] # whatever was registered
    except (TypeError, ValueError):
        return None
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind == p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return [1, 0]  # no call with positional arguments alone can bind
    most = 100 if any(p.kind == p.VAR_POSITIONAL for p in parameters) else len(positional)
    return [sum(p.default is p.empty for p in positional), most]


def same(registered: object, returned: object) -> bool:
    """The very object, or the same code where the function is made anew at each call."""
    code = getattr(returned, "__code__", None)
    return registered is returned or (code is not None and getattr(registered, "__code__", None) is code)


def default_algorithms(module: str, vo: str) -> dict[str, Causes]:
    """Function T of module T, which Rucio takes for algorithm type T though nothing registers it (from 38.0 on)."""
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
    imported_before, functions = name in sys.modules, []
    swallowed = failure(
        lambda: functions.append(PolicyPackageAlgorithms._get_default_algorithm(kind, vo or DEFAULT_VO)), lambda: module
    )
    if swallowed or imported_before or any(functions):
        return swallowed
    return failure(lambda: getattr(importlib.import_module(name), kind), lambda: module)


def defaults_take(module: str, default_algorithms: dict[str, Causes]) -> dict[str, list[int] | None]:
    """How many arguments each of the default algorithms that is in force takes, by its type."""
    in_force = (kind for kind, swallowed in default_algorithms.items() if not swallowed)
    functions = {kind: getattr(sys.modules.get(f"{module}.{kind}"), kind, None) for kind in in_force}
    return {kind: takes(function) for kind, function in functions.items() if callable(function)}


def exists(module: str, name: str) -> bool:
    """Whether *module* has a submodule *name*. Never raises."""
    specs: list[object] = []
    failure(lambda: specs.append(importlib.util.find_spec(f"{module}.{name}")))
    return any(specs)
