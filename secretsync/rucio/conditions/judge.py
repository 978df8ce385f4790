"""The three conditions under which Rucio runs a policy package, judged for one container.

Its code is there, its parent is on ``PYTHONPATH``, and Rucio is told to import it
(https://rucio.github.io/documentation/operator/policy_packages/).
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from secretsync.core.listed import listed
from secretsync.rucio.conditions.container import Environment, Mount, Unknown
from secretsync.rucio.conditions.rucio_cfg import Option, Policy
from secretsync.rucio.workload_context import is_search_path

_NAMED = 5
"""Files that a sentence names."""


class Condition(StrEnum):
    """What a pod needs to load a package: its files, a search path to them, and configuration that names it."""

    CODE = "code"
    PATH = "path"
    CONFIGURED = "configured"


@dataclass(frozen=True)
class Verdict:
    """Whether a condition holds; where not, one sentence on what is wrong and one on the line that fixes it.

    *unknown* says that it may hold all the same: what decides could not be read.
    """

    condition: Condition
    holds: bool
    wrong: str = ""
    remedy: str = ""
    unknown: bool = False

    @property
    def fails(self) -> bool:
        """Whether the condition certainly does not hold."""
        return not self.holds and not self.unknown


@dataclass(frozen=True)
class Deployed:
    """A package as it is live: which Secret and key holds each of its *files*, by their path in the package.

    *top* is the Secret of its own directory; *zipped* names the one key that holds all of it, else empty. *imported*
    are the files that Rucio imports, None where that is not known: where files are mounted one by one, only those must
    be there; *wired* says that secretsync mounts it and sets the variables (``wire: true``).
    """

    module: str
    vo: str
    top: str
    files: Mapping[str, tuple[str, str]] = field(repr=False)
    zipped: str = ""
    imported: frozenset[str] | None = None
    wired: bool = False

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of the Secrets that hold its files."""
        return frozenset({self.top, *(secret for secret, _ in self.files.values())})


@dataclass(frozen=True)
class View:
    """What a container sees of it all."""

    image: str
    mounts: tuple[Mount, ...]
    shown: Mapping[str, tuple[str, str, int, bool]] = field(repr=False)
    """By path: Secret, key, mode, and whether it is one file by ``subPath``."""
    variables: Environment
    policy: Policy
    behind: str = ""
    """Why its pods may not have the files that are live; empty where they have."""
    unread: tuple[str, ...] = ()
    """Secrets and ConfigMaps of ``envFrom`` that were not read: any variable may come from them."""
    user: str = "apache"
    """Who reads the files."""


def judge(package: Deployed, view: View) -> tuple[Verdict, ...]:
    """All three, in their order."""
    root = _root(package, view)
    if package.wired and not root:
        return tuple(
            Verdict(condition, False, "it is not wired yet", "'secretsync apply' wires it") for condition in Condition
        )
    return (_code(package, view, root), _path(package, view, root), _configured(package, view))


def _root(package: Deployed, view: View) -> str:
    """The folder, or the zip, at which the package's own Secret is seen; empty where it is not."""
    if package.zipped:
        return next((path for path, shown in view.shown.items() if shown[:2] == (package.top, package.zipped)), "")
    folders = Counter(posixpath.dirname(path) for path, shown in view.shown.items() if shown[0] == package.top)
    return folders.most_common(1)[0][0] if folders else ""


def _code(package: Deployed, view: View, root: str) -> Verdict:
    wrong, remedy = _code_wrong(package, view, root)
    return Verdict(Condition.CODE, not wrong, wrong, remedy)


