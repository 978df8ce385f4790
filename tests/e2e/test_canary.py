"""A candidate is proven by the real Rucio, in pods of the real control plane, before anything live changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.core.pod_references import secrets_referenced
from secretsync.rucio.prove import RucioEnvironment
from tests.e2e.site import run_in, until
from tests.on_demand import ON_DEMAND
from tests.rucio.check.build import PERMISSION, policy
from tests.rucio.prove.conftest import rucio  # noqa: F401 - a fixture
from tests.servers.control_plane import ControlPlane

pytestmark = [pytest.mark.control_plane, pytest.mark.network, pytest.mark.slow]


def daemon(
    namespace: str, programs: Path, configuration: Path, name: str = "judge", image: str = "rucio/rucio-daemons"
) -> dict[str, Any]:
    """A daemon that needs the policy; *programs* has the Python that stands for its image."""
    container = {
        "name": "daemon",
        "image": f"{image}:release-41.5.1",
        "command": ["python3", "-c", "import rucio.core.permission, time; time.sleep(10 ** 6)"],
        "env": [
            {"name": "PATH", "value": f"{programs}:/usr/bin:/bin"},
            {"name": "PYTHONPATH", "value": "/opt/policy"},
            {"name": "RUCIO_POLICY_PACKAGE", "value": "pol"},
            {"name": "RUCIO_CONFIG", "value": str(configuration)},
        ],
        "volumeMounts": [{"name": "policy", "mountPath": "/opt/policy/pol"}],
    }
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [{"name": "policy", "secret": {"secretName": "pol"}}],
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app-group": "rucio-daemons"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


class Operator:
    """Runs secretsync by hand, with the check silenced: it would see what the proof is to see here."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path, environment: RucioEnvironment) -> None:
        self.plane, self.namespace, self.folder, self.environment = plane, namespace, folder, environment
        self.configuration = folder / "rucio.cfg"
        self.configuration.write_text("[database]\ndefault = sqlite://\n[policy]\npermission = generic\n")

    def daemon(self, programs: Path | None = None, **more: str) -> dict[str, Any]:
        """A daemon, by default called judge; *programs* has another Python than Rucio's own."""
        return daemon(self.namespace, programs or self.environment.python.parent, self.configuration, **more)

    def bare_daemon(self) -> dict[str, Any]:
        """The daemon without the package: it neither mounts nor names one."""
        bare = self.daemon()
        pod = bare["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        del pod["volumes"], container["volumeMounts"]
        container["env"] = [entry for entry in container["env"] if entry["name"] in ("PATH", "RUCIO_CONFIG")]
        return bare

    def packs(self, **files: str | None) -> None:
        package = self.folder / "source" / "pol"
        package.mkdir(parents=True, exist_ok=True)
        for file in policy({name.replace("_py", ".py"): text for name, text in files.items()}).files:
            (package / file.path).write_bytes(file.data)

    def runs(self, *further: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any], str]:
        """*further* are packages beside the first, *more* further keys of the target."""
        cluster = {"context": self.plane.context, "kubeconfig": str(self.plane.kubeconfig)}
        target = {"cluster": cluster, "namespace": self.namespace, "rollout": {"settle": 1, "timeout": 120}, **more}
        package = {"moduleName": "pol", "requirement": "./source", "check": {"fail": "never"}}
        (self.folder / "secretsync.yaml").write_text(
            yaml.safe_dump({"packages": [package, *further], "targets": [target]})
        )
        code, report, log = self.says("apply", "--output", "json")
        return code, report["targets"][0], log

    def is_up(self, workload: str) -> bool:
        """Whether its pods serve."""
        status = self.plane.get("Deployment", self.namespace, workload).get("status", {})
        return bool(status.get("availableReplicas"))

    def says(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        run = run_in(self.folder, *arguments)
        return run.code, json.loads(run.out or "{}"), run.log


@pytest.fixture
def operator(
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
    rucio: RucioEnvironment,  # noqa: F811 - the fixture
) -> Operator:
    return Operator(control_plane, namespace, tmp_path, rucio)


def test_a_good_candidate_is_proven_and_rolled_out_and_a_bad_one_touches_nothing_and_stays_away(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.put(operator.daemon())
    operator.packs()
    code, _, log = operator.runs()
    assert code == 0, log
    assert "proving" in log
    before = control_plane.get("Deployment", operator.namespace, "judge")["metadata"]["generation"]

    operator.packs(permission_py="import not_in_the_image\n")
    mark = control_plane.audit_mark()
    code, _, log = operator.runs()
    assert code == 1
    assert "refused in the image of Deployment" in log
    assert "No module named 'not_in_the_image'" in log
    written = {call.name for call in control_plane.calls_since(mark, operator.namespace) if call.writes}
    assert "pol" not in written
    assert control_plane.get("Deployment", operator.namespace, "judge")["metadata"]["generation"] == before

    code, report, log = operator.runs()
    assert code == 0, log
    assert "was rejected" in report["warnings"][0]


@ON_DEMAND
def test_a_candidate_that_loads_in_one_image_and_not_in_another_touches_nothing(
    control_plane: ControlPlane, operator: Operator
) -> None:
    another = operator.folder / "another" / "python3"
    another.parent.mkdir()
    another.write_text(f'#!/bin/sh\nANOTHER_IMAGE=yes exec {operator.environment.python} "$@"\n')
    another.chmod(0o755)
    control_plane.put(operator.daemon())
    control_plane.put(operator.daemon(another.parent, name="reaper", image="registry.example/our-rucio-daemons"))
    operator.packs()
    code, _, log = operator.runs()
    assert code == 0, log

    operator.packs(
        permission_py="import os\nif 'ANOTHER_IMAGE' in os.environ:\n    import not_in_that_image\n" + PERMISSION
    )
    mark = control_plane.audit_mark()
    code, _, log = operator.runs()
    assert code == 1, log
    assert "refused in the image of Deployment" in log
    assert "/reaper" in log
    assert "pol" not in {call.name for call in control_plane.calls_since(mark, operator.namespace) if call.writes}


@ON_DEMAND
def test_what_is_to_be_wired_is_proven_as_it_will_be_and_then_comes_into_force(
    control_plane: ControlPlane, operator: Operator
) -> None:
    bare = operator.bare_daemon()
    (container,) = bare["spec"]["template"]["spec"]["containers"]
    loaded = "import rucio.core.permission as p, time; print(p.permission_modules, flush=True); time.sleep(10 ** 6)"
    container["command"] = ["python3", "-c", loaded]
    control_plane.put(bare)
    operator.packs()
    wired = {"wire": True, "selector": "app-group=rucio-daemons"}
    code, report, log = operator.runs(**wired, rollout={"settle": 1, "timeout": 120, "canary": "require"})
    assert code == 0, log
    assert "proving" in log
    assert report["rollout"][0]["state"] == "current"
    pods = [
        one["metadata"]
        for one in control_plane.cluster.pods(operator.namespace)
        if "deletionTimestamp" not in one["metadata"]
    ]
    (name,) = [told["name"] for told in pods if told["labels"].get("app") == "judge"]
    # it is current before its import of Rucio is over: it has no readiness probe
    until(lambda: "pol.permission" in control_plane.log(operator.namespace, name), "the daemon has loaded the package")

    operator.packs(permission_py="import not_in_the_image\n")
    code, _, log = operator.runs(**wired)
    assert code == 1
    assert "No module named 'not_in_the_image'" in log


@ON_DEMAND
def test_the_doctor_proves_what_is_live_in_the_workloads_own_image(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.put(operator.daemon())
    operator.packs()
    assert operator.runs()[0] == 0
    code, told, log = operator.says("--output", "json", "doctor", "--deep")
    assert (code, told["targets"][0]["proof_failures"]) == (0, []), log

    misled = operator.daemon()
    misled["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"] = "/opt"
    control_plane.put(misled)
    code, told, log = operator.says("--output", "json", "doctor", "--deep")
    assert code == 1
    assert "No module named 'pol'" in told["targets"][0]["proof_failures"][0]


def test_two_packages_whose_values_were_applied_first_are_proven_together(
    control_plane: ControlPlane, operator: Operator
) -> None:
    """Pods wait for both Secrets: a proof of one package that waited for the other's would wait for ever."""
    judge = operator.daemon()
    pod = judge["spec"]["template"]["spec"]
    pod["volumes"].append({"name": "second", "secret": {"secretName": "second"}})
    pod["containers"][0]["volumeMounts"].append({"name": "second", "mountPath": "/opt/policy/second"})
    control_plane.put(judge)
    operator.packs()
    second = operator.folder / "source-of-second" / "second"
    shutil.copytree(operator.folder / "source" / "pol", second)
    further = {"moduleName": "second", "requirement": "./source-of-second", "check": {"fail": "never"}}
    code, report, log = operator.runs(further)
    assert code == 0, log
    assert "proving" in log
    assert {row["state"] for row in report["rollout"]} <= {"current"}
    live = {secret["metadata"]["name"] for secret in control_plane.all("Secret", operator.namespace)}
    assert {"pol", "second"} <= live
    until(lambda: operator.is_up("judge"), "the pod that waited for both Secrets is up")


def test_a_wiring_that_ends_and_begins_again_waits_for_no_secret_that_nobody_makes(
    control_plane: ControlPlane, operator: Operator
) -> None:
    control_plane.put(operator.bare_daemon())
    operator.packs()
    for wire in (True, False, True):
        code, report, log = operator.runs(wire=wire, selector="app-group=rucio-daemons")
        assert code == 0, log
        template = control_plane.get("Deployment", operator.namespace, "judge")["spec"]["template"]
        assert bool(secrets_referenced(template)) is wire, log
        assert all(row["state"] == "current" for row in report["rollout"]), report


ENTRYPOINT = """\
#!/bin/sh
if [ -n "$POLICY_PKG_PATH" ]; then export PYTHONPATH="$POLICY_PKG_PATH:$PYTHONPATH"; fi
daemon=/usr/local/bin/rucio-$RUCIO_DAEMON
if [ -e "$daemon" ]; then eval "exec python3 $daemon $RUCIO_DAEMON_ARGS"; fi
exec python3 -c "import rucio.core.permission, time; time.sleep(10 ** 6)"
"""
"""A script of our own that ends as the daemons' entrypoint does; where the image has no daemon, one stands in."""


def test_a_copy_that_an_entrypoint_puts_first_is_found_in_a_pod_and_named_with_its_path(
    control_plane: ControlPlane, operator: Operator
) -> None:
    script = operator.folder / "entrypoint.sh"
    script.write_text(ENTRYPOINT)
    judge = operator.daemon()
    (container,) = judge["spec"]["template"]["spec"]["containers"]
    container["command"] = ["/bin/sh", str(script)]
    container["env"] += [{"name": "RUCIO_DAEMON", "value": "judge-cleaner"}]
    control_plane.put(judge)
    operator.packs()
    code, _, log = operator.runs()
    assert code == 0, log
    assert "was not proven" not in log

    baked = operator.folder / "baked" / "pol"
    shutil.copytree(operator.folder / "source" / "pol", baked)
    container["env"] += [{"name": "POLICY_PKG_PATH", "value": str(baked.parent)}]
    control_plane.put(judge)
    code, told, log = operator.says("--output", "json", "doctor", "--deep")
    assert code == 1, log
    assert str(baked) in json.dumps(told)


DAEMON = """\
#!/bin/sh
exec python3 -c "import rucio.core.permission, time; time.sleep(10 ** 6)"
"""
"""A program of our own that stands for one of Rucio's daemons."""


@ON_DEMAND
def test_a_command_that_runs_rucio_itself_is_proven_the_way_it_goes(
    control_plane: ControlPlane, operator: Operator
) -> None:
    python = operator.environment.python
    programs, profile, activate = (operator.folder / name for name in ("programs", "profile.sh", "activate.sh"))
    programs.mkdir()
    (programs / "rucio-judge").write_text(DAEMON)
    (programs / "rucio-judge").chmod(0o755)
    profile.write_text("export PYTHONPATH=/opt/policy\n")
    activate.write_text(f"export PATH={python.parent}:$PATH\n")
    program = "import rucio.core.permission, time; time.sleep(10 ** 6)"
    with_rucio, without_rucio = f"{programs}:{python.parent}:/usr/bin:/bin", f"{programs}:/usr/bin:/bin"
    commands = {
        "shell": (["sh", "-c", "exec rucio-judge"], with_rucio, "/opt/policy"),
        "wrapper": (["nice", "-n", "1", "rucio-judge"], with_rucio, "/opt/policy"),
        "profile": (["bash", "-c", f". {profile} && rucio-judge"], with_rucio, "/nothing"),
        "activated": (["sh", "-c", f". {activate}\nrucio-judge\n"], without_rucio, "/opt/policy"),
        "interpreter": ([str(python), "-c", program], without_rucio, "/opt/policy"),
    }

    def put(name: str, command: list[str], path: str, python_path: str) -> None:
        manifest = operator.daemon(name=name)
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        container["command"] = command
        container["env"][0]["value"], container["env"][1]["value"] = path, python_path
        control_plane.put(manifest)

    for name, (command, path, python_path) in commands.items():
        put(name, command, path, python_path)
    operator.packs()
    code, _, log = operator.runs(rollout={"settle": 1, "timeout": 240, "canary": "require"})
    assert code == 0, log
    assert "was not proven" not in log

    baked = operator.folder / "baked" / "pol"
    shutil.copytree(operator.folder / "source" / "pol", baked)
    put("shell", ["sh", "-c", f"PYTHONPATH={baked.parent}:$PYTHONPATH exec rucio-judge"], with_rucio, "/opt/policy")
    code, told, log = operator.says("--output", "json", "doctor", "--deep")
    assert code == 1, log
    assert str(baked) in json.dumps(told)
