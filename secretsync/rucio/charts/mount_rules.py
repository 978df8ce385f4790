"""Rules on what a site's values mount: what keeps pods from the packages, or the API from the pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from secretsync.rucio.charts.case import (
    Case,
    Entry,
    Problem,
    all_entries,
    as_mounted,
    beside_secrets,
    daemons,
    extra_entries,
    is_mount,
    lists_of_pods,
    mount_entries,
    mounted,
    path_of,
    secret_of,
    volume_of,
)
from secretsync.rucio.wiring import Wiring

_OTHERS_READ = 0o004


def _lists_that_lack_a_mount(case: Case) -> Iterator[Problem]:
    entries = list(as_mounted(mount_entries(case.values), case.chart))
    for mount in case.wiring.mounts:
        if not mounted(entries, mount):
            problem = f"Secret {mount.secret} is not mounted at {mount.path}"
            yield Problem("secretMounts", problem, "--merge adds it")


def _lists_that_hide_the_global_one(case: Case) -> Iterator[Problem]:
    for name, daemon in daemons(case):
        own = mount_entries(daemon)
        if own and not all(mounted([*own, *extra_entries(daemon)], mount) for mount in case.wiring.mounts):
            problem = "this daemon does not get the entries of the global secretMounts"
            yield Problem(f"{name}.secretMounts", problem, _as_extra(own, mount_entries(case.values)))


def _as_extra(own: list[Entry], everywhere: list[Entry]) -> str:
    """How a daemon's own list becomes one that adds: what the global one has as well would come twice."""
    remedy = "call this list extraSecretMounts, which adds to them"
    twice = [path_of(entry) for entry in own if path_of(entry) in set(map(path_of, everywhere))]
    return f"{remedy}, without {' and '.join(twice)}, which the global list has already" if twice else remedy


def _paths_that_come_twice(case: Case) -> Iterator[Problem]:
    for location, listed in lists_of_pods(case):
        entries = list(as_mounted(listed, case.chart))
        own_mounts = {mount.path: mount for mount in case.wiring.mounts}
        for path, count in Counter(filter(None, map(path_of, entries))).items():
            same_path = [entry for entry in entries if path_of(entry) == path]
            differs = path in own_mounts and not all(is_mount(entry, own_mounts[path]) for entry in same_path)
            if count > 1 and not differs:  # of others at a path of ours another rule tells
                names = list(dict.fromkeys(map(secret_of, same_path)))
                named = f"Secret {names[0]} is" if len(names) == 1 else f"Secrets {' and '.join(names)} are"
                problem = f"{named} mounted at {path} twice, which Kubernetes refuses"
                yield Problem(location, problem, "remove one of the entries", blocks=path in own_mounts)


def _volumes_that_come_twice(case: Case) -> Iterator[Problem]:
    """The charts make a volume of each entry."""
    for location, entries in lists_of_pods(case):
        own_volumes = {mount.volume for mount in case.wiring.mounts}
        once = [entry for entry in entries if not any(is_mount(entry, mount) for mount in case.wiring.mounts)]
        for volume, count in Counter(filter(None, map(volume_of, once))).items():
            if count > 1 and volume not in own_volumes:
                problem = f"two entries make a volume {volume}, which Kubernetes refuses"
                yield Problem(location, problem, "give each a volumeName of its own", blocks=False)


def _volumes_in_the_way(case: Case) -> Iterator[Problem]:
    """Volumes that are no Secrets, where a package is to be."""
    for location, volume, path in beside_secrets(case):
        if volume in {mount.volume for mount in case.wiring.mounts}:
            yield Problem(location, f"the volume {volume} is one of secretsync's", "give it another name")
        elif path in {mount.path for mount in case.wiring.mounts}:
            yield Problem(location, f"a volume is mounted at {path}, where a package is to be", "mount it elsewhere")
        elif module := next((module for module in case.wiring.modules.values() if f"/{module}/" in f"{path}/"), ""):
            yield Problem(location, f"the volume at {path} is another copy of {module}", "remove it")


def _entries_in_the_way(case: Case) -> Iterator[Problem]:
    for location, entry in all_entries(case):
        if not any(is_mount(entry, mount) for mount in case.wiring.mounts) and (
            conflict := _in_the_way(entry, case.wiring)
        ):
            yield Problem(location, *conflict)


def _in_the_way(entry: Entry, wiring: Wiring) -> tuple[str, str] | None:
    """What is wrong with an entry that is none of ours, and its remedy."""
    path, secret, volume = path_of(entry), secret_of(entry), volume_of(entry)
    own_secrets = {mount.secret for mount in wiring.mounts}
    if entry.get("secretName") in own_secrets:
        return f"secretName {secret} is prefixed with the release's name", "call the key secretFullName"
    if path in {mount.path for mount in wiring.mounts}:
        return f"Secret {secret} is mounted at {path} already", "remove this entry"
    if secret in own_secrets:
        return f"Secret {secret} is mounted at {path}, which is not where this wiring has it", "remove this entry"
    for module in wiring.modules.values():
        if f"/{module}/" in f"{path}/":
            return f"Secret {secret} at {path} is another copy of {module}", "remove this entry"
    if volume in {mount.volume for mount in wiring.mounts}:
        return f"the volume {volume} is one of secretsync's", "give it another volumeName"
    return None


def _files_that_the_server_cannot_read(case: Case) -> Iterator[Problem]:
    """Daemons run as root, which reads them whatever their mode."""
    if case.chart == "daemons":
        return
    for location, entry in all_entries(case):
        mode = entry.get("defaultMode")
        if isinstance(mode, int) and not mode & _OTHERS_READ and any(is_mount(entry, m) for m in case.wiring.mounts):
            problem = f"{mode:04o} keeps the server's user out"
            yield Problem(f"{location}.defaultMode", problem, "remove it: 0644 holds then")


RULES: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    _lists_that_lack_a_mount,
    _lists_that_hide_the_global_one,
    _paths_that_come_twice,
    _volumes_that_come_twice,
    _entries_in_the_way,
    _volumes_in_the_way,
    _files_that_the_server_cannot_read,
)
