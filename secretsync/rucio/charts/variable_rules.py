"""Rules on what a site's values say to Python and to Rucio: variables, and the section [policy]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from secretsync.rucio.charts.case import (
    Case,
    Problem,
    additional_variables,
    folders,
    policies,
    said_beside,
    same_key,
    section,
    variables,
    variables_of_pods,
)
from secretsync.rucio.charts.values import settings
from secretsync.rucio.workload_context import is_search_path

_STILL_READ = {
    "permission": "conveyor-receiver, FTS and lifetime exceptions read it as the name of the VO",
    "schema": "the server reads it for metalinks",
}
"""What Rucio 36 to 41 does with the options that chose a policy, once a package is named and loaded in their place."""


def _a_second_delivery(case: Case) -> Iterator[Problem]:
    if section(case.values, "policyPackages").get("enabled"):
        problem = "an init container installs packages too, and sets PYTHONPATH a second time"
        yield Problem("policyPackages.enabled", problem, "set it to false")


def _lists_that_are_hidden(case: Case) -> Iterator[Problem]:
    if case.values.get("additionalSecrets"):
        problem = "older charts read it only where secretMounts is empty, newer ones not at all"
        yield Problem("additionalSecrets", problem, "move its entries to secretMounts")


def _settings_that_differ(case: Case) -> Iterator[Problem]:
    for setting in settings(case.wiring, case.via):
        if said_beside(case, setting):
            continue
        target_section = section(case.values, *setting.path[:-1])
        key = same_key(target_section, setting.path)
        location, value = ".".join((*setting.path[:-1], key)), target_section.get(key)
        if setting.path[-1] == "pythonpath":
            missing = [folder for folder in case.wiring.python_path if folder not in folders(value)]
            if missing:
                yield Problem(location, f"PYTHONPATH does not name {' or '.join(missing)}", "--merge adds it")
        elif value != setting.value:
            problem = f"names {value!r} instead of" if value else "does not name"
            yield Problem(location, f"{problem} {setting.value}", "--merge writes it")


def _variables_that_win(case: Case) -> Iterator[Problem]:
    """The charts put ``additionalEnvs`` behind ``optional_config``, and the last of one name counts."""
    of_environment = [setting for setting in settings(case.wiring, case.via) if setting.path[0] == "optional_config"]
    variable_names = {setting.path[-1].upper() for setting in of_environment if not said_beside(case, setting)}
    for location, name, _ in additional_variables(case):
        if name == "PYTHONPATH" and "PYTHONPATH" in variable_names:
            problem = "PYTHONPATH is set a second time, and this one counts"
            yield Problem(location, problem, "remove it, and name its folders in optional_config.pythonpath")
        elif name in variable_names:
            yield Problem(location, f"{name} is set a second time, and this one counts", "remove it")


def _variables_over_the_configuration(case: Case) -> Iterator[Problem]:
    """Rucio asks the environment first."""
    for vo, module in case.wiring.modules.items() if case.via == "config" else ():
        variable = f"RUCIO_POLICY_PACKAGE_{vo.upper()}" if vo else "RUCIO_POLICY_PACKAGE"
        for location, name, value in variables(case):
            if name == variable and value != module:
                yield Problem(location, f"{variable} names {value!r}, and wins over the configuration", "remove it")


def _policies_that_differ(case: Case) -> Iterator[Problem]:
    for location, policy in policies(case):
        for vo, module in case.wiring.modules.items():
            key = f"package-{vo}" if vo else "package"
            is_a_setting = case.via == "config" and location == "config.policy"
            if not is_a_setting and policy.get(key, module) != module:
                yield Problem(f"{location}.{key}", f"names {policy[key]!r} instead of {module}", "remove this line")


def _variables_that_rucio_ignores(case: Case) -> Iterator[Problem]:
    for location, name, _ in variables(case):
        if name.startswith("RUCIO_CFG_POLICY_PACKAGE_"):
            vo = name.removeprefix("RUCIO_CFG_POLICY_PACKAGE_")
            problem = f"{name} becomes [policy] package_{vo.lower()}, which Rucio ignores"
            yield Problem(location, problem, f"remove it; RUCIO_POLICY_PACKAGE_{vo} is read")


def _python_path_without_the_root(case: Case) -> Iterator[Problem]:
    """The style ``existing`` leaves PYTHONPATH to the site."""
    if case.wiring.style != "existing":
        return
    root = case.wiring.found_at
    remedy = "add it, or choose --style directory, which does"
    for location, name, value in variables(case):
        if name == "PYTHONPATH" and root not in folders(value):
            yield Problem(location, f"PYTHONPATH does not name {root}", remedy)
    pods = list(variables_of_pods(case))
    lacking = [name for name, listed in pods if not _has_search_path(listed)]
    remedy = "name it in optional_config.pythonpath, or choose --style directory, which does"
    if len(lacking) == len(pods):
        problem = f"nothing here puts {root} on PYTHONPATH; it holds only where the image does"
        yield Problem("optional_config.pythonpath", problem, remedy, blocks=False)
    elif lacking:
        problem = f"PYTHONPATH is set for other daemons and not for {', '.join(lacking)}"
        yield Problem("optional_config.pythonpath", problem, remedy)


def _has_search_path(found: list[tuple[str, str, object]]) -> bool:
    return any(name == "PYTHONPATH" or is_search_path(name) for _, name, _ in found)


def _other_search_paths(case: Case) -> Iterator[Problem]:
    """Entrypoints of sites' images put the folder in such a variable before PYTHONPATH."""
    own_folders = {case.wiring.found_at, *case.wiring.python_path}
    for location, name, value in variables(case):
        other_folders = [folder for folder in folders(value) if folder not in own_folders]
        if is_search_path(name) and other_folders:
            problem = (
                f"{name} names {' and '.join(other_folders)}, which an image's entrypoint may put before PYTHONPATH: "
                "a copy of the package that lies there decides"
            )
            yield Problem(location, problem, f"set it to {case.wiring.found_at}, or remove it")


