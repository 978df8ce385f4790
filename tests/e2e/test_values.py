"""The generated values, rendered by Helm and applied to the real control plane: pods load the packages in real Rucio.

By default one walk, as each takes a quarter of a minute: ``SECRETSYNC_TEST_ALL=1`` runs all.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.rucio.prove import RucioEnvironment, probe_archive
from tests.conftest import helms
from tests.e2e.site import run_in, until
from tests.on_demand import ALL, ON_DEMAND
from tests.rucio.charts.rendering import render
from tests.rucio.check.build import INIT, policy
from tests.rucio.prove.conftest import rucio  # noqa: F401 - a fixture
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.network, pytest.mark.slow]

IMAGE = Path(__file__).with_name("image.py")

FLAT: Mapping[str, str] = {}
NESTED: Mapping[str, str] = {
    "__init__.py": INIT
    + "def get_algorithms():\n    from pol.algorithms.paths import lfn2pfn\n    return {'lfn2pfn': {'pol': lfn2pfn}}\n",
    "algorithms/__init__.py": "",
    "algorithms/paths.py": "def lfn2pfn(scope, name, rse, rse_attrs, protocol_attrs):\n    return name\n",
}


@dataclass(frozen=True)
class Case:
    """*files* are each package's, by its module; *found_at* is where Rucio is to find them."""

    files: Mapping[str, Mapping[str, str]]
    found_at: Sequence[str]
    arguments: Sequence[str] = ()
    chart: str = "server"
    more: Mapping[str, Mapping[str, Any]] | None = None
    """Further keys of a package, by its module."""
    python_path: str = ""
    """What the site's own values put on PYTHONPATH."""
    merged: bool = False
    """Whether the values are merged into the site's own file, or come beside it."""


VOS = {"pol": {"vo": "one"}, "ilo": {"vo": "two"}}
CASES = {
    "a nested package, merged into the values of the daemons": Case(
        {"pol": NESTED}, ["/opt/policy/pol/"], chart="daemons", merged=True
    ),
    "a flat package": Case({"pol": FLAT}, ["/opt/policy/pol/"]),
    "a flat package, named in the configuration": Case({"pol": FLAT}, ["/opt/policy/pol/"], ["--via", "config"]),
    "a zip": Case({"pol": NESTED}, ["/opt/policy/pol/pol.zip/pol/"], more={"pol": {"layout": "zip"}}),
    "two VOs": Case({"pol": FLAT, "ilo": FLAT}, ["/opt/policy/pol/", "/opt/policy/ilo/"], more=VOS),
    "two VOs, named in the configuration of the ui": Case(
        {"pol": FLAT, "ilo": FLAT}, ["/opt/policy/pol/", "/opt/policy/ilo/"], ["--via", "config"], "ui", VOS
    ),
    "two VOs, one as a zip": Case(
        {"pol": FLAT, "ilo": FLAT},
        ["/opt/policy/pol/pol.zip/pol/", "/opt/policy/ilo/"],
        more={**VOS, "pol": {"vo": "one", "layout": "zip"}},
    ),
    "an existing root": Case(
        {"pol": NESTED},
        ["/opt/rucio/permissions/rubin/pol/"],
        ["--style", "existing", "--root", "/opt/rucio/permissions/rubin"],
        python_path="/opt/rucio/permissions/rubin",
        merged=True,
    ),
    "file by file": Case(
        {"pol": NESTED}, ["SITE_PACKAGES/pol/"], ["--style", "files", "--root", "SITE_PACKAGES"], "daemons"
    ),
}
HELMS = helms() or [None]


def _name(path: str | None) -> str:
    return Path(path).name if path else "none"


@dataclass(frozen=True)
class Operator:
    """Runs secretsync by hand, and the pods of a chart on a Python that stands for the image's."""

    plane: ControlPlane
    namespace: str
    folder: Path
    rucio: RucioEnvironment
    case: Case

    def configures(self) -> None:
        packages = []
        for module, files in self.case.files.items():
            for file in policy(files, module).files:
                path = self.folder / "source" / module / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.data)
            more = (self.case.more or {}).get(module, {})
            packages.append({"moduleName": module, "requirement": "./source", **more})
        cluster = {"context": self.plane.context, "kubeconfig": str(self.plane.kubeconfig)}
        targets = [{"cluster": cluster, "namespace": self.namespace}]
        (self.folder / "secretsync.yaml").write_text(yaml.safe_dump({"packages": packages, "targets": targets}))

    def runs(self, *arguments: str) -> str:
        run = run_in(self.folder, *arguments)
        assert run.code == 0, run
        return run.out

    @property
    def site(self) -> str:
        """The values that the site has anyway."""
        variables = [{"name": "PATH", "value": f"{self.rucio.python.parent}:/usr/bin:/bin"}]
        if self.case.python_path:
            variables.append({"name": "PYTHONPATH", "value": self.case.python_path})
        vos = [one["vo"] for one in (self.case.more or {}).values() if "vo" in one]
        probe = self.folder / "probe.zip"
        probe.write_bytes(probe_archive())
        command = ["python3", str(IMAGE), str(probe), *vos]
        # Secrets that the charts mount by default and nobody made here, and a container of another image
        beside = {"useDeprecatedImplicitSecrets": False, "exposeErrorLogs": False}
        return yaml.safe_dump({"additionalEnvs": variables, "command": command, **beside})

    def values(self) -> list[str]:
        """The values files that Helm gets."""
        command = ["values", self.case.chart, *self.case.arguments]
        if not self.case.merged:
            return [self.site, self.runs(*command)]
        path = self.folder / "site.yaml"
        path.write_text(self.site)
        self.runs(*command, "--merge", str(path))
        return [path.read_text()]

    def deploys(self, manifests: Sequence[dict[str, Any]]) -> list[str]:
        """The names of the Deployments."""
        for manifest in manifests:
            manifest["metadata"]["namespace"] = self.namespace
            self.plane.put(manifest)
        return [one["metadata"]["name"] for one in manifests if one["kind"] == "Deployment"]

    def told(self) -> list[dict[str, Any]]:
        """What the probe reported in each pod that is done with it, by VO."""
        logs = [
            self.plane.log(self.namespace, pod["metadata"]["name"]) for pod in self.plane.all("Pod", self.namespace)
        ]
        return [json.loads(log.splitlines()[-1]) for log in logs if log.endswith("}\n")]