def _code_wrong(package: Deployed, view: View, root: str) -> tuple[str, str]:
    if not root:
        return _not_mounted(package, view)
    if not package.zipped and posixpath.basename(root) != package.module:
        return (
            f"Secret {package.top} is mounted at {root}, and Python would import it as {posixpath.basename(root)!r}",
            f"mountPath: {posixpath.join(_parent(view) or posixpath.dirname(root), package.module)}",
        )
    if missing := [] if package.zipped else _missing(package, view, root):
        if cover := _cover(package, view, posixpath.join(root, missing[0])):
            source = f"{cover.kind or 'volume'} {cover.name}"
            return f"{missing[0]} is covered by the mount of {source} at {cover.place}", "take that mount away"
        return (_unmounted_files if _file_by_file(package, view) else _lost)(package, root, missing)
    closed = [path for path, shown in view.shown.items() if shown[0] in package.secrets and not shown[2] & 0o004]
    if closed and view.user != "root":
        who = "Rucio's web server runs as apache" if view.user == "apache" else f"the container runs as {view.user}"
        return (
            f"its files have mode {view.shown[closed[0]][2]:04o}: {who}, which cannot read them",
            "leave defaultMode out, or set defaultMode: 0644",
        )
    if view.behind:
        by_file = "; files mounted by subPath stay as they were when their pod started"
        return f"{view.behind}{by_file if _file_by_file(package, view) else ''}", "'secretsync apply' restarts it"
    return "", ""


def _parent(view: View) -> str:
    """The folder that PYTHONPATH names already, below which a package is found; empty where it names none."""
    value = view.variables.get("PYTHONPATH")
    return next((entry for entry in value.split(":") if entry.startswith("/")), "") if isinstance(value, str) else ""


def _not_mounted(package: Deployed, view: View) -> tuple[str, str]:
    other_mount = next((mount for mount in view.mounts if posixpath.basename(mount.path) == package.module), None)
    if other_mount and other_mount.kind == "Secret" and other_mount.name == package.top:
        return (
            f"its mount of Secret {package.top} at {other_mount.path} shows none of the package's files",
            "leave subPath and items out",
        )
    if other_mount:
        source = f"{other_mount.kind} {other_mount.name}" if other_mount.kind else f"volume {other_mount.name}"
        return (
            f"its {package.module} at {other_mount.path} comes from {source}, and secretsync keeps the package in "
            f"Secret {package.top}",
            f"secretFullName: {package.top}",
        )
    return (
        f"it mounts nothing of Secret {package.top}",
        "add what 'secretsync values' prints; a component's own secretMounts replaces the global list: call it "
        "extraSecretMounts",
    )


def _missing(package: Deployed, view: View, root: str) -> list[str]:
    return [
        path
        for path, held in sorted(package.files.items())
        if view.shown.get(posixpath.join(root, path), ("", ""))[:2] != held and _must_be_there(package, view, path)
    ]


def _cover(package: Deployed, view: View, path: str) -> Mount | None:
    """The mount of something else that lies over the file at *path*, which a mount of the package would show."""
    above = [mount for mount in view.mounts if f"{path}/".startswith(f"{mount.place}/")]
    ours = {mount.place for mount in above if mount.name in package.secrets}
    covers = [mount for mount in above if any(mount.place.startswith(f"{place}/") for place in ours)]
    deepest = max(covers, key=lambda mount: len(mount.place), default=None)
    return None if deepest is None or deepest.name in package.secrets else deepest


def _must_be_there(package: Deployed, view: View, path: str) -> bool:
    """Whether a file has to be mounted: with one mount a file, those that nothing imports need not be."""
    return package.imported is None or path in package.imported or not _file_by_file(package, view)


def _file_by_file(package: Deployed, view: View) -> bool:
    return any(shown[3] for shown in view.shown.values() if shown[0] in package.secrets)


def _unmounted_files(package: Deployed, root: str, missing: Sequence[str]) -> tuple[str, str]:
    """The site mounts file by file, and these have no mount yet."""
    shown = listed(missing, _NAMED)
    held = ((package.files[path], posixpath.join(root, path)) for path in missing[:_NAMED])
    lines = (f"{{secretFullName: {secret}, mountPath: {path}, subPath: {key}}}" for (secret, key), path in held)
    return (
        f"[unmounted-file] the package imports {shown}, which no mount of this container brings",
        f"add to its volumeMounts (secretMounts in Rucio's charts): {', '.join(lines)}",
    )


