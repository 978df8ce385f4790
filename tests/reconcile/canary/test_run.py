"""Proofs side by side: how many at once, what is waited for, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from secretsync.cluster.errors import Call, QuotaExceeded
from secretsync.config.target import Rollout
from secretsync.core.model import Bundle, Manifest, digest
from secretsync.reconcile.canary import CandidateRefused, NotProven, NoWorkloadLoadsIt, prove_candidates
from secretsync.reconcile.canary.in_pod import encoded
from secretsync.reconcile.canary.manifests import PROOF
from secretsync.reconcile.canary.verdict import judge
from secretsync.reconcile.destination import Destination
from tests.build import PLACEMENT, bundle, pod
from tests.memory_cluster import MemoryCluster
from tests.reconcile.canary.test_canary import clock, destination, owner, plan
from tests.reconcile.canary.test_manifests import env, rucio

REPORT = {
    "step": "files",
    "done": True,
    "python": "3.9.18",
    "rucio": "41.5.1",
    "in_force": {part: {"module": f"atlas_rucio_policy.{part}"} for part in ("permission", "schema")},
    "algorithms": {"registration": [], "error": [], "lost": []},
    "default_algorithms": {},
    "schema_error": [],
    "answers": [{"action": "x", "rucio": True, "package": True}],
}
PROVEN = encoded({"ended": 0, "report": REPORT}).decode()


def container(state: Manifest, *, ready: bool = False) -> Manifest:
    return pod(containers=[{"name": "rucio", "state": state, "ready": ready}])


def ended(message: str) -> Manifest:
    return container({"terminated": {"exitCode": 0, "message": message}})


class RunningCluster(MemoryCluster):
    """Runs Jobs: *answer* says what each one's pod is like when it was looked at so many times."""

    answer: Callable[[Manifest, int], Manifest]
    most = 0

    def pods(self, namespace: str) -> list[Manifest]:
        jobs = [one for one in self.objects.values() if one["kind"] == "Job"]
        self.most = max(self.most, len(jobs))
        found = []
        for job in jobs:
            job["looks"] = job.get("looks", 0) + 1
            told = self.answer(job, job["looks"])
            found.append({**told, "metadata": {**told["metadata"], "ownerReferences": [owner(job)]}})
        return found


@pytest.fixture
def cluster() -> RunningCluster:
    return RunningCluster(*(rucio(f"server{number}", image=f"rucio/rucio-server:{number}") for number in range(6)))


def at_once(cluster: MemoryCluster, proofs: int) -> Destination:
    found = destination(cluster)
    return replace(found, rollout=found.rollout.model_copy(update={"proofs": proofs}))


@pytest.mark.parametrize("proofs", [1, 4])
def test_as_many_proofs_run_at_once_as_are_allowed_and_all_are_made(cluster: RunningCluster, proofs: int) -> None:
    cluster.answer = lambda _, looks: ended(PROVEN) if looks == 2 else container({"running": {}})
    outcome = prove_candidates(at_once(cluster, proofs), plan(cluster), clock())
    assert len(outcome.proven) == 6
    assert (cluster.most, cluster.objects) == (proofs, {})


def test_the_first_refusal_ends_the_others_and_leaves_nothing(cluster: RunningCluster) -> None:
    cluster.answer = lambda job, _: ended("no verdict") if "server" in str(job) else container({"running": {}})
    with pytest.raises(NotProven):
        prove_candidates(at_once(cluster, 4), plan(cluster), clock())
    assert cluster.objects == {}


def test_where_failures_are_collected_every_environment_gets_its_verdict(cluster: RunningCluster) -> None:
    cluster.answer = lambda job, _: ended("no verdict")
    failures: list[NotProven] = []
    prove_candidates(at_once(cluster, 4), plan(cluster), clock(), failures.append)
    assert (len(failures), cluster.objects) == (6, {})


def test_a_quota_that_the_running_proofs_use_up_is_waited_for(cluster: RunningCluster) -> None:
    cluster.answer = lambda _, __: ended(PROVEN)

    def full(verb: str, name: str) -> None:
        if verb == "store" and any(one["kind"] == "Job" for one in cluster.objects.values()):
            raise QuotaExceeded(Call("create", "jobs.batch", "rucio", name), 403)

    cluster.before = full
    assert len(prove_candidates(at_once(cluster, 4), plan(cluster), clock()).proven) == 6
    assert cluster.most == 1


def goes_through(job: Manifest) -> bool:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return PROOF in {one["name"] for one in container.get("env", ())}


@pytest.mark.parametrize("passed_by", [container({"running": {}}), ended("")])
def test_an_entrypoint_that_does_not_come_to_the_probe_is_said_and_the_image_is_proven_without(
    cluster: RunningCluster, passed_by: Manifest
) -> None:
    cluster.live_workloads = {ref: one for ref, one in cluster.live_workloads.items() if ref.name == "server0"}
    cluster.answer = lambda job, _: passed_by if goes_through(job) else ended(PROVEN)
    outcome = prove_candidates(at_once(cluster, 1), plan(cluster), clock())
    assert len(outcome.proven) == 1
    assert "its image's entrypoint was not proven" in outcome.notes[0]
    assert cluster.objects == {}


