"""The proof at the end of entrypoints as images have them: scripts of our own that end in the same way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.core.model import Bundle, Manifest
from secretsync.reconcile.canary import in_pod
from secretsync.reconcile.canary.entrypoint import executables
from secretsync.reconcile.canary.environment import environment
from secretsync.reconcile.canary.manifests import PROOF, candidates, job
from secretsync.reconcile.canary.verdict import Judgement, judge
from tests.build import bundle
from tests.reconcile.canary.test_manifests import env, package, rucio

SCRIPTS = Path(__file__).with_name("entrypoints")
FILES = {"__init__.py": "", "permission.py": "", "schema.py": ""}
DAEMON = {"RUCIO_DAEMON": "judge-cleaner", "RUCIO_DAEMON_ARGS": "--threads 4 --activities 'a b'"}
SERVER_IMAGE, DAEMON_IMAGE = "rucio/rucio-server:41.5.1", "rucio/rucio-daemons:41.5.1"


class Image:
    """A folder that stands for an image's root, and for what the kubelet mounts into it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.copy("opt/policy/pol")

    def copy(self, folder: str) -> Path:
        """Another copy of the package, byte by byte the same."""
        place = self.root / folder
        place.mkdir(parents=True)
        for name, text in FILES.items():
            (place / name).write_text(text)
        return place

    def runs(self, pod: Manifest, *entrypoint: str) -> str:
        """What the pod's container leaves as its termination message."""
        (container,) = pod["containers"]
        program = Path(in_pod.__file__).read_text()
        program = program.replace("/dev/termination-log", f"{self.root}/message").replace("python3", sys.executable, 1)
        program = program.replace("/secretsync-run", f"{self.root}/run").replace("#!/usr/bin/env ", "#!")
        (self.root / "run").mkdir(exist_ok=True)
        for mount in container["volumeMounts"]:
            if mount.get("subPath") == "in_pod.py":
                place = self.root / mount["mountPath"].lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(program)
                place.chmod(0o755)
        variables = {one["name"]: one["value"] for one in container["env"]}
        variables[PROOF] = variables[PROOF].replace("/secretsync-probe/probe.zip", str(SCRIPTS / "probe.py"))
        variables = {name: value.replace("ROOT", str(self.root)) for name, value in variables.items()}
        command = [str(SCRIPTS / script) for script in entrypoint]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(command, env={"PATH": path, "ROOT": str(self.root), **variables}, check=True, timeout=60)
        return (self.root / "message").read_text()


def proof(image_name: str, root: Path, **variables: str) -> Manifest:
    one = rucio(image=image_name, **env(PYTHONPATH=f"{root}/opt/policy", **variables))
    found = environment(one, one.template["spec"]["containers"][0])
    (candidate,) = candidates([package()], [("", found)])
    return dict(job(candidate, "atlas-candidate-1", vo="", seconds=30)["spec"]["template"]["spec"])


def judged(message: str, root: Path) -> Judgement:
    made: Bundle = bundle(FILES, "pol")
    return judge(made, message, f"{root}/opt/policy/pol")


CASES = [
    ("daemon.sh", DAEMON_IMAGE),
    ("older-daemon.sh", DAEMON_IMAGE),
    ("daemon-by-path.sh", DAEMON_IMAGE),
    ("server.sh", SERVER_IMAGE),
    ("older-server.sh", SERVER_IMAGE),
]


@pytest.mark.parametrize(("script", "image_name"), CASES)
def test_at_the_end_of_the_entrypoint_the_mounted_package_is_proven(
    tmp_path: Path, script: str, image_name: str
) -> None:
    more = DAEMON if image_name == DAEMON_IMAGE else {}
    message = Image(tmp_path).runs(proof(image_name, tmp_path, **more), script)
    judgement = judged(message, tmp_path)
    assert (judgement.reasons, judgement.notes) == ((), ())
    assert "schema from pol.schema" in judgement.seen
    assert (tmp_path / "run" / "started").exists()


@pytest.mark.parametrize(("script", "image_name"), CASES)
def test_a_copy_that_a_sites_entrypoint_puts_first_is_refused_by_its_path_though_it_is_the_same(
    tmp_path: Path, script: str, image_name: str
) -> None:
    image = Image(tmp_path)
    baked = image.copy("opt/rucio/policy/pol")
    more = {"POLICY_PKG_PATH": "ROOT/opt/rucio/policy", **(DAEMON if image_name == DAEMON_IMAGE else {})}
    message = image.runs(proof(image_name, tmp_path, **more), "site.sh", script)
    judgement = judged(message, tmp_path)
    (reason,) = judgement.reasons
    assert judgement.fault_of == "image"
    assert f"from {baked}, a second copy in the image" in reason
    assert f"{tmp_path}/opt/policy/pol, where its Secret is mounted" in reason


def test_a_copy_that_comes_second_is_named(tmp_path: Path) -> None:
    image = Image(tmp_path)
    baked = image.copy("opt/baked/pol")
    pod = proof(DAEMON_IMAGE, tmp_path, **DAEMON)
    pod["containers"][0]["env"][0]["value"] += f":{tmp_path}/opt/baked"
    judgement = judged(image.runs(pod, "daemon.sh"), tmp_path)
    assert judgement.reasons == ()
    assert str(baked) in judgement.notes[0]


def test_httpd_that_is_only_asked_for_something_starts_no_proof(tmp_path: Path) -> None:
    shutil.copy(in_pod.__file__, tmp_path / "httpd")
    command = [sys.executable, str(tmp_path / "httpd"), "-t"]
    told = subprocess.run(command, env={PROOF: "nothing 1"}, capture_output=True, check=False)
    assert (told.returncode, told.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("command", "found"),
    [(None, True), (["/start-daemon.sh"], True), (["python3", "-m", "site"], False), (["sleep", "1000"], False)],
)
def test_only_a_command_that_goes_through_an_entrypoint_is_run(command: list[str] | None, found: bool) -> None:
    container = {"image": DAEMON_IMAGE, **({"command": command} if command else {})}
    assert bool(executables(container)) is found