def _lost(package: Deployed, root: str, missing: Sequence[str]) -> tuple[str, str]:
    path = missing[0]
    secret, key = package.files[path]
    folder = posixpath.dirname(path)
    suffix = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    if folder and all(path.startswith(f"{folder}/") for path in missing):
        return (
            f"its folder {folder}/ is not there: {path}{suffix}",
            f"mount Secret {secret} at {posixpath.join(root, folder)}",
        )
    return f"{path}{suffix} is not mounted", f"mount key {key} of Secret {secret} at {posixpath.join(root, path)}"


def _path(package: Deployed, view: View, root: str) -> Verdict:
    wrong, remedy = _path_wrong(package, view, root)
    unknown = bool(root) and (_may_be_set(view, "PYTHONPATH") or _by_entrypoint(view, wrong))
    return Verdict(Condition.PATH, not wrong, wrong, remedy, unknown=bool(wrong) and unknown)


def _by_entrypoint(view: View, wrong: str) -> bool:
    """Whether the image's entrypoint may put the right folder on PYTHONPATH."""
    return wrong.startswith("PYTHONPATH") and any(map(is_search_path, view.variables))


def _path_wrong(package: Deployed, view: View, root: str) -> tuple[str, str]:
    if not root:
        return "PYTHONPATH leads to nothing, as the package is not mounted", "mount what 'secretsync values' prints"
    needed = root if package.zipped else posixpath.dirname(root)
    if installed := re.fullmatch(r".*/lib(?:64)?/python(\d+\.\d+)/site-packages", needed):
        return _site_packages_wrong(installed[1], view.image, root) or _other_search_path(view, needed) or ("", "")
    if elsewhere := _other_search_path(view, needed):
        return elsewhere
    value = view.variables.get("PYTHONPATH")
    remedy = f"PYTHONPATH: {needed} (in Rucio's charts optional_config: {{pythonpath: {needed}}})"
    if isinstance(value, Unknown):
        return f"PYTHONPATH {value.why}", remedy
    if not value:
        return f"PYTHONPATH is {'empty' if value == '' else 'not set'}", remedy
    entries = [posixpath.normpath(entry) for entry in value.split(":") if entry]
    if needed in entries:
        return "", ""
    if not package.zipped and root in entries:
        return f"PYTHONPATH names {root}, the package's own folder: Python needs the one above", remedy
    if not package.zipped and posixpath.basename(root) != package.module and _parent(view):
        # the mount moves anyway: it moves below what is named already
        remedy = f"mountPath: {posixpath.join(_parent(view), package.module)}"
    return f"PYTHONPATH is {value!r} and has no {needed}", remedy


def _other_search_path(view: View, needed: str) -> tuple[str, str] | None:
    """A variable whose folder an image's entrypoint may put before PYTHONPATH, as those of CMS do."""
    for name, value in view.variables.items():
        if is_search_path(name) and isinstance(value, str):
            other_entries = [entry for entry in value.split(":") if entry and posixpath.normpath(entry) != needed]
            if other_entries:
                return (
                    f"{name} names {':'.join(other_entries)}, which the image's entrypoint may put before PYTHONPATH: "
                    "a copy of the package there would decide ('doctor --deep' shows which one does)",
                    f"{name}: {needed}, or leave it out",
                )
    return None


def _site_packages_wrong(version: str, image: str, root: str) -> tuple[str, str] | None:
    expected = python_of(image)
    if version == expected:
        return None
    return (
        f"{root} is for Python {version}, and the image has {expected}",
        f"mountPath: {root.replace(f'python{version}', f'python{expected}')}",
    )


def python_of(image: str) -> str:
    """The Python of Rucio's images: 3.9 on AlmaLinux 9, 3.12 where the tag tells of AlmaLinux 10.

    A tag may also say it in plain words, as ``…-py3.11`` or ``…-python3.11``.
    """
    tag = image.rpartition("/")[2].partition(":")[2]
    if plain := re.search(r"py(?:thon)?-?(3\.\d+)", tag):
        return plain[1]
    return "3.12" if re.search(r"(?:alma|el)-?(?:linux-?)?10", tag, re.IGNORECASE) else "3.9"


