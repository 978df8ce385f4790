"""One owner's site, walked: what an upgrade, a rollback and a strip leave of a package, and what the next runs do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from secretsync.core.pod_references import secrets_referenced
from tests import ROOT
from tests.e2e.owners.owners import Owner, Place, Values
from tests.servers.control_plane import ControlPlane, Object

WORKLOAD = "prod-rucio-daemons-reaper"
MODULE = "site_policy"
COLUMNS = ("upgrade", "rollback", "strip")
SITE: Values = {
    "chart": "daemons",
    "reaperCount": 1,
    "judgeCleanerCount": 0,
    "command": ["sleep", "1000000"],
    "useDeprecatedImplicitSecrets": False,
    "minReadySeconds": 0,
}
"""The values that a site has anyway: one daemon, which sleeps."""


@dataclass(frozen=True)
class Answer:
    """What an act of the owner *left* of the package, what the next run *did*, its exit code, and what it reported."""

    left: str
    did: str
    exit_code: int
    events: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self == UNTOUCHED:
            return "kept"
        facts = [self.did, *([f"exit code {self.exit_code}"] if self.exit_code else [])]
        return f"{self.left}: " + ", ".join([*facts, *(f"Event `{event}`" for event in self.events)])


UNTOUCHED = Answer("kept", "nothing to do", 0)
Cell = tuple[Answer, ...]
"""The answer to an act, and to the same act once more where the first was not without a trace."""


def text(cell: Cell) -> str:
    """A cell as the page has it."""
    return "; once more: ".join(map(str, cell))


@dataclass(frozen=True)
class Walk:
    """The site of *owner* in *place*; *wired* says who mounts the package, secretsync or the owner's values."""

    plane: ControlPlane
    place: Place
    owner: Owner
    wired: bool
    mounts: Values = field(default_factory=dict)
    """Values that mount the package, where the owner does."""

    def cells(self) -> Mapping[str, Cell]:
        """Each column's, from a fresh revision of the package on."""
        self._publish(0)
        if not self.wired:
            self.mounts.update(yaml.safe_load(self._secretsync("values", "daemons").stdout))
        self.owner.deploy(self.place, self._values(0))
        self.owner.deploy(self.place, self._values(1))
        acts: Mapping[str, Callable[[int], None]] = {
            "upgrade": lambda turn: self.owner.deploy(self.place, self._values(2 + turn)),
            "rollback": lambda turn: self.owner.roll_back(self.place),
            "strip": lambda turn: self.owner.strip(self.place, self._stripped()),
        }
        return {column: self._cell(number, acts[column]) for number, column in enumerate(COLUMNS)}

    def _cell(self, number: int, act: Callable[[int], None]) -> Cell:
        self._publish(number)
        assert (first := self._secretsync("apply")).returncode == 0, first.stdout + first.stderr
        answers: list[Answer] = []
        for turn in range(2):
            answers.append(self._answer(lambda turn=turn: act(turn)))  # type: ignore[misc]
            if answers[0] == UNTOUCHED:
                break
        return tuple(answers)

    def _answer(self, act: Callable[[], None]) -> Answer:
        before, events = self._workload(), self._events()
        act()
        left = self._left(before)
        mark = self.plane.audit_mark()
        run = self._secretsync("apply")
        calls = self.plane.calls_since(mark, self.place.namespace)
        wrote = any(call.touches and call.resource == "deployments" for call in calls)
        reported = sorted({reason for _, reason in self._events() - events})
        return Answer(left, self._did(run, wrote=wrote), run.returncode, tuple(reported))

    def _left(self, before: Object) -> str:
        after = self._workload()
        anew = after["metadata"]["uid"] != before["metadata"]["uid"]
        if not self._mounts(after):
            return "made anew without it" if anew else "taken away"
        if anew:
            return "made anew"
        return "kept" if _is_stamped(after) else "the stamp taken away"

    def _did(self, run: subprocess.CompletedProcess[str], *, wrote: bool) -> str:
        if wrote:
            return "wired again" if self.wired else "restarted"
        if self._mounts(self._workload()):
            return "nothing to do"
        said = " ".join((run.stdout + run.stderr).split())
        assert ("no longer mounts" in said) != self.wired, said
        return "left so" if self.wired else "named in every run"

    def _values(self, number: int) -> Values:
        return {**SITE, **self.mounts, "podAnnotations": {"example.org/version": str(number)}}

    def _stripped(self) -> Values:
        """A site that mounts nothing."""
        return {**SITE, "podAnnotations": {"example.org/version": "stripped"}}

    def _publish(self, number: int) -> None:
        folder = self.place.folder / "source" / MODULE
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text(f"NUMBER = {number}\n")
        (folder / "permission.py").write_text("def has_permission(issuer, action, kwargs):\n    return True\n")

    def _secretsync(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = self.place.folder / "secretsync.yaml"
        path.write_text(yaml.safe_dump(self._configuration()))
        command = [sys.executable, "-m", "secretsync", "--config", str(path), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)

    def _configuration(self) -> dict[str, Any]:
        source = str(self.place.folder / "source")
        target = {
            "cluster": {"context": self.plane.context, "kubeconfig": str(self.place.kubeconfig)},
            "namespace": self.place.namespace,
            "selector": "app-group=rucio-daemons",
            "wire": self.wired,
            "rollout": {"timeout": 120, "settle": 0, "canary": "off", "acceptDowntime": [WORKLOAD]},
        }
        package = {"moduleName": MODULE, "requirement": source, "check": {"fail": "never"}}
        return {"packages": [package], "targets": [target], "cache": str(self.place.folder / "cache")}

    def _workload(self) -> Object:
        return self.plane.get("Deployment", self.place.namespace, WORKLOAD)

    def _mounts(self, workload: Object) -> bool:
        return any("policy" in name for name in secrets_referenced(workload["spec"]["template"]))

    def _events(self) -> set[tuple[str, str]]:
        """The warnings that secretsync recorded, each with its reason: what it did well is in the table already."""
        events = self.plane.all("Event", self.place.namespace)
        ours = [one for one in events if one.get("reportingComponent") == "secretsync" and one["type"] == "Warning"]
        return {(one["metadata"]["uid"], one["reason"]) for one in ours}


def _is_stamped(workload: Object) -> bool:
    annotations = workload["spec"]["template"]["metadata"].get("annotations") or {}
    return any("secretsync" in key for key in annotations)


def walk(plane: ControlPlane, namespace: str, folder: Path, owner: Owner, *, wired: bool) -> Mapping[str, Cell]:
    """The cells of one row, in a namespace that is empty."""
    folder.mkdir(parents=True)
    return Walk(plane, Place(plane.kubeconfig, namespace, folder), owner, wired).cells()
