"""Rules on a site's values file: what keeps pods from the packages, each with its remedy.

How Rucio's charts treat the keys was read in charts 40.0.0 (https://github.com/rucio/helm-charts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secretsync.rucio.charts.values import settings
from secretsync.rucio.wiring import Mount, Wiring

Values = Mapping[str, Any]
Entry = dict[str, Any]

_OTHERS_READ = 0o004
_CHOOSES = "chooses one of Rucio's own policies; a package brings both"
_NOT_DAEMONS = frozenset({"ftsRenewal", "automaticRestart", "renewFts"})
"""Jobs of the daemons' chart with lists of their own; none of them loads a policy package."""


@dataclass(frozen=True, slots=True)
class Problem:
    """*place* is where in the values, *what* is wrong there, *remedy* what mends it."""

    place: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Case:
    """A values file of one chart, and what it is to say."""

    values: Values
    wiring: Wiring
    chart: str
    via: str


def lint(case: Case) -> tuple[Problem, ...]:
    """All that is wrong, in the order of the rules."""
    return tuple(problem for rule in _RULES for problem in rule(case))


def mounted(entries: Sequence[Entry], mount: Mount) -> bool:
    """Whether one of the *entries* of ``secretMounts`` is *mount*, whatever its volume is called."""
    return any(_is(entry, mount) for entry in entries)


def mount_entries(values: Values) -> list[Entry]:
    """The entries of ``secretMounts`` in the whole values, or in one daemon's."""
    return _dictionaries(values.get("secretMounts"))


def _lists_that_lack_a_mount(case: Case) -> Iterator[Problem]:
    for mount in case.wiring.mounts:
        if not mounted(mount_entries(case.values), mount):
            what = f"Secret {mount.secret} is not mounted at {mount.path}"
            yield Problem("secretMounts", what, "--merge adds it")


def _lists_that_hide_the_global_one(case: Case) -> Iterator[Problem]:
    for name, daemon in _daemons(case):
        own = mount_entries(daemon)
        if own and not all(mounted([*own, *_extra_entries(daemon)], mount) for mount in case.wiring.mounts):
            what = "this daemon does not get the entries of the global secretMounts"
            yield Problem(f"{name}.secretMounts", what, "call this list extraSecretMounts, which adds to them")


def _mounts_that_come_twice(case: Case) -> Iterator[Problem]:
    for place, entries in _lists_of_pods(case):
        for mount in case.wiring.mounts:
            if sum(_is(entry, mount) for entry in entries) > 1:
                what = f"Secret {mount.secret} is mounted at {mount.path} twice, which Kubernetes refuses"
                yield Problem(place, what, "remove one of the entries")


def _entries_in_the_way(case: Case) -> Iterator[Problem]:
    for place, entry in _all_entries(case):
        if not any(_is(entry, mount) for mount in case.wiring.mounts) and (found := _in_the_way(entry, case.wiring)):
            yield Problem(place, *found)


def _in_the_way(entry: Entry, wiring: Wiring) -> tuple[str, str] | None:
    """What is wrong with an entry that is none of ours, and its remedy."""
    path, secret, volume = _path(entry), _secret(entry), _volume(entry)
    ours = {mount.secret for mount in wiring.mounts}
    if entry.get("secretName") in ours:
        return f"secretName {secret} is prefixed with the release's name", "call the key secretFullName"
    if path in {mount.path for mount in wiring.mounts}:
        return f"Secret {secret} is mounted at {path} already", "remove this entry"
    if secret in ours:
        return f"Secret {secret} is mounted at {path}, which is not where this wiring has it", "remove this entry"
    for module in wiring.modules.values():
        if f"/{module}/" in f"{path}/":
            return f"Secret {secret} at {path} is another copy of {module}", "remove this entry"
    if volume in {mount.volume for mount in wiring.mounts}:
        return f"the volume {volume} is one of secretsync's", "give it another volumeName"
    return None


def _files_that_the_server_cannot_read(case: Case) -> Iterator[Problem]:
    for place, entry in _all_entries(case):
        mode = entry.get("defaultMode")
        if isinstance(mode, int) and not mode & _OTHERS_READ and any(_is(entry, m) for m in case.wiring.mounts):
            what = f"{mode:04o} keeps the server's user out"
            yield Problem(f"{place}.defaultMode", what, "remove it: 0644 holds then")


