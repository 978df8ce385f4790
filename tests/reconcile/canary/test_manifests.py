"""The Job that proves a candidate, as a manifest."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

from secretsync.core.model import Manifest, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Live, make_plan
from secretsync.plan.state import State
from secretsync.reconcile.canary.environment import identity
from secretsync.reconcile.canary.manifests import (
    PROBE_FOLDER,
    PROOF,
    Candidate,
    environments,
    job,
    secrets,
)
from secretsync.reconcile.canary.manifests import candidates as distinct
from tests.build import PLACEMENT, desired, workload

IMAGE = "mirror.example/rucio/rucio-server:release-41.5.1"


def package(files: dict[str, str] | None = None) -> PackagePlan:
    return make_plan([desired(files or {"__init__.py": "1", "sub/a.py": ""})], Live({}, ()), State()).packages[0]


def candidates(packages: list[PackagePlan], workloads: list[Workload]) -> tuple[Candidate, ...]:
    """With none of the configuration read."""
    return distinct(packages, [(identity(one, {}), one) for one in environments(packages, workloads)])


def rucio(name: str = "server", image: str = IMAGE, **container: Any) -> Workload:
    made = workload("atlas", "atlas-sub", name=name, probe=True)
    manifest = deepcopy(made.manifest)
    manifest["spec"]["template"]["spec"]["containers"][0] |= {"image": image, **container}
    manifest["spec"]["selector"] = {"matchLabels": {"app": name}}
    manifest["spec"]["template"]["metadata"]["labels"] = {"app": name, "tier": "grid"}
    return Workload(made.ref, manifest)


def env(**variables: str) -> dict[str, Any]:
    return {"env": [{"name": name, "value": value} for name, value in variables.items()]}


def names(found: tuple[Candidate, ...]) -> list[str]:
    return [candidate.workload.ref.name for candidate in found]


def test_pods_that_would_load_it_alike_are_proven_once() -> None:
    alike = [rucio("judge", **env(RUCIO_DAEMON="judge")), rucio("reaper", **env(RUCIO_DAEMON="reaper"))]
    assert names(candidates([package()], alike)) == ["judge"]


def test_another_image_another_path_or_another_policy_is_proven_by_itself() -> None:
    several = [
        rucio("a"),
        rucio("b", image="rucio/rucio-daemons:release-40.0.0"),
        rucio("c", **env(PYTHONPATH="/elsewhere")),
        rucio("d", **env(RUCIO_POLICY_PACKAGE="other")),
    ]
    assert names(candidates([package()], several)) == ["a", "b", "c", "d"]


def test_what_does_not_run_rucio_is_not_asked() -> None:
    assert candidates([package()], [rucio(image="nginx:1"), workload("something-else")]) == ()


def test_an_image_that_a_site_made_from_rucios_is_asked_too() -> None:
    assert names(candidates([package()], [rucio(image="registry.example/site/our-rucio-daemons:3")])) == ["server"]


def test_an_unchanged_package_is_not_proven() -> None:
    unchanged = desired({"__init__.py": "1"})
    live = {secret.name: secret for secret in unchanged.secrets}
    kept = make_plan([unchanged], Live(live, ()), State()).packages[0]
    assert candidates([kept], [rucio()]) == ()


def made_job(one: Workload | None = None) -> Manifest:
    (candidate,) = candidates([package()], [one or rucio()])
    return job(candidate, "atlas-candidate-1", vo="", seconds=120)


def test_the_job_runs_once_and_leaves_nothing() -> None:
    spec = made_job()["spec"]
    assert (spec["backoffLimit"], spec["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert spec["activeDeadlineSeconds"] == 240
    assert spec["ttlSecondsAfterFinished"] == 60


def test_network_policies_see_the_workloads_labels_and_no_service_sends_the_pod_a_request() -> None:
    template = made_job()["spec"]["template"]
    assert "app" not in template["metadata"]["labels"]
    assert template["metadata"]["labels"]["tier"] == "grid"
    assert template["spec"]["readinessGates"] == [{"conditionType": "secretsync.rucio/serves"}]


def test_a_sidecar_that_would_keep_the_job_alive_stays_away() -> None:
    one = rucio()
    one.manifest["spec"]["template"]["spec"]["containers"].append({"name": "logs", "image": "fluentd"})
    assert [container["name"] for container in made_job(one)["spec"]["template"]["spec"]["containers"]] == ["rucio"]


def test_ports_of_the_host_stay_free() -> None:
    container = made_job(rucio(ports=[{"containerPort": 443, "hostPort": 443}]))["spec"]["template"]["spec"]
    assert "ports" not in container["containers"][0]


def test_the_candidate_takes_the_place_of_what_is_live() -> None:
    template = made_job()["spec"]["template"]
    assert secrets_referenced(template) == {
        "atlas-candidate-1",
        "atlas-candidate-1-sub",
        "atlas-candidate-1-probe",
    }


def test_what_decides_how_rucio_runs_is_taken_along() -> None:
    one = rucio(**env(PYTHONPATH="/opt"))
    spec = one.manifest["spec"]["template"]["spec"]
    spec |= {"serviceAccountName": "rucio", "imagePullSecrets": [{"name": "pull"}], "tolerations": [{"key": "x"}]}
    pod = made_job(one)["spec"]["template"]["spec"]
    assert pod["containers"][0]["env"][:-1] == [{"name": "PYTHONPATH", "value": "/opt"}]
    assert (pod["serviceAccountName"], pod["imagePullSecrets"]) == ("rucio", [{"name": "pull"}])


def test_the_candidates_secrets_go_when_the_job_goes() -> None:
    (candidate,) = candidates([package()], [rucio()])
    created = made_job()
    created["metadata"]["uid"] = "u-1"
    made = secrets(candidate, created, {"probe.zip": b""})
    assert {secret.name: dict(secret.data) for secret in made} == {
        "atlas-candidate-1": {"__init__.py": b"1"},
        "atlas-candidate-1-sub": {"a.py": b""},
        "atlas-candidate-1-probe": {"probe.zip": b""},
    }
    assert all(secret.metadata["ownerReferences"][0]["uid"] == "u-1" for secret in made)


def test_a_vo_of_its_own_is_proven_as_such() -> None:
    (candidate,) = candidates([package()], [rucio()])
    (container,) = job(candidate, "x", vo="tst", seconds=1)["spec"]["template"]["spec"]["containers"]
    assert container["env"][-1] == {
        "name": PROOF,
        "value": f"{PROBE_FOLDER}/probe.zip 1 --user apache --vo tst",
    }


def test_a_server_starts_as_its_image_does_and_the_probe_lies_where_httpd_would() -> None:
    (container,) = made_job(rucio(args=["--quiet"]))["spec"]["template"]["spec"]["containers"]
    assert "command" not in container
    assert container["args"] == ["--quiet"]
    ours = {mount["mountPath"] for mount in container["volumeMounts"] if mount.get("subPath") == "in_pod.py"}
    assert ours == {"/usr/sbin/httpd", "/usr/local/sbin/httpd", "/secretsync-bin/httpd"}


def test_a_daemon_is_the_probe_by_its_name() -> None:
    one = rucio(image="rucio/rucio-daemons:41", **env(RUCIO_DAEMON="judge-cleaner", RUCIO_DAEMON_ARGS="--threads 4"))
    (container,) = made_job(one)["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    assert variables["RUCIO_DAEMON"] == "secretsync-probe"
    assert "apache" not in variables[PROOF]
    ours = {mount["mountPath"] for mount in container["volumeMounts"] if mount.get("subPath") == "in_pod.py"}
    assert "/usr/local/bin/rucio-secretsync-probe" in ours


def test_where_the_container_sets_its_path_the_probes_folder_comes_first() -> None:
    (container,) = made_job(rucio(**env(PATH="/opt/bin:/usr/bin")))["spec"]["template"]["spec"]["containers"]
    assert container["env"][0] == {"name": "PATH", "value": "/secretsync-bin:/opt/bin:/usr/bin"}


def test_a_command_that_goes_through_an_entrypoint_is_kept_and_another_is_not_run() -> None:
    wrapped = ["/bin/sh", "-c", "export PYTHONPATH=/x:$PYTHONPATH; exec /docker-entrypoint.sh"]
    (container,) = made_job(rucio(command=wrapped))["spec"]["template"]["spec"]["containers"]
    assert container["command"] == wrapped
    (container,) = made_job(rucio(command=["gunicorn", "rucio"]))["spec"]["template"]["spec"]["containers"]
    assert container["command"][:2] == ["python3", f"{PROBE_FOLDER}/in_pod.py"]
    assert "readinessProbe" not in container


def test_the_new_files_of_all_packages_that_change_are_in_one_pod() -> None:
    """With the values applied first, a pod mounts Secrets of two packages that are not there yet."""
    dune = replace(PLACEMENT, secret="dune", module="dune_policy")
    other = make_plan([desired({"__init__.py": "2"}, dune)], Live({}, ()), State()).packages[0]
    one = rucio()
    spec = one.manifest["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "dune", "secret": {"secretName": "dune"}})
    spec["containers"][0]["volumeMounts"].append({"name": "dune", "mountPath": "/opt/policy/dune"})
    first, second = candidates([package(), other], [one])
    assert [first.package.placement.secret, second.package.placement.secret] == ["atlas", "dune"]
    template = job(first, "atlas-candidate-1", vo="", seconds=1)["spec"]["template"]
    made = {"metadata": {"name": "atlas-candidate-1", "uid": "u"}}
    assert secrets_referenced(template) == {secret.name for secret in secrets(first, made, {"probe.zip": b""})}


def test_a_workload_that_still_has_only_an_earlier_writes_secret_is_not_proven() -> None:
    """As when it is to be wired no longer: nobody makes a candidate of that Secret."""
    assert candidates([package()], [workload("atlas-1a2b3c", "atlas-sub-1a2b3c")]) == ()