def _variables_that_come_twice(case: Case) -> Iterator[Problem]:
    variable_names = {setting.path[-1].upper() for setting in settings(case.wiring, case.via)}
    seen: set[tuple[str, ...]] = set()
    for _, listed in variables_of_pods(case):
        for name, count in Counter(name for _, name, _ in listed).items():
            places = tuple(location for location, variable, _ in listed if variable == name)
            if (
                count < 2
                or places in seen
                or (name in variable_names and "the chart's own" not in places and _is_told(places))
            ):
                continue
            seen.add(places)
            problem = f"{name} is set twice ({' and '.join(places)}): Helm 4 and server-side apply refuse that"
            yield Problem(places[-1], problem, "set it once", blocks=name in variable_names or name == "PYTHONPATH")


def superseded(case: Case) -> Iterator[Problem]:
    """Options that choose a policy no longer, as the package does; they are right where something else needs them."""
    variable_keys = {f"RUCIO_CFG_POLICY_{key.upper()}": key for key in _STILL_READ}
    found = [(f"{location}.{key}", key) for location, policy in policies(case) for key in policy if policy[key]]
    found += [(location, variable_keys.get(name, "")) for location, name, _ in variables(case)]
    for location, key in found:
        if key in _STILL_READ:
            problem = f"the package decides in place of {key!r}, and {_STILL_READ[key]}"
            yield Problem(location, problem, "remove it where nothing needs that", blocks=False)


def _is_told(places: tuple[str, ...]) -> bool:
    """Whether `_variables_that_win` tells of it: a setting of ours that additionalEnvs sets once more."""
    return places[0].startswith("optional_config.") and "additionalEnvs" in places[-1]


RULES: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    _lists_that_are_hidden,
    _a_second_delivery,
    _settings_that_differ,
    _variables_that_win,
    _variables_over_the_configuration,
    _policies_that_differ,
    _variables_that_rucio_ignores,
    _python_path_without_the_root,
    _other_search_paths,
    _variables_that_come_twice,
)