def _a_second_delivery(case: Case) -> Iterator[Problem]:
    if section(case.values, "policyPackages").get("enabled"):
        what = "an init container installs packages too, and sets PYTHONPATH a second time"
        yield Problem("policyPackages.enabled", what, "set it to false")


def _lists_that_are_hidden(case: Case) -> Iterator[Problem]:
    if case.values.get("additionalSecrets"):
        what = "older charts read it only where secretMounts is empty, newer ones not at all"
        yield Problem("additionalSecrets", what, "move its entries to secretMounts")


def _old_keys_of_policies(case: Case) -> Iterator[Problem]:
    for place, policy in _policies(case):
        for key in ("permission", "schema"):
            if policy.get(key) is not None:
                yield Problem(f"{place}.{key}", f"{key!r} {_CHOOSES}", "remove this line")
    for place, name, _ in _variables(case):
        if name in ("RUCIO_CFG_POLICY_PERMISSION", "RUCIO_CFG_POLICY_SCHEMA"):
            yield Problem(place, f"{name} {_CHOOSES}", "remove it")


def _settings_that_differ(case: Case) -> Iterator[Problem]:
    for setting in settings(case.wiring, case.via):
        found = section(case.values, *setting.path[:-1])
        key = same_key(found, setting.path)
        place, value = ".".join((*setting.path[:-1], key)), found.get(key)
        if setting.path[-1] == "pythonpath":
            missing = [one for one in case.wiring.python_path if one not in folders(value)]
            if missing:
                yield Problem(place, f"PYTHONPATH does not name {' or '.join(missing)}", "--merge adds it")
        elif value != setting.value:
            told = f"names {value!r} instead of" if value else "does not name"
            yield Problem(place, f"{told} {setting.value}", "--merge writes it")


def _variables_that_win(case: Case) -> Iterator[Problem]:
    """The charts put ``additionalEnvs`` behind ``optional_config``, and the last of one name counts."""
    of_environment = [one for one in settings(case.wiring, case.via) if one.path[0] == "optional_config"]
    wanted = {setting.path[-1].upper(): setting.value for setting in of_environment}
    for place, name, value in _additional_variables(case):
        if name == "PYTHONPATH" and "PYTHONPATH" in wanted:
            what = "PYTHONPATH is set a second time, and this one counts"
            yield Problem(place, what, "remove it, and name its folders in optional_config.pythonpath")
        elif name in wanted and value != wanted[name]:
            yield Problem(place, f"{name} is set a second time, and this one counts", "remove it")


def _variables_over_the_configuration(case: Case) -> Iterator[Problem]:
    """Rucio asks the environment first."""
    for vo, module in case.wiring.modules.items() if case.via == "config" else ():
        variable = f"RUCIO_POLICY_PACKAGE_{vo.upper()}" if vo else "RUCIO_POLICY_PACKAGE"
        for place, name, value in _variables(case):
            if name == variable and value != module:
                yield Problem(place, f"{variable} names {value!r}, and wins over the configuration", "remove it")


def _policies_that_differ(case: Case) -> Iterator[Problem]:
    for place, policy in _policies(case):
        for vo, module in case.wiring.modules.items():
            key = f"package-{vo}" if vo else "package"
            is_a_setting = case.via == "config" and place == "config.policy"
            if not is_a_setting and policy.get(key, module) != module:
                yield Problem(f"{place}.{key}", f"names {policy[key]!r} instead of {module}", "remove this line")


def _variables_that_rucio_ignores(case: Case) -> Iterator[Problem]:
    for place, name, _ in _variables(case):
        if name.startswith("RUCIO_CFG_POLICY_PACKAGE_"):
            vo = name.removeprefix("RUCIO_CFG_POLICY_PACKAGE_")
            what = f"{name} becomes [policy] package_{vo.lower()}, which Rucio ignores"
            yield Problem(place, what, f"remove it; RUCIO_POLICY_PACKAGE_{vo} is read")


def _python_path_without_the_root(case: Case) -> Iterator[Problem]:
    if case.wiring.style != "existing":
        return
    for place, name, value in _variables(case):
        if name == "PYTHONPATH" and case.wiring.found_at not in folders(value):
            what = f"PYTHONPATH does not name {case.wiring.found_at}"
            yield Problem(place, what, "add it, or choose --style directory, which does")


