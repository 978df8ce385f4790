"""What Rucio's images install, and which Python they run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.rucio_facts.command import run

ALL_EXTRAS = ("oracle", "mysql", "postgresql", "globus")

IMAGES = {  # the extras that the container files name, and what they install beside Rucio
    "server": (("oracle", "mysql", "postgresql"), ("pip", "setuptools", "pkg_resources")),
    "daemons": (ALL_EXTRAS, ("pip", "setuptools", "pkg_resources", "gfal2")),
    "ui": (("oracle", "mysql", "postgresql"), ("pip", "setuptools", "pkg_resources")),
}

NOT_IMPORTED = ("bin", "etc", "tests", "examples", "setup", "__pycache__")
"""What distributions install beside their modules, by mistake or not."""

CONTAINERS = "https://github.com/rucio/containers/blob"

IMAGE_BASES = (  # the Python of AlmaLinux is that of its python3 package, which the container files install Rucio with
    {
        "base": "almalinux:9",
        "python": "3.9",
        "since": "36.0",
        "source": f"{CONTAINERS}/33460c7128e466ff2a251c00874829b0573a37b9/daemons/alma9.Dockerfile",
    },
    {
        "base": "almalinux:10",
        "python": "3.12",
        "since": None,
        "source": f"{CONTAINERS}/e60474fde76ca1770eb6d54d61f7afa0315dca6f/server/alma10.Dockerfile",
    },
)
"""What the images are built on, and the first release whose own tag (release-X.Y.Z) is; None: beside that tag only."""

STANDARD_LIBRARY = """
import builtins, enum, importlib, inspect, json, pkgutil, sys, sysconfig, warnings
warnings.simplefilter("ignore")
import collections.abc, os.path
names = {"collections.abc", "os.path"} | set(sys.builtin_module_names) | {
    module.name for folder in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib") + "/lib-dynload")
    for module in pkgutil.iter_modules([folder])} - {"test", "idlelib", "turtledemo", "lib2to3", "this", "antigravity"}
found, classes, methods, arguments = {}, {}, {}, {}

def parameters(thing):
    try:
        given = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(one.kind is one.VAR_KEYWORD for one in given):
        return None
    return sorted(one.name for one in given if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY))

def look_into(name, module):
    for public, thing in list(vars(module).items()):
        if public[0] == "_" or str(getattr(thing, "__module__", "")).partition(".")[0] != name.partition(".")[0]:
            continue
        if isinstance(thing, type) and not issubclass(thing, (enum.Enum, BaseException)):
            classes[f"{name}.{public}"] = dir(thing)
            methods[f"{name}.{public}"] = [one for one in dir(thing) if callable(getattr(thing, one, None))]
        if callable(thing):
            arguments[f"{name}.{public}"] = parameters(thing)

for name in sorted(names):
    public = not name.startswith("_")
    if name in ("idlelib", "this", "antigravity", "test") or name.startswith("_test"):
        continue
    todo = [name]
    while todo:
        name = todo.pop()
        try:
            module = importlib.import_module(name)
        except Exception:
            found[name] = []
            continue
        below = [one.name for one in pkgutil.iter_modules(getattr(module, "__path__", ())) if one.name[0] != "_"]
        found[name] = sorted({*dir(module), *below}) if public else []
        if public and name.partition(".")[0] not in ("tkinter", "turtle", "pydoc", "pdb", "bdb", "dis", "unittest"):
            look_into(name, module)
        todo += [f"{name}.{one}" for one in below if public and one not in ("tests", "test", "idle_test")]
print(json.dumps({"names": found, "classes": classes, "methods": methods, "arguments": arguments}))
"""


def python_of(minor: str) -> str:
    """The Python of the images whose tag is the release."""
    since = {base["since"]: base["python"] for base in IMAGE_BASES if base["since"]}
    return str(since[max((first for first in since if Version(first) <= Version(minor)), key=Version)])


def images(files: Mapping[str, bytes], python: Path, cache: Path) -> dict[str, list[str]]:
    """Top-level modules that each kind of image has beside Rucio and the standard library."""
    metadata = files["METADATA"].decode()
    needs = sorted(re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE))
    names = "\n".join(re.sub(r"[<>=!~]+[\w.*,<>=!~]+", "", need) for need in needs)
    folder = cache / "installed" / hashlib.sha256(names.encode()).hexdigest()[:16]
    if not folder.exists():
        version = re.findall(r"^Version: (.*)$", metadata, re.MULTILINE)[0]
        requirement = f"rucio[{','.join(ALL_EXTRAS)}]=={version}"
        run(str(python), "-m", "pip", "install", "--quiet", "--target", str(folder), requirement, "jinja2")
    installed = {canonicalize_name(found.name): found for found in distributions(path=[str(folder)])}
    result = {}
    for kind, (extras, beside) in IMAGES.items():
        found = {*_required(installed, "rucio", extras), *_required(installed, "jinja2", ())}
        result[kind] = sorted(
            {*(module for name in found for module in _top_level(installed[name])), *beside} - {"rucio"}
        )
        result[f"{kind} distributions"] = sorted({*found, "pip", "setuptools"})
    return result


def _required(installed: Mapping[str, Distribution], name: str, extras: tuple[str, ...]) -> Iterator[str]:
    """A distribution and all that it requires, by their names."""
    todo, seen = [(canonicalize_name(name), extras)], set()
    while todo:
        required = todo.pop()
        if required in seen or required[0] not in installed:
            continue
        seen.add(required)
        distribution = installed[required[0]]
        yield required[0]
        for text in distribution.requires or ():
            need = Requirement(text)
            environments = [
                {"python_version": "3.9", "python_full_version": "3.9.18", "extra": e} for e in ("", *required[1])
            ]
            if not need.marker or any(need.marker.evaluate(environment) for environment in environments):
                todo.append((canonicalize_name(need.name), tuple(sorted(need.extras))))


def _top_level(distribution: Distribution) -> Iterator[str]:
    for file in distribution.files or ():
        first = file.parts[0]
        if len(file.parts) > 1 and first.isidentifier() and first not in NOT_IMPORTED:
            yield first
        elif len(file.parts) == 1 and file.suffix in (".py", ".so") and file.stem not in NOT_IMPORTED:
            yield first.partition(".")[0]


def standard_library(python: Path) -> dict[str, dict[str, list[str] | None]]:
    """The names of each module, attributes and methods of each class, and arguments of what can be called."""
    found: dict[str, dict[str, list[str] | None]] = json.loads(run(str(python), "-c", STANDARD_LIBRARY))
    return found


_BACKPORTED = ("email.utils.",)
"""What distributions have brought back to their Python 3.9, for its safety (CVE-2023-27043)."""


def added(before: Mapping[str, list[str] | None], after: Mapping[str, list[str] | None]) -> dict[str, list[str]]:
    """What each of *before* has got, without what is private and what is new as a whole."""
    differences = {
        name: sorted(new for new in set(after.get(name) or ()) - set(had or ()) if new[0] != "_")
        for name, had in before.items()
        if had is not None and not name.startswith(_BACKPORTED)
    }
    return {name: differences[name] for name in sorted(differences) if differences[name]}
