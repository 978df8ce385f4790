"""Those who deploy Rucio's chart: Helm 3 and 4, Flux, Argo CD in three ways, and a replacement by hand.

Flux and Argo CD stand for the calls that they make: the same verbs, field managers and force options, on what Helm
renders of the chart; there are their own libraries besides (https://fluxcd.io/flux/components/kustomize/kustomizations/,
https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.rucio.charts.rendering import CHART, render

Values = dict[str, Any]


@dataclass
class Place:
    """Where a chart is deployed, by *kubeconfig* into *namespace*; *folder* is the owner's own."""

    kubeconfig: Path
    namespace: str
    folder: Path

    @property
    def kubectl(self) -> Path:
        return self.kubeconfig.parent / "bin" / "kubectl"


class Owner(Protocol):
    """Deploys values, and goes back to the ones before; ``strip`` deploys them by its most forceful verb."""

    def deploy(self, place: Place, values: Values) -> None: ...

    def roll_back(self, place: Place) -> None: ...

    def strip(self, place: Place, values: Values) -> None: ...


@dataclass
class Helm:
    """A release; *force* is the option by which this Helm replaces whole objects."""

    program: str
    force: Sequence[str]
    revision: int = 0

    def deploy(self, place: Place, values: Values) -> None:
        self._upgrade(place, values)

    def roll_back(self, place: Place) -> None:
        self._run(place, "rollback", "prod", str(self.revision - 1))
        self.revision += 1

    def strip(self, place: Place, values: Values) -> None:
        self._upgrade(place, values, *self.force)

    def _upgrade(self, place: Place, values: Values, *options: str) -> None:
        path = place.folder / "values.yaml"
        path.write_text(yaml.safe_dump(values))
        self._run(place, "upgrade", "--install", "prod", str(CHART), "--values", str(path), *options)
        self.revision += 1

    def _run(self, place: Place, *arguments: str) -> None:
        where = ["--namespace", place.namespace, "--kubeconfig", str(place.kubeconfig)]
        # the releases' own Secrets are none that a site would mistake for a package's
        _succeed([self.program, *arguments, *where], environment={"HELM_DRIVER": "configmap"})


@dataclass
class Applier:
    """Deploys what *program*, a Helm, renders, by a verb of kubectl; going back is deploying what was deployed before.

    *first* is the verb for objects that are not there yet, *force* the one that strips.
    """

    program: str
    verb: Sequence[str]
    force: Sequence[str]
    first: Sequence[str] = ()
    deployed: list[Values] = field(default_factory=list)

    def deploy(self, place: Place, values: Values) -> None:
        self._send(place, values, self.verb if self.deployed else self.first or self.verb)
        self.deployed.append(values)

    def roll_back(self, place: Place) -> None:
        self.deploy(place, self.deployed[-2])

    def strip(self, place: Place, values: Values) -> None:
        self._send(place, values, self.force)
        self.deployed.append(values)

    def _send(self, place: Place, values: Values, verb: Sequence[str]) -> None:
        manifests = render(self.program, folder=place.folder, **values)
        path = place.folder / "manifests.yaml"
        path.write_text(yaml.safe_dump_all(manifests))
        where = ["--namespace", place.namespace, "--kubeconfig", str(place.kubeconfig)]
        _succeed([str(place.kubectl), *verb, "--filename", str(path), *where])


@dataclass
class Flux:
    """Deploys what *helm* renders by *program*, the library of Flux's kustomize-controller (``flux/``).

    Its ``force: true`` makes an object anew where a field that is immutable changes, and only there.
    """

    helm: str
    program: Path
    deployed: list[Values] = field(default_factory=list)
    stripped: int = 0

    def deploy(self, place: Place, values: Values) -> None:
        self._send(place, render(self.helm, folder=place.folder, **values))
        self.deployed.append(values)

    def roll_back(self, place: Place) -> None:
        self.deploy(place, self.deployed[-2])

    def strip(self, place: Place, values: Values) -> None:
        self.stripped += 1
        manifests = render(self.helm, folder=place.folder, **values)
        for spec in (manifest["spec"] for manifest in manifests if manifest["kind"] == "Deployment"):
            spec["selector"]["matchLabels"]["turn"] = f"turn-{self.stripped}"
            spec["template"]["metadata"]["labels"]["turn"] = f"turn-{self.stripped}"
        self._send(place, manifests, "force")

    def _send(self, place: Place, manifests: list[dict[str, Any]], *force: str) -> None:
        path = place.folder / "manifests.yaml"
        path.write_text(yaml.safe_dump_all(manifests))
        _succeed([str(self.program), str(place.kubeconfig), place.namespace, str(path), *force])


@dataclass
class ArgoCD:
    """Syncs what *helm* renders by *program*, the engine of Argo CD (``argo/``), with sync *options*."""

    helm: str
    program: Path
    options: Sequence[str]
    deployed: list[Values] = field(default_factory=list)

    def deploy(self, place: Place, values: Values) -> None:
        self._send(place, values, self.options)
        self.deployed.append(values)

    def roll_back(self, place: Place) -> None:
        self.deploy(place, self.deployed[-2])

    def strip(self, place: Place, values: Values) -> None:
        self._send(place, values, ("Replace=true", "Force=true"))
        self.deployed.append(values)

    def _send(self, place: Place, values: Values, options: Sequence[str]) -> None:
        manifests = render(self.helm, folder=place.folder, **values)
        for manifest in manifests:
            annotations = manifest["metadata"].setdefault("annotations", {})
            annotations["argocd.argoproj.io/sync-options"] = ",".join(options)
        path = place.folder / "manifests.yaml"
        path.write_text(yaml.safe_dump_all(manifests))
        _succeed([str(self.program), str(place.kubeconfig), place.namespace, str(path)])


def _succeed(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    """Run *command*; once more where a controller wrote the object's status in between, as these tools do too."""
    for _ in range(10):
        ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
        if "(Conflict)" not in ended.stderr:
            break
    assert ended.returncode == 0, (command, ended.stderr)


SERVER_SIDE = ("apply", "--server-side", "--force-conflicts")
MADE_ANEW = ("replace", "--force", "--grace-period=1")


def owners(helm3: str, helm4: str) -> dict[str, Owner]:
    """Each owner by its name in the table, newly made: it has deployed nothing yet."""
    flux = (*SERVER_SIDE, "--field-manager=kustomize-controller")
    argo = ("--field-manager=argocd-controller",)
    return {
        "Helm 3": Helm(helm3, ["--force"]),
        "Helm 4": Helm(helm4, ["--force-replace", "--server-side=false"]),
        "Flux": Applier(helm4, flux, MADE_ANEW),
        "Argo CD": Applier(helm4, ("apply", *argo), MADE_ANEW),
        "Argo CD, `ServerSideApply=true`": Applier(helm4, (*SERVER_SIDE, *argo), MADE_ANEW),
        "Argo CD, `Replace=true`": Applier(helm4, ("replace", *argo), MADE_ANEW, ("create", *argo)),
        "`kubectl replace`": Applier(helm4, ("replace",), MADE_ANEW, ("create",)),
    }
