"""A wiring as values of Rucio's Helm charts, with a comment on why each line is there.

What the charts make of their values was read in charts 40.0.0 (https://github.com/rucio/helm-charts): an entry of
``secretMounts`` is a volume and its mount; ``optional_config`` is a map whose keys, in upper case, become environment
variables; ``config`` becomes ``common.json``, from which the images' entrypoint makes ``rucio.cfg``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from secretsync.core.errors import ConfigError
from secretsync.core.yaml_edit import scalar
from secretsync.rucio.wiring import Mount, Wiring

VIAS = ("env", "config")
"""How Rucio is told which package is whose: environment variables, or its configuration."""

_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Chart:
    """One of Rucio's charts; *containers* are the names of those that run Rucio, by the label of their Deployments."""

    name: str
    containers: Mapping[str, str]


CHARTS: Mapping[str, Chart] = {
    "server": Chart(
        "rucio-server",
        {
            "app=rucio-server": "rucio-server",
            "app=rucio-server-auth": "rucio-server-auth",
            "app=rucio-server-trace": "rucio-server-trace",
        },
    ),
    "daemons": Chart("rucio-daemons", {"app-group=rucio-daemons": "rucio-daemons"}),
    "ui": Chart("rucio-ui", {"app=rucio-ui": "rucio-ui"}),
}


NEEDS_NOTHING = {
    "webui": "the pods of the chart rucio-webui need nothing: they run Node.js, import no Rucio, and ask its servers"
}
"""Charts whose pods load no policy package, and why."""

WITHOUT_MOUNTS: Mapping[str, Chart] = {"probes": Chart("rucio-probes", {"app=rucio-probes": "rucio-probes"})}
"""Charts whose values can mount nothing; their Deployments can be patched."""


