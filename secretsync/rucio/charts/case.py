"""A site's values and the wiring that they are to say: what each pod ends with, key by key.

How Rucio's charts treat the keys was read in charts 40.0.0 (https://github.com/rucio/helm-charts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secretsync.rucio.charts.values import Setting
from secretsync.rucio.wiring import Mount, Wiring

Values = Mapping[str, Any]
Entry = dict[str, Any]

_NOT_DAEMONS = frozenset({"ftsRenewal", "automaticRestart", "renewFts"})
"""Jobs of the daemons' chart with lists of their own; none of them loads a policy package."""
_CHARTS_OWN = {
    False: ("RUCIO_OVERRIDE_CONFIGS", "RUCIO_LOG_FORMAT", "RUCIO_ENABLE_SSL"),
    True: ("RUCIO_OVERRIDE_CONFIGS", "RUCIO_DAEMON", "RUCIO_DAEMON_ARGS"),
}
"""Variables that the charts set themselves, the daemons' chart or another."""


@dataclass(frozen=True, slots=True)
class Problem:
    """*place* is where in the values, *what* is wrong there, *remedy* what fixes it.

    One that does not *block* is no reason to leave a wiring out: it has nothing to do with it, or may be right.
    """

    place: str
    what: str
    remedy: str
    blocks: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Case:
    """A values file of one chart, and what it is to say."""

    values: Values
    wiring: Wiring
    chart: str
    via: str


def mounted(entries: Sequence[Entry], mount: Mount) -> bool:
    """Whether one of the *entries* of ``secretMounts`` is *mount*, whatever its volume is called."""
    return any(is_mount(entry, mount) for entry in entries)


def mount_entries(values: Values) -> list[Entry]:
    """The entries of ``secretMounts`` in the whole values, or in one daemon's."""
    return dictionaries(values.get("secretMounts"))


def same_key(values: Values, keys: tuple[str, ...]) -> str:
    """How *values*, those at all *keys* but the last, spell that one: ``optional_config`` is put in upper case."""
    if keys[0] != "optional_config":
        return keys[-1]
    return next((str(key) for key in values if str(key).upper() == keys[-1].upper()), keys[-1])


def folders(value: object) -> list[str]:
    """The entries of a ``PYTHONPATH``."""
    return [folder.rstrip("/") for folder in str(value or "").split(":") if folder]


def daemons(case: Case) -> Iterator[tuple[str, Values]]:
    """The sections that are one daemon's."""
    for name, value in case.values.items() if case.chart == "daemons" else ():
        if isinstance(value, Mapping) and name not in _NOT_DAEMONS:
            yield name, value


def lists_of_pods(case: Case) -> Iterator[tuple[str, list[Entry]]]:
    """The global list, and all that a daemon gets which adds to it, or to its own."""
    yield "secretMounts", mount_entries(case.values)
    for name, daemon in daemons(case):
        if extra := extra_entries(daemon):
            yield f"{name}.extraSecretMounts", [*(mount_entries(daemon) or mount_entries(case.values)), *extra]


def as_mounted(entries: Sequence[Entry], chart: str) -> Iterator[Entry]:
    """The mounts that *chart* makes of *entries*: the server's makes one of each of ``subPaths``."""
    for entry in entries:
        sub_paths = entry.get("subPaths") if chart == "server" else None
        if isinstance(sub_paths, list) and sub_paths:
            path = str(entry.get("mountPath") or "")
            yield from ({**entry, "mountPath": f"{path}{sub_path}", "subPath": str(sub_path)} for sub_path in sub_paths)
        else:
            yield entry


def all_entries(case: Case) -> Iterator[tuple[str, Entry]]:
    """All that mounts Secrets, of the release and of each daemon, each with the keys that lead to it."""
    for number, entry in enumerate(mount_entries(case.values)):
        yield from ((f"secretMounts[{number}]", mount) for mount in as_mounted([entry], case.chart))
    for name, daemon in daemons(case):
        for number, entry in enumerate(mount_entries(daemon)):
            yield f"{name}.secretMounts[{number}]", entry
        for number, entry in enumerate(extra_entries(daemon)):
            yield f"{name}.extraSecretMounts[{number}]", entry


def extra_entries(daemon: Values) -> list[Entry]:
    """The Secrets that one daemon mounts beside those of the release."""
    return dictionaries(daemon.get("extraSecretMounts"))


def policies(case: Case) -> Iterator[tuple[str, Values]]:
    """``[policy]`` of the common configuration and of each daemon's, which is merged over it."""
    yield "config.policy", section(case.values, "config", "policy")
    for name, daemon in daemons(case):
        yield f"{name}.config.policy", section(daemon, "config", "policy")


def variables(case: Case) -> Iterator[tuple[str, str, object]]:
    """Where each environment variable is set, its name and its value: those of ``optional_config`` first."""
    for key, value in _optional_config(case).items():
        yield f"optional_config.{key}", str(key).upper(), value
    yield from additional_variables(case)