def _configured(package: Deployed, view: View) -> Verdict:
    wrong, remedy = _configured_wrong(package, view)
    variable, option = _names(package)
    in_file = variable not in view.variables and option not in view.policy.options and bool(view.policy.unread)
    unknown = bool(wrong) and (in_file or _may_be_set(view, variable))
    return Verdict(Condition.CONFIGURED, not wrong, wrong, remedy, unknown=unknown)


def _may_be_set(view: View, variable: str) -> bool:
    """Whether the variable's value comes from an object that was not read, or may come from one."""
    value = view.variables.get(variable)
    return value.unread if isinstance(value, Unknown) else value is None and bool(view.unread)


def package_variable(vo: str) -> str:
    """The variable that names the package of *vo*, or of the one VO (``""``)."""
    return f"RUCIO_POLICY_PACKAGE_{vo.upper()}" if vo else "RUCIO_POLICY_PACKAGE"


def _names(package: Deployed) -> tuple[str, str]:
    """The variable and the option of ``[policy]`` that name the package of its VO."""
    return package_variable(package.vo), f"package-{package.vo}" if package.vo else "package"


def _configured_wrong(package: Deployed, view: View) -> tuple[str, str]:
    variable, option = _names(package)
    remedy = f"{variable}: {package.module}, or config: {{policy: {{{option}: {package.module}}}}}"
    value, written = view.variables.get(variable), view.policy.options.get(option)
    if isinstance(value, Unknown):
        return f"{variable} {value.why}", remedy
    if value == "":
        return f"{variable} is set and empty, which Rucio takes for the package's name: it dies", remedy
    if value is not None:
        return _name_wrong(value, variable, package, remedy) or _differs(value, written, variable, option, package)
    if written:
        return _name_wrong(written.value, f"[policy] {option} ({written.where})", package, remedy) or ("", "")
    return _not_told(package, view, variable, option, remedy)


def _name_wrong(value: str, where: str, package: Deployed, remedy: str) -> tuple[str, str] | None:
    if value == package.module:
        return None
    if value.strip("\"' ") == package.module:
        return f"{where} is {value}, quotes and blanks included: Rucio would import just that", remedy
    if value.replace("-", "_") == package.module:
        return f"{where} is {value!r}: Python imports {package.module}, with underscores", remedy
    return f"{where} is {value!r}, not {package.module}", remedy


def _differs(value: str, written: Option | None, variable: str, option: str, package: Deployed) -> tuple[str, str]:
    if written is None or written.value == value:
        return "", ""
    return (
        f"{variable} says {value} and [policy] {option} ({written.where}) says {written.value!r}: Rucio takes the "
        "variable, and whoever reads the file is misled",
        f"{option}: {package.module} there too, or leave it out",
    )


def _not_told(package: Deployed, view: View, variable: str, option: str, remedy: str) -> tuple[str, str]:
    ignored = f"RUCIO_CFG_POLICY_PACKAGE_{package.vo.upper()}"
    if package.vo and ignored in view.variables:
        return f"{ignored} becomes an option that Rucio does not read", f"{variable} in its place: {package.module}"
    if view.policy.unread:
        return f"whether {option} is set in {', '.join(view.policy.unread)} could not be read", remedy
    if "permission" in view.policy.options:
        old = view.policy.options["permission"]
        return f"[policy] permission: {old.value} ({old.where}) chooses a policy of Rucio's own, not a package", remedy
    if view.policy.mounted:
        return (
            f"a rucio.cfg is mounted, so nothing is merged into it, and its [policy] has no {option}",
            f"{variable}: {package.module}, or [policy] {option} = {package.module} in that file",
        )
    return f"neither {variable} nor [policy] {option} is set: Rucio uses its generic policy", remedy
