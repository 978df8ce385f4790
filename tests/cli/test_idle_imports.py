"""What an apply with nothing to do imports: each library costs at every start of a CronJob's pod."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.core.model import Manifest
from tests import ROOT
from tests.e2e.repository import MODULE, Repository
from tests.servers.http import serving
from tests.servers.stub_api import StubApi

pytestmark = pytest.mark.slow


FOR_FILES = {
    "click", "packaging", "pydantic", "structlog", "yaml",
    "annotated_types", "pydantic_core", "typing_extensions", "typing_inspection",  # pydantic's
}  # fmt: skip
FOR_A_CLUSTER = FOR_FILES | {"kubernetes", "urllib3"}
FOR_A_KUBECONFIG = FOR_A_CLUSTER | {"durationpy"}
POLICY = {
    "__init__.py": b"",
    "permission.py": b"def has_permission(issuer, action, kwargs, *, session=None): return None\n",
}
STEPS = {
    *("apply", "canary", "gates", "lock", "observed", "preflight", "publish", "rights", "rollout", "undo", "wait"),
}
"""The modules of `reconcile` with steps that a pass takes which has something to do."""

PROGRAM = """
import json, sys
from secretsync.cli.main import main
code = main(["apply"])
libraries = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
ours = [name.removeprefix("secretsync.") for name in sys.modules if name.startswith("secretsync.")]
print(json.dumps([code, sorted(libraries), sorted(ours), sorted(sys.stdlib_module_names & sys.modules.keys())]))
"""


@dataclass(frozen=True)
class Imported:
    """What an apply imported: *libraries* of others, modules of *ours*, and of the *standard* library."""

    code: int
    libraries: list[str]
    ours: list[str]
    standard: list[str]

    @property
    def foreign(self) -> set[str]:
        """The libraries without the test runner's own start-up hooks, which are no part of a pod."""
        return {name for name in self.libraries if not name.startswith(("_", "cython_runtime"))} - {"secretsync"}

    @property
    def steps(self) -> set[str]:
        return {name.split(".")[1] for name in self.ours if name.startswith("reconcile.")}


def apply(folder: Path) -> Imported:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Imported(*json.loads(run.stdout.splitlines()[-1]))


def write(path: Path, document: Any) -> None:
    path.write_text(yaml.safe_dump(document))


@pytest.fixture(scope="module")
def of_files(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """A package in a directory, Secrets in another."""
    folder = tmp_path_factory.mktemp("files")
    package = folder / "policy" / MODULE
    package.mkdir(parents=True)
    for name, content in POLICY.items():
        (package / name).write_bytes(content)
    packages = [{"moduleName": MODULE, "requirement": "./policy"}]
    targets = [{"cluster": {"directory": "./manifests"}, "namespace": "rucio"}]
    write(folder / "secretsync.yaml", {"packages": packages, "targets": targets})
    apply(folder)
    return apply(folder)


def server() -> Manifest:
    """A Deployment that mounts the package."""
    labels = {"app": "server"}
    volume = {"name": "policy", "secret": {"secretName": MODULE.replace("_", "-")}}
    container = {
        "name": "server",
        "image": "other",
        "volumeMounts": [{"name": "policy", "mountPath": f"/opt/{MODULE}"}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": [volume]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": "rucio", "labels": labels},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


@pytest.fixture(scope="module")
def of_git(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """A package in a git repository, Secrets in a cluster, and a workload that was restarted for them."""
    folder = tmp_path_factory.mktemp("git")
    repository = Repository(folder)
    repository.push(POLICY)
    api = StubApi()
    api.put(server())
    with serving(api) as url:
        kubeconfig = {
            "clusters": [{"name": "stub", "cluster": {"server": url}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "me"}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
        }
        write(folder / "kubeconfig", kubeconfig)
        packages = [{"moduleName": MODULE, "requirement": f"git+file://{repository.bare}"}]
        targets = [{"cluster": {"context": "stub", "kubeconfig": "kubeconfig"}, "namespace": "rucio"}]
        write(folder / "secretsync.yaml", {"packages": packages, "targets": targets, "cache": "cache"})
        first = apply(folder)
        assert {"apply", "lock"} <= first.steps, "the first has something to do"
        return apply(folder)


def test_an_idle_apply_imports_no_library_that_it_does_not_use(of_files: Imported, of_git: Imported) -> None:
    assert (of_files.code, of_git.code) == (0, 0)
    assert of_files.foreign <= FOR_FILES
    assert of_git.foreign <= FOR_A_KUBECONFIG


def test_it_imports_neither_the_rules_of_the_check_nor_a_step_that_it_does_not_take(
    of_files: Imported, of_git: Imported
) -> None:
    for found in (of_files, of_git):
        assert not [name for name in found.ours if name.startswith(("rucio.check", "rucio.charts", "rucio.prove"))]
        assert not STEPS & found.steps


def test_it_reads_no_files_of_a_repository(of_git: Imported) -> None:
    assert not {"sources.git.cache", "sources.git.reader", "sources.locate", "sources.bundle"} & set(of_git.ours)


def test_a_text_is_reported_without_the_other_formats(of_git: Imported) -> None:
    formats = {"cli.output.html", "cli.output.json", "cli.output.junit", "cli.output.markdown"}
    assert not formats & set(of_git.ours)


@pytest.mark.parametrize("name", ["asyncio", "multiprocessing.pool", "difflib", "tomllib", "xml"])
def test_modules_of_the_standard_library_that_it_does_not_use_are_not_imported(of_git: Imported, name: str) -> None:
    assert name not in of_git.standard


def test_in_a_pod_nothing_reads_a_kubeconfig() -> None:
    program = (
        "import json, sys; from secretsync.cluster.connection import in_cluster; from secretsync.cluster.api import *;"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)))"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"durationpy", "oauthlib", "requests", "dateutil"} & set(json.loads(run.stdout))