@dataclass(eq=False)
class ChartCannot(ConfigError):
    """The values of *chart* can neither mount a Secret nor set a variable."""

    code = "chart_cannot"

    chart: str

    def __str__(self) -> str:
        return (
            f"the chart rucio-{self.chart} cannot: it has neither secretMounts nor optional_config. Where its pods "
            f"need the package: 'secretsync values {self.chart} --kustomize', or 'wire: true' for a target that "
            "selects them"
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """A *value* at a *path* of the values; *why* it is there."""

    path: tuple[str, ...]
    value: str
    why: str


def settings(wiring: Wiring, via: str) -> tuple[Setting, ...]:
    """What the values say beside ``secretMounts``; *via* is one of VIAS."""
    named = _in_configuration if via == "config" else _in_environment
    return (*_python_path(wiring), *(named(vo, module) for vo, module in sorted(wiring.modules.items())))


def environment(wiring: Wiring) -> dict[str, str]:
    """The environment variables that the settings become."""
    return {setting.path[-1].upper(): setting.value for setting in settings(wiring, "env")}


def entry(mount: Mount) -> dict[str, str]:
    """*mount* as an entry of ``secretMounts``.

    ``secretName`` would be prefixed with the release's name.
    """
    fields = {"volumeName": mount.volume, "secretFullName": mount.secret, "mountPath": mount.path}
    return {**fields, "subPath": mount.key} if mount.key else fields


def render(wiring: Wiring, chart: str, via: str, namespace: str) -> str:
    """The values to paste into those of *chart*, one of CHARTS."""
    return "\n".join(
        [
            *comment(_what_it_is(wiring, chart, namespace)),
            "",
            "secretMounts:",
            *(f"  {line}" for line in comment("\n".join(_about_mounts(wiring, chart)), _WIDTH - 2)),
            "",
            *(f"  {line}" for mount in wiring.mounts for line in entry_lines(mount)),
            *_setting_lines(settings(wiring, via)),
            "",
        ]
    )


def entry_lines(mount: Mount) -> list[str]:
    """*mount* as the lines of an item in a block list, under a comment that says what it is."""
    lines = [f"{key}: {scalar(value)}" for key, value in entry(mount).items()]
    return [f"# {mount.content}", f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def comment(text: str, width: int = _WIDTH) -> list[str]:
    """*text* as comment lines; its paragraphs stay apart."""
    return [
        f"# {line}".rstrip()
        for paragraph in text.split("\n")
        for line in textwrap.wrap(paragraph, width - 2, break_long_words=False, break_on_hyphens=False) or [""]
    ]


def _python_path(wiring: Wiring) -> Iterator[Setting]:
    if wiring.python_path:
        yield Setting(
            ("optional_config", "pythonpath"),
            ":".join(wiring.python_path),
            "becomes PYTHONPATH: the folder that holds the package's folder, or the zip itself",
        )


def _in_environment(vo: str, module: str) -> Setting:
    key = f"rucio_policy_package_{vo.lower()}" if vo else "rucio_policy_package"
    return Setting(("optional_config", key), module, f"becomes {key.upper()}: {_whose(vo)}; it wins over rucio.cfg")


def _in_configuration(vo: str, module: str) -> Setting:
    key = f"package-{vo}" if vo else "package"
    return Setting(("config", "policy", key), module, f"becomes [policy] {key} of rucio.cfg: {_whose(vo)}")


def _whose(vo: str) -> str:
    return f"what Rucio imports for the VO {vo}" if vo else "what Rucio imports"


def _setting_lines(found: Sequence[Setting]) -> Iterator[str]:
    opened: tuple[str, ...] = ()
    for setting in found:
        parents = setting.path[:-1]
        if parents != opened:
            yield ""
            yield from (f"{'  ' * depth}{key}:" for depth, key in enumerate(parents))
            opened = parents
        yield from setting_lines(setting, len(parents))


def setting_lines(setting: Setting, depth: int) -> list[str]:
    """*setting* as the lines of its key, *depth* levels in, under a comment that says why."""
    indent = "  " * depth
    lines = [*comment(setting.why, _WIDTH - len(indent)), f"{setting.path[-1]}: {scalar(setting.value)}"]
    return [indent + line for line in lines]


def _what_it_is(wiring: Wiring, chart: str, namespace: str) -> str:
    modules = " and ".join(sorted(wiring.modules.values()))
    return "\n".join(
        [
            f"Values for Rucio's chart {CHARTS[chart].name}: its pods get {modules} from the Secrets that secretsync "
            f"keeps in namespace {namespace}, find it, and load it.",
            "They replace: entries of secretMounts with policy files in Secrets made by hand, policyPackages, what "
            "[policy] permission and schema chose, and restarts by the clock (automaticRestart).",
            "'secretsync values --merge VALUES.yaml' writes them into a file and keeps what is there; with "
            "'helm --values' a list replaces the one of the file before it.",
        ]
    )


def _about_mounts(wiring: Wiring, chart: str) -> Iterable[str]:
    if chart == "daemons":
        yield (
            "A daemon with secretMounts of its own does not get these: call its list extraSecretMounts, which "
            "adds to them."
        )
    yield (
        "secretFullName is the Secret's name as it is; secretName would be prefixed with the release's. Each entry "
        "becomes a volume, so each has a volumeName of its own. There is no defaultMode: files are 0644 then, and "
        "the server's user can read them."
    )
    if wiring.style == "files":
        yield (
            "A file that comes with a package's next version is mounted only when it is listed here: print these "
            f"values again then. The path must fit the image: {wiring.found_at} is of one version of Python. A file "
            "mounted by subPath stays as it is until its pod is restarted, which secretsync does."
        )
    else:
        yield (
            "One Secret holds one directory; the kubelet mounts one below the other, and brings changes into running "
            "pods, whose processes have loaded the old code: secretsync restarts them."
        )
    if wiring.style == "existing":
        yield f"PYTHONPATH must name {wiring.found_at} already, as these values do not set it."