def test_an_entrypoint_that_came_to_the_probe_has_its_time(cluster: RunningCluster) -> None:
    cluster.answer = lambda _, looks: container({"running": {}}, ready=True) if looks < 18 else ended(PROVEN)
    assert prove_candidates(at_once(cluster, 6), plan(cluster), clock()).notes == ()


def test_a_proof_whose_pod_never_starts_says_what_it_waits_for_and_which_secrets_it_mounts(
    cluster: RunningCluster,
) -> None:
    cluster.answer = lambda _, __: pod(
        containers=[{"name": "rucio", "state": {"waiting": {"reason": "ContainerCreating"}}}]
    )
    with pytest.raises(NotProven, match=r"ContainerCreating.*the Secrets atlas, atlas-sub"):
        prove_candidates(at_once(cluster, 6), plan(cluster), clock())


def test_daemons_that_differ_in_their_names_alone_are_proven_once() -> None:
    names = [f"daemon{number}" for number in range(28)]
    image = "rucio/rucio-daemons:41"
    sound = {"PYTHONPATH": "/policy", "RUCIO_POLICY_PACKAGE": PLACEMENT.module}
    cluster = RunningCluster(*(rucio(name, image=image, **env(**sound, RUCIO_DAEMON=name)) for name in names))
    seen: set[str] = set()
    cluster.answer = lambda job, _: seen.add(job["metadata"]["name"]) or ended(PROVEN)  # type: ignore[func-returns-value]
    assert len(prove_candidates(at_once(cluster, 4), plan(cluster), clock()).proven) == 28
    assert len(seen) == 1


def test_a_workload_that_is_miswired_says_nothing_about_the_package() -> None:
    cluster = RunningCluster(rucio("sound"), rucio("miswired", **env(PYTHONPATH="/elsewhere")))
    proven: list[str] = []
    cluster.answer = lambda job, _: proven.append(job["metadata"]["name"]) or ended(PROVEN)  # type: ignore[func-returns-value]
    prove_candidates(at_once(cluster, 4), plan(cluster), clock())
    assert len(set(proven)) == 1


@pytest.mark.parametrize("canary", ["auto", "require"])
def test_where_every_workload_is_miswired_the_wiring_is_named_and_not_the_package(canary: str) -> None:
    cluster = RunningCluster(rucio("miswired", **env(PYTHONPATH="/elsewhere")))
    at = replace(at_once(cluster, 4), rollout=Rollout(canary=canary))
    if canary == "auto":
        assert "PYTHONPATH" in prove_candidates(at, plan(cluster), clock()).missing
    else:
        with pytest.raises(NoWorkloadLoadsIt, match=r"the wiring, not the package, is at fault.*PYTHONPATH"):
            prove_candidates(at, plan(cluster), clock())
    assert cluster.objects == {}


def test_a_proof_says_what_rucio_loaded(cluster: RunningCluster) -> None:
    algorithms = {**REPORT["algorithms"], "returned": {"lfn2pfn": ["atlas", "hash"], "scope": ["atlas"]}}
    message = encoded({"ended": 0, "report": {**REPORT, "algorithms": algorithms}}).decode()
    cluster.answer = lambda *_: ended(message)
    (seen,) = prove_candidates(at_once(cluster, 6), plan(cluster), clock()).seen
    assert seen == (
        "Rucio 41.5.1 loaded permission from atlas_rucio_policy.permission, "
        "schema from atlas_rucio_policy.schema, 3 algorithms"
    )


def test_a_refusal_names_file_and_line_of_the_traceback(cluster: RunningCluster) -> None:
    cause = {"error": "ValueError", "message": "no", "file": "permission.py", "line": 7}
    report = {**REPORT, "done": False, "step": "load", "died": [cause]}
    message = encoded({"ended": 1, "report": report}).decode()
    cluster.answer = lambda *_: ended(message)
    with pytest.raises(CandidateRefused, match=r"permission\.py:7: Rucio does not start: ValueError: no"):
        prove_candidates(at_once(cluster, 6), plan(cluster), clock())


def _seen_without(*missing: str) -> tuple[Bundle, str]:
    """A package with a file that no mount brings, and what the pod says of those that it sees."""
    package = bundle({"__init__.py": "", "permission.py": "from . import helper\n", "helper.py": "", "README": "1"})
    there = tuple(file for file in package.files if file.path not in missing)
    report = {**REPORT, "digest": digest(there), "paths": [file.path for file in there], "folders": ["/p"]}
    return package, encoded({"ended": 0, "report": report}).decode()


def test_a_data_file_that_no_mount_brings_does_not_refuse_a_package() -> None:
    assert judge(*_seen_without("README")).reasons == ()


def test_an_imported_file_that_no_mount_brings_is_no_other_copy_of_the_package() -> None:
    (reason,) = judge(*_seen_without("README", "helper.py")).reasons
    assert "[unmounted-file] 2 of 4 files are not mounted, helper.py first" in reason
    assert "copy" not in reason


def test_files_that_are_others_are_another_copy() -> None:
    package, _ = _seen_without()
    report = {**REPORT, "digest": "0" * 64, "paths": ["__init__.py"], "folders": ["/p"]}
    (reason,) = judge(package, encoded({"ended": 0, "report": report}).decode()).reasons
    assert "Remove the other copy of the package" in reason