_RULES: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    _lists_that_lack_a_mount,
    _lists_that_hide_the_global_one,
    _lists_that_are_hidden,
    _mounts_that_come_twice,
    _entries_in_the_way,
    _files_that_the_server_cannot_read,
    _a_second_delivery,
    _old_keys_of_policies,
    _settings_that_differ,
    _variables_that_win,
    _variables_over_the_configuration,
    _policies_that_differ,
    _variables_that_rucio_ignores,
    _python_path_without_the_root,
)


def same_key(values: Values, keys: tuple[str, ...]) -> str:
    """How *values*, those at all *keys* but the last, spell that one: ``optional_config`` is put in upper case."""
    if keys[0] != "optional_config":
        return keys[-1]
    return next((str(key) for key in values if str(key).upper() == keys[-1].upper()), keys[-1])


def folders(value: object) -> list[str]:
    """The entries of a ``PYTHONPATH``."""
    return [folder.rstrip("/") for folder in str(value or "").split(":") if folder]


def _daemons(case: Case) -> Iterator[tuple[str, Values]]:
    """The sections that are one daemon's."""
    for name, value in case.values.items() if case.chart == "daemons" else ():
        if isinstance(value, Mapping) and name not in _NOT_DAEMONS:
            yield name, value


def _lists_of_pods(case: Case) -> Iterator[tuple[str, list[Entry]]]:
    """The global list, and all that a daemon gets which adds to it, or to its own."""
    yield "secretMounts", mount_entries(case.values)
    for name, daemon in _daemons(case):
        if extra := _extra_entries(daemon):
            yield f"{name}.extraSecretMounts", [*(mount_entries(daemon) or mount_entries(case.values)), *extra]


def _all_entries(case: Case) -> Iterator[tuple[str, Entry]]:
    for number, entry in enumerate(mount_entries(case.values)):
        yield f"secretMounts[{number}]", entry
    for name, daemon in _daemons(case):
        for number, entry in enumerate(mount_entries(daemon)):
            yield f"{name}.secretMounts[{number}]", entry
        for number, entry in enumerate(_extra_entries(daemon)):
            yield f"{name}.extraSecretMounts[{number}]", entry


def _extra_entries(daemon: Values) -> list[Entry]:
    return _dictionaries(daemon.get("extraSecretMounts"))


def _policies(case: Case) -> Iterator[tuple[str, Values]]:
    """``[policy]`` of the common configuration and of each daemon's, which is merged over it."""
    yield "config.policy", section(case.values, "config", "policy")
    for name, daemon in _daemons(case):
        yield f"{name}.config.policy", section(daemon, "config", "policy")


def _variables(case: Case) -> Iterator[tuple[str, str, object]]:
    for key, value in section(case.values, "optional_config").items():
        yield f"optional_config.{key}", str(key).upper(), value
    yield from _additional_variables(case)


def _additional_variables(case: Case) -> Iterator[tuple[str, str, object]]:
    places = (("", case.values), *((f"{name}.", daemon) for name, daemon in _daemons(case)))
    for prefix, values in places:
        for number, variable in enumerate(_dictionaries(values.get("additionalEnvs"))):
            yield f"{prefix}additionalEnvs[{number}]", str(variable.get("name")), variable.get("value")


def section(values: Values, *keys: str) -> Values:
    """The mapping at *keys*, an empty one where there is none."""
    found: Any = values
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _dictionaries(value: object) -> list[Entry]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is(entry: Entry, mount: Mount) -> bool:
    if _path(entry) != mount.path or (entry.get("subPath") or "") != mount.key:
        return False
    if entry.get("secretFullName"):
        return bool(entry["secretFullName"] == mount.secret)
    # what stands before secretName, the release's name, is not known here
    name = str(entry.get("secretName") or "")
    return bool(name) and mount.secret.endswith(f"-{name}")


def _secret(entry: Entry) -> str:
    return str(entry.get("secretFullName") or entry.get("secretName") or "")


def _volume(entry: Entry) -> str:
    return str(entry.get("volumeName") or _secret(entry))


def _path(entry: Entry) -> str:
    return str(entry.get("mountPath") or "").rstrip("/")
