"""The Job that proves a candidate, as a manifest."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from secretsync.core.model import Manifest, Workload
from secretsync.core.pod_references import secrets_referenced
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Live, make_plan
from secretsync.plan.state import State
from secretsync.reconcile.canary.manifests import PROBE_FOLDER, Candidate, candidates, job, secrets
from tests.build import desired, workload

IMAGE = "mirror.example/rucio/rucio-server:release-41.5.1"


def package(files: dict[str, str] | None = None) -> PackagePlan:
    return make_plan([desired(files or {"__init__.py": "1", "sub/a.py": ""})], Live({}, ()), State()).packages[0]


def rucio(name: str = "server", image: str = IMAGE, **container: Any) -> Workload:
    made = workload("atlas", "atlas-sub", name=name, probe=True)
    manifest = deepcopy(made.manifest)
    manifest["spec"]["template"]["spec"]["containers"][0] |= {"image": image, **container}
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
    assert spec["activeDeadlineSeconds"] == 180
    assert spec["ttlSecondsAfterFinished"] == 60


def test_no_service_selects_the_pod_and_nothing_probes_it() -> None:
    template = made_job()["spec"]["template"]
    assert "app" not in template["metadata"]["labels"]
    assert "readinessProbe" not in template["spec"]["containers"][0]


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
    (container,) = template["spec"]["containers"]
    assert container["command"][:2] == ["python3", f"{PROBE_FOLDER}/in_pod.py"]


def test_what_decides_how_rucio_runs_is_taken_along() -> None:
    one = rucio(**env(PYTHONPATH="/opt"))
    spec = one.manifest["spec"]["template"]["spec"]
    spec |= {"serviceAccountName": "rucio", "imagePullSecrets": [{"name": "pull"}], "tolerations": [{"key": "x"}]}
    pod = made_job(one)["spec"]["template"]["spec"]
    assert pod["containers"][0]["env"] == [{"name": "PYTHONPATH", "value": "/opt"}]
    assert (pod["serviceAccountName"], pod["imagePullSecrets"]) == ("rucio", [{"name": "pull"}])


def test_the_candidates_secrets_go_when_the_job_goes() -> None:
    (candidate,) = candidates([package()], [rucio()])
    created = made_job()
    created["metadata"]["uid"] = "u-1"
    made = secrets(candidate, created, {"probe.py": b""})
    assert {secret.name: dict(secret.data) for secret in made} == {
        "atlas-candidate-1": {"__init__.py": b"1"},
        "atlas-candidate-1-sub": {"a.py": b""},
        "atlas-candidate-1-probe": {"probe.py": b""},
    }
    assert all(secret.metadata["ownerReferences"][0]["uid"] == "u-1" for secret in made)


def test_a_vo_of_its_own_is_proven_as_such() -> None:
    (candidate,) = candidates([package()], [rucio()])
    (container,) = job(candidate, "x", vo="tst", seconds=1)["spec"]["template"]["spec"]["containers"]
    assert container["command"][-2:] == ["--vo", "tst"]
