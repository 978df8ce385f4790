"""Where pods get a package: what is mounted at which path, and what ``PYTHONPATH`` has to name then.

Three styles are in use at sites: whole directories below a root of ours, the same below a root that ``PYTHONPATH``
names already, and file by file (``subPath``) into site-packages.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from secretsync.core.errors import ConfigError
from secretsync.core.model import Secret
from secretsync.core.packing import DIRECTORY

ROOT = "/opt/policy"
SITE_PACKAGES = "/usr/local/lib/python3.9/site-packages"
"""Where Rucio's images on AlmaLinux 9 have Rucio itself."""

_LONGEST_LABEL = 63


@dataclass(frozen=True, slots=True)
class Packed:
    """A package and the Secrets that hold it; *vo* is the VO whose policy it is, where Rucio serves several."""

    module: str
    vo: str
    layout: str
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Mount:
    """A Secret, or one *key* of it, at *path*; *content* says what lies there.

    *volume* is unique among the mounts: Rucio's charts make one volume of each.
    """

    volume: str
    secret: str
    path: str
    key: str
    content: str


@dataclass(frozen=True, slots=True)
class Wiring:
    """What pods need for their packages: *mounts*, the entries of *python_path*, and by VO what Rucio imports.

    *found_at* is where the packages' folders lie; *python_path* is empty where ``PYTHONPATH`` is not ours to set.
    """

    style: str
    found_at: str
    mounts: tuple[Mount, ...]
    python_path: tuple[str, ...]
    modules: Mapping[str, str]


@dataclass(eq=False)
class OneVoTwice(ConfigError):
    """Rucio loads one package for a VO, and these are for the same one; *vo* is empty where it serves only one."""

    code = "one_vo_twice"

    vo: str
    modules: Sequence[str]

    def __str__(self) -> str:
        served = f"for the VO {self.vo!r}" if self.vo else "for the one VO that Rucio serves"
        return (
            f"{' and '.join(self.modules)} are both {served}; choose one with --package, or say with 'vo' on each "
            "package whose policy it is"
        )


@dataclass(eq=False)
class ZipNotOnPythonPath(ConfigError):
    """A zip is imported only where ``PYTHONPATH`` names it, which this style leaves alone."""

    code = "zip_not_on_python_path"

    module: str
    style: str

    def __str__(self) -> str:
        return (
            f"{self.module} has 'layout: zip', which Python imports only where PYTHONPATH names the zip itself; "
            f"the style {self.style!r} does not set it: choose --style directory, or 'layout: directories'"
        )


@dataclass(eq=False)
class UnusableRoot(ConfigError):
    """No folder that ``PYTHONPATH`` can name; *reason* says why."""

    code = "unusable_root"

    root: str
    reason: str

    def __str__(self) -> str:
        return f"--root {self.root!r} {self.reason}; write for instance {ROOT}"


def wire(packages: Sequence[Packed], style: str, root: str = "") -> Wiring:
    """How pods get *packages* in *style*, one of STYLES, below *root* (empty: the style's own).

    Raises OneVoTwice, UnusableRoot and ZipNotOnPythonPath.
    """
    _refuse_one_vo_twice(packages)
    return STYLES[style](packages, root)


def _directories(packages: Sequence[Packed], root: str) -> Wiring:
    folder = _usable(root or ROOT)
    zips = tuple(_zip_path(folder, package) for package in packages if package.layout == "zip")
    parent = (folder,) if len(zips) < len(packages) else ()
    mounts = (mount for package in packages for mount in _whole_secrets(package, folder))
    return Wiring("directory", folder, _with_volumes(mounts), zips + parent, _modules(packages))


def _existing(packages: Sequence[Packed], root: str) -> Wiring:
    if not root:
        raise UnusableRoot(root, "is empty: the style 'existing' needs the folder that PYTHONPATH names already")
    _refuse_zips(packages, "existing")
    mounts = (mount for package in packages for mount in _whole_secrets(package, _usable(root)))
    return Wiring("existing", _usable(root), _with_volumes(mounts), (), _modules(packages))


def _files(packages: Sequence[Packed], root: str) -> Wiring:
    folder = _usable(root or SITE_PACKAGES)
    _refuse_zips(packages, "files")
    mounts = (mount for package in packages for mount in _single_files(package, folder))
    return Wiring("files", folder, _with_volumes(mounts), (), _modules(packages))


STYLES: Mapping[str, Callable[[Sequence[Packed], str], Wiring]] = {
    "directory": _directories,
    "existing": _existing,
    "files": _files,
}


def _whole_secrets(package: Packed, folder: str) -> Iterator[Mount]:
    for secret in package.secrets:
        path = posixpath.join(folder, package.module, _directory(secret)).rstrip("/")
        yield Mount("", secret.name, path, "", _content(package, secret))


def _single_files(package: Packed, folder: str) -> Iterator[Mount]:
    for secret in package.secrets:
        for key in sorted(secret.data):
            inside = posixpath.join(package.module, _directory(secret), key)
            yield Mount("", secret.name, posixpath.join(folder, inside), key, inside)


def _directory(secret: Secret) -> str:
    """The package's directory that the Secret holds, empty for its own."""
    directory = secret.annotations[DIRECTORY]
    return "" if directory == "." else directory


def _content(package: Packed, secret: Secret) -> str:
    if package.layout == "zip":
        return f"{package.module} as one zip"
    directory = _directory(secret)
    return f"{package.module}/{directory}/" if directory else f"{package.module}/"


def _zip_path(folder: str, package: Packed) -> str:
    return posixpath.join(folder, package.module, f"{package.module}.zip")


def _modules(packages: Iterable[Packed]) -> dict[str, str]:
    return {package.vo: package.module for package in packages}


def _with_volumes(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """Each with a volume's name of its own: a DNS label, which no other mount has, and no volume of the charts."""
    found = tuple(mounts)
    plain = [_label(f"policy-{mount.secret}-{mount.key}") for mount in found]
    uses = Counter(plain)
    return tuple(
        replace(mount, volume=name if uses[name] == 1 and len(name) <= _LONGEST_LABEL else _distinct(name, mount))
        for mount, name in zip(found, plain, strict=True)
    )


def _label(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _distinct(name: str, mount: Mount) -> str:
    digest = hashlib.sha256(f"{mount.secret}/{mount.key}".encode()).hexdigest()[:10]
    return f"{name[: _LONGEST_LABEL - 11].rstrip('-')}-{digest}"


def _usable(root: str) -> str:
    if not root.startswith("/"):
        raise UnusableRoot(root, "is not an absolute path")
    if not re.fullmatch(r"[-\w./+@]+", root, re.ASCII):
        raise UnusableRoot(root, "has characters that PYTHONPATH or a mount path cannot have")
    if posixpath.normpath(root) in ("/", "//"):
        raise UnusableRoot(root, "is the root of the image")
    return posixpath.normpath(root)


def _refuse_one_vo_twice(packages: Sequence[Packed]) -> None:
    for vo in (package.vo for package in packages):
        modules = [package.module for package in packages if package.vo == vo]
        if len(modules) > 1:
            raise OneVoTwice(vo, modules)


def _refuse_zips(packages: Sequence[Packed], style: str) -> None:
    for package in packages:
        if package.layout == "zip":
            raise ZipNotOnPythonPath(package.module, style)