def additional_variables(case: Case) -> Iterator[tuple[str, str, object]]:
    """Where each of ``additionalEnvs`` is set, its name and its value."""
    yield from _listed("", case.values)
    for name, daemon in daemons(case):
        yield from _listed(f"{name}.", daemon)


def section(values: Values, *keys: str) -> Values:
    """The mapping at *keys*, an empty one where there is none."""
    current: Any = values
    for key in keys:
        current = current.get(key) if isinstance(current, Mapping) else None
    return current if isinstance(current, Mapping) else {}


def dictionaries(value: object) -> list[Entry]:
    """The mappings in a list; what strangers wrote beside them is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def is_mount(entry: Entry, mount: Mount) -> bool:
    """Whether *entry* mounts what *mount* says, at its path and with its key."""
    if path_of(entry) != mount.path or (entry.get("subPath") or "") != mount.key:
        return False
    if entry.get("secretFullName"):
        return bool(entry["secretFullName"] == mount.secret)
    # what stands before secretName, the release's name, is not known here
    name = str(entry.get("secretName") or "")
    return bool(name) and mount.secret.endswith(f"-{name}")


def secret_of(entry: Entry) -> str:
    """The name of the Secret, with or without the release's name before it, as the entry says."""
    return str(entry.get("secretFullName") or entry.get("secretName") or "")


def volume_of(entry: Entry) -> str:
    """The name of the volume, which the charts make of the Secret's where the entry names none."""
    return str(entry.get("volumeName") or entry.get("secretName") or entry.get("secretFullName") or "")


def path_of(entry: Entry) -> str:
    """The path where it is mounted, without a slash at its end."""
    return str(entry.get("mountPath") or "").rstrip("/")


def beside_secrets(case: Case) -> Iterator[tuple[str, str, str]]:
    """Other volumes that pods get: their place, the volume's name, and its path."""
    for name, claim in section(case.values, "persistentVolumes").items():
        if isinstance(claim, Mapping):
            yield f"persistentVolumes.{name}", str(name), path_of(dict(claim))
    for prefix, values in [("", case.values), *((f"{name}.", daemon) for name, daemon in daemons(case))]:
        for key in ("hostPathMounts", "extraHostPathMounts"):
            for number, entry in enumerate(dictionaries(values.get(key))):
                yield f"{prefix}{key}[{number}]", str(entry.get("volumeName") or ""), path_of(entry)


def variables_of_pods(case: Case) -> Iterator[tuple[str, list[tuple[str, str, object]]]]:
    """The variables that each daemon's pods end with, or the chart's own (``""``): place, name and value, in order."""
    everywhere = [
        *((f"optional_config.{key}", str(key).upper(), value) for key, value in _optional_config(case).items()),
        *(("the chart's own", name, None) for name in _CHARTS_OWN[case.chart == "daemons"]),
        *_listed("", case.values),
    ]
    own = dict(daemons(case))
    running = [name for name in own if own[name].get("additionalEnvs")] + list(_counted(case))
    if len(running) == 0 or case.chart != "daemons":
        yield "", everywhere
    for name in dict.fromkeys(running):
        if case.values.get(f"{name}Count") != 0:
            yield name, [*everywhere, *_listed(f"{name}.", own.get(name, {}))]


def said_beside(case: Case, setting: Setting) -> bool:
    """Whether ``additionalEnvs`` say the same as *setting* to each pod, and ``optional_config`` does not say it too.

    The charts would give pods the variable twice if it came to ``optional_config`` as well.
    """
    if setting.path[0] != "optional_config":
        return False
    name = setting.path[-1].upper()
    of_pods = [[place for place in listed if place[1] == name] for _, listed in variables_of_pods(case)]
    return all(
        len(places) == 1 and _is_additional(places[0][0], case) and _says(places[0][2], setting) for places in of_pods
    )


def _is_additional(place: str, case: Case) -> bool:
    """Whether *place* is in ``additionalEnvs`` that the published charts read: a daemon's own, or the server's."""
    return ".additionalEnvs[" in f".{place}" and (case.chart != "daemons" or not place.startswith("additionalEnvs"))


def _says(value: object, setting: Setting) -> bool:
    if setting.path[-1] == "pythonpath":
        return set(folders(setting.value)) <= set(folders(value))
    return value == setting.value


def _counted(case: Case) -> Iterator[str]:
    for key, count in case.values.items():
        if isinstance(count, int) and count > 0 and str(key).endswith("Count"):
            yield str(key).removesuffix("Count")


def _optional_config(case: Case) -> Values:
    return section(case.values, "optional_config")


def _listed(prefix: str, values: Values) -> Iterator[tuple[str, str, object]]:
    for number, variable in enumerate(dictionaries(values.get("additionalEnvs"))):
        yield f"{prefix}additionalEnvs[{number}]", str(variable.get("name")), variable.get("value")