@pytest.mark.parametrize(
    "helm", HELMS if ALL else HELMS[-1:], indirect=True, ids=lambda path: Path(path or "none").name
)
@pytest.mark.parametrize("name", list(CASES) if ALL else list(CASES)[:1])
def test_pods_with_the_generated_values_load_the_packages(
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
    rucio: RucioEnvironment,  # noqa: F811 - the fixture
    helm: str,
    name: str,
) -> None:
    case = _placed(CASES[name], rucio)
    operator = Operator(control_plane, namespace, tmp_path, rucio, case)
    operator.configures()
    operator.runs("--once")
    deployed = operator.deploys(render(helm, *operator.values(), chart=case.chart, folder=tmp_path))
    until(lambda: len(operator.told()) == len(deployed), "each pod tells what Rucio loaded", 120)
    for told in operator.told():
        for report, module, found_at in zip(told.values(), case.files, case.found_at, strict=True):
            assert _in_force(report) == _own(module, found_at), report
            assert report["logged"] == []
            assert report["algorithms"]["lost"] == []


@ON_DEMAND
@pytest.mark.parametrize("helm", HELMS[-1:], indirect=True, ids=_name)
@pytest.mark.parametrize("how", ["--patch", "--kustomize"])
def test_deployments_that_are_patched_load_the_package(
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
    rucio: RucioEnvironment,  # noqa: F811 - the fixture
    helm: str,
    how: str,
) -> None:
    kubectl = control_plane.kubeconfig.parent / "bin" / "kubectl"
    if not kubectl.exists():
        pytest.skip("this control plane brings no kubectl")
    operator = Operator(control_plane, namespace, tmp_path, rucio, Case({"pol": NESTED}, ["/opt/policy/pol/"]))
    operator.configures()
    operator.runs("--once")
    rendered = render(helm, operator.site, folder=tmp_path)
    patch = operator.runs("values", how)
    if how == "--kustomize":
        rendered = _customized(rendered, patch, kubectl, tmp_path / "kustomize")
    (name,) = operator.deploys(rendered)
    if how == "--patch":
        (tmp_path / "patch.yaml").write_text(patch)
        command = [
            kubectl,
            "--kubeconfig",
            control_plane.kubeconfig,
            "--namespace",
            namespace,
            "patch",
            "deployment",
            name,
        ]
        subprocess.run([*command, "--patch-file", tmp_path / "patch.yaml"], check=True, capture_output=True)

    def in_force() -> list[dict[str, tuple[str, str]]]:
        return [_in_force(told[""]) for told in operator.told()]

    until(lambda: in_force() == [_own("pol", "/opt/policy/pol/")], "the pod has loaded the package's own modules", 120)


def _customized(manifests: Sequence[dict[str, Any]], patch: str, kubectl: Path, folder: Path) -> list[dict[str, Any]]:
    folder.mkdir()
    (folder / "rucio.yaml").write_text(yaml.safe_dump_all(manifests))
    (folder / "kustomization.yaml").write_text(f"resources: [rucio.yaml]\n{patch}")
    built = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(built.stdout))


def _placed(case: Case, environment: RucioEnvironment) -> Case:
    """The case with the site-packages of the Python that stands for the image's."""
    (folder,) = environment.python.parent.parent.glob("lib/python3.*/site-packages")
    arguments = [one.replace("SITE_PACKAGES", str(folder)) for one in case.arguments]
    found_at = [one.replace("SITE_PACKAGES", str(folder)) for one in case.found_at]
    return Case(case.files, found_at, arguments, case.chart, case.more, case.python_path, case.merged)


def _in_force(report: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {part: (found["module"], found["file"]) for part, found in report["in_force"].items()}


def _own(module: str, found_at: str) -> dict[str, tuple[str, str]]:
    """Permission and schema, both the package's own."""
    return {part: (f"{module}.{part}", f"{found_at}{part}.py") for part in ("permission", "schema")}
