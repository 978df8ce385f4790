"""What only an API server can show: managers, permissions, pages, and faults on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from urllib3.util.retry import Retry

from secretsync import __version__
from secretsync.cluster.connection import Connection, Reply
from secretsync.cluster.errors import Conflict, NamespaceMissing, NotKubernetes, ServerFailed, TooLarge, Unreachable
from secretsync.cluster.protocol import Cluster
from secretsync.cluster.rbac import Access
from secretsync.core.http_patience import PatientRetry
from secretsync.core.kinds import KINDS
from secretsync.core.model import Secret, Workload
from tests.cluster.places import HASTE, Place, Real, Stub, at, spoilt, stub
from tests.cluster.test_contract import MANAGER, secret, workload
from tests.servers import api_proxy as faults
from tests.servers import http
from tests.servers.api_proxy import Fault, Proxy

STAMP = {"secretsync.rucio/atlas": "abc.1"}


def test_a_missing_namespace_is_named_with_the_remedy(api: Stub | Real) -> None:
    with pytest.raises(NamespaceMissing, match="kubectl create namespace nowhere"):
        api.cluster.create(replace(secret(api), namespace="nowhere"), manager=MANAGER)


def test_a_secret_beyond_the_apis_limit_says_so(api: Stub | Real) -> None:
    with pytest.raises(TooLarge, match="choose 'layout: zip'"):
        api.cluster.create(secret(api, data={"large": bytes(1024 * 1024 + 1)}), manager=MANAGER)


def test_the_time_at_which_data_was_written_is_the_servers(api: Stub | Real) -> None:
    written = api.cluster.create(secret(api), manager=MANAGER).data_written
    assert written is not None
    assert abs(written - datetime.now(UTC)) < timedelta(minutes=1)


def test_applying_drops_what_our_manager_applied_before_and_keeps_what_another_did(api: Stub | Real) -> None:
    api.put(workload(api, "Deployment", "server"))
    (read,) = api.cluster.workloads(api.namespace)
    api.cluster.annotate(read, {"other/installation": "1"}, manager="secretsync-other")
    api.cluster.annotate(read, {"secretsync.rucio/old": "1"}, manager=MANAGER)
    after = api.cluster.annotate(read, STAMP, manager=MANAGER)
    assert after.template_annotations == {"checksum/config": "abc", "other/installation": "1", **STAMP}


def test_a_workload_that_was_made_anew_is_not_restarted_in_its_predecessors_place(api: Stub | Real) -> None:
    api.put(workload(api, "Deployment", "server"))
    (read,) = api.cluster.workloads(api.namespace)
    api.remove("Deployment", "server")
    api.put(workload(api, "Deployment", "server"))
    with pytest.raises(Exception, match="was made anew"):
        api.cluster.annotate(read, STAMP, manager=MANAGER)


def test_a_workload_that_changed_meanwhile_is_read_again_alone(
    api: Stub | Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("server", "daemon"):
        api.put(workload(api, "Deployment", name))
    read = next(one for one in api.cluster.workloads(api.namespace) if one.ref.name == "server")
    # without the version that was read: the controller may have written its status since
    metadata = {key: value for key, value in read.manifest["metadata"].items() if key != "resourceVersion"}
    api.put(workload(api, "Deployment", "server") | {"metadata": {**metadata, "labels": {"a": "b"}}})
    answers: list[Reply] = []
    send = Connection.send

    def recorded(*arguments: Any, **named: Any) -> Reply:
        answers.append(send(*arguments, **named))
        return answers[-1]

    monkeypatch.setattr(Connection, "send", recorded)
    assert api.cluster.annotate(read, STAMP, manager=MANAGER).template_annotations.items() >= STAMP.items()
    (again,) = [answer for answer in answers if answer.call.verb == "list"]
    assert [one["metadata"]["name"] for one in again.items()[0]] == ["server"]


def test_a_list_of_many_pages_is_read_to_its_end() -> None:
    with stub() as place:
        place.api.page = 2
        for number in range(5):
            place.put(workload(place, "Deployment", f"daemon-{number}"))
        assert len(place.cluster.workloads(place.namespace)) == 5


def test_managed_fields_are_kept_where_they_tell_something_and_nowhere_else(api: Stub | Real) -> None:
    assert "managedFields" in api.cluster.create(secret(api), manager=MANAGER).metadata
    api.put(workload(api, "Deployment", "server"))
    (read,) = api.cluster.workloads(api.namespace)
    assert "managedFields" in read.manifest["metadata"]
    spec = {"containers": [{"name": "main", "image": "rucio"}], "nodeSelector": {"none": "at-all"}}
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": api.namespace}, "spec": spec})
    found = api.cluster.pods(api.namespace)
    assert found
    assert not [one for one in found if "managedFields" in one["metadata"]]


def lease(place: Place, holder: str = "us") -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "secretsync", "namespace": place.namespace},
        "spec": {"holderIdentity": holder},
    }


def test_an_object_that_is_not_there_is_none(api: Stub | Real) -> None:
    assert api.cluster.read("Lease", api.namespace, "secretsync") is None


def test_a_stored_object_is_read_back(api: Stub | Real) -> None:
    stored = api.cluster.store(lease(api), manager=MANAGER)
    assert api.cluster.read("Lease", api.namespace, "secretsync") == stored
    assert stored["spec"]["holderIdentity"] == "us"


def test_storing_what_somebody_else_stored_first_is_a_conflict(api: Stub | Real) -> None:
    api.cluster.store(lease(api, "somebody"), manager="somebody")
    with pytest.raises(Conflict):
        api.cluster.store(lease(api), manager=MANAGER)


def test_storing_at_a_version_that_has_passed_is_a_conflict_and_leaves_what_is_there(api: Stub | Real) -> None:
    read = api.cluster.store(lease(api), manager=MANAGER)
    his = api.cluster.store({**read, "spec": {"holderIdentity": "somebody"}}, manager="somebody")
    with pytest.raises(Conflict):
        api.cluster.store({**read, "spec": {"holderIdentity": "us again"}}, manager=MANAGER)
    assert api.cluster.read("Lease", api.namespace, "secretsync") == his


def test_a_removed_object_is_gone_and_removing_it_again_does_nothing(api: Stub | Real) -> None:
    stored = api.cluster.store(lease(api), manager=MANAGER)
    api.cluster.remove(stored)
    api.cluster.remove(stored)
    assert api.cluster.read("Lease", api.namespace, "secretsync") is None


def test_removing_an_object_leaves_another_that_has_taken_its_name(api: Stub | Real) -> None:
    first = api.cluster.store(lease(api), manager=MANAGER)
    api.cluster.remove(first)
    second = api.cluster.store(lease(api, "somebody"), manager="somebody")
    api.cluster.remove(first)
    assert api.cluster.read("Lease", api.namespace, "secretsync") == second


@pytest.fixture
def proxy(api: Stub | Real) -> Iterator[Proxy]:
    with spoilt(api) as proxy:
        yield proxy


def test_a_look_at_one_secret_and_all_workloads_is_one_read_and_one_list_per_kind(
    api: Stub | Real, proxy: Proxy
) -> None:
    api.cluster.workloads(api.namespace)  # discovery is asked in the first look alone
    proxy.calls.clear()
    api.cluster.secret(api.namespace, "atlas")
    api.cluster.workloads(api.namespace)
    assert [call.path.partition("?")[0].rpartition("/")[2] for call in proxy.calls] == [
        "atlas",
        *(kind.resource for kind in KINDS.values() if not kind.optional),
    ]
    assert {call.headers["User-Agent"] for call in proxy.calls} == {f"secretsync/{__version__}"}


FAULTS = {
    "429": faults.answers(429),
    "429 with Retry-After": faults.answers(429, retry_after="0"),
    "500": faults.answers(500),
    "503": faults.answers(503),
    "reset before it took place": faults.reset_before,
    "reset after it took place": faults.reset_after,
    "500 after it took place": faults.fails_after,
    "half of the answer": faults.truncated,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("times", [1, 3])
class TestASpoiltCallIsRepeatedUntilItIsDone:
    """Each call of each verb, spoilt in each way, once and three times in a row."""

    def test_reading(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        created = api.cluster.create(secret(api), manager=MANAGER)
        spoil(proxy, fault, times)
        assert api.cluster.secret(api.namespace, "atlas") == created

    def test_listing(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        api.put(workload(api, "Deployment", "server"))
        spoil(proxy, fault, times)
        assert [one.ref.name for one in api.cluster.workloads(api.namespace)] == ["server"]

    def test_creating(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        spoil(proxy, fault, times)
        created = api.cluster.create(secret(api), manager=MANAGER)
        assert api.cluster.secret(api.namespace, "atlas") == created

    def test_replacing(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        read = api.cluster.create(secret(api), manager=MANAGER)
        spoil(proxy, fault, times)
        replaced = api.cluster.replace(secret(api, data={"new.py": b"2"}), read, manager=MANAGER)
        assert replaced.data == {"new.py": b"2"}
        assert api.cluster.secret(api.namespace, "atlas") == replaced

    def test_deleting(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        read = api.cluster.create(secret(api), manager=MANAGER)
        spoil(proxy, fault, times)
        api.cluster.delete(read)
        assert api.cluster.secret(api.namespace, "atlas") is None

    def test_annotating(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        api.put(workload(api, "Deployment", "server"))
        (read,) = api.cluster.workloads(api.namespace)
        spoil(proxy, fault, times)
        assert api.cluster.annotate(read, STAMP, manager=MANAGER).template_annotations.items() >= STAMP.items()

    def test_storing(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        spoil(proxy, fault, times)
        stored = api.cluster.store(lease(api), manager=MANAGER)
        spoil(proxy, fault, times)
        again = api.cluster.store({**stored, "spec": {"holderIdentity": "us, later"}}, manager=MANAGER)
        assert api.cluster.read("Lease", api.namespace, "secretsync") == again

    def test_removing(self, api: Stub | Real, proxy: Proxy, fault: Fault, times: int) -> None:
        stored = api.cluster.store(lease(api), manager=MANAGER)
        spoil(proxy, fault, times)
        api.cluster.remove(stored)
        assert api.cluster.read("Lease", api.namespace, "secretsync") is None


def spoil(proxy: Proxy, fault: Fault, times: int) -> None:
    """The next *times* calls go wrong."""
    proxy.faults = {len(proxy.calls) + number: fault for number in range(1, times + 1)}


def test_a_lost_answer_does_not_hide_that_somebody_wrote_in_between(api: Stub | Real, proxy: Proxy) -> None:
    """Our write took place, its answer was lost, and before the next try somebody else wrote: his update stays."""
    read = api.cluster.create(secret(api), manager=MANAGER)

    def then_somebody_writes(forward: faults.Forward) -> None:
        forward()
        proxy.faults = {}
        ours = api.cluster.secret(api.namespace, "atlas")
        assert ours is not None
        api.cluster.replace(secret(api, data={"his.py": b"3"}), ours, manager="somebody")

    proxy.faults = {len(proxy.calls) + 1: then_somebody_writes}
    with pytest.raises(Conflict):
        api.cluster.replace(secret(api, data={"ours.py": b"2"}), read, manager=MANAGER)
    live = api.cluster.secret(api.namespace, "atlas")
    assert live is not None
    assert live.data == {"his.py": b"3"}


def test_a_secret_that_somebody_else_created_is_not_taken_for_our_own_after_a_retry(
    api: Stub | Real, proxy: Proxy
) -> None:
    api.cluster.create(secret(api, data={"his.py": b"1"}), manager="somebody")
    spoil(proxy, faults.reset_before, 1)
    with pytest.raises(Conflict):
        api.cluster.create(secret(api), manager=MANAGER)


CALLS: dict[str, Callable[[Cluster, Secret, Workload], Any]] = {
    "get": lambda cluster, live, server: cluster.secret(live.namespace, live.name),
    "list": lambda cluster, live, server: cluster.workloads(live.namespace),
    "create": lambda cluster, live, server: cluster.create(replace(live, name="new", metadata={}), manager=MANAGER),
    "update": lambda cluster, live, server: cluster.replace(live, live, manager=MANAGER),
    "delete": lambda cluster, live, server: cluster.delete(live),
    "patch": lambda cluster, live, server: cluster.annotate(server, STAMP, manager=MANAGER),
}


@pytest.mark.parametrize("verb", CALLS)
def test_a_server_that_keeps_failing_is_given_up_after_six_tries_and_named(verb: str) -> None:
    with stub() as place, spoilt(place) as proxy:
        live, server = _prepared(place)
        proxy.calls.clear()
        proxy.spoils = lambda request: faults.answers(503)
        with pytest.raises(ServerFailed, match=f"cannot {verb} .* in namespace 'rucio': HTTP 503"):
            CALLS[verb](place.cluster, live, server)
        assert len(proxy.calls) == 6


@pytest.mark.parametrize("verb", CALLS)
def test_a_server_that_resets_every_connection_is_unreachable(verb: str) -> None:
    with stub() as place, spoilt(place) as proxy:
        live, server = _prepared(place)
        proxy.spoils = lambda request: faults.reset_before
        with pytest.raises(Unreachable, match=f"cannot {verb} .*: no answer from http://127.0.0.1"):
            CALLS[verb](place.cluster, live, server)


def test_a_server_that_does_not_answer_in_time_is_unreachable() -> None:
    hasty = replace(HASTE, read=0.1, retries=Retry(total=1, allowed_methods=None))
    with stub() as place, spoilt(place) as proxy:
        proxy.spoils = lambda request: faults.delayed(1)
        cluster = at(proxy.url, hasty)
        with pytest.raises(Unreachable, match="is the API server up and reachable"):
            cluster.secret("rucio", "atlas")
        assert len(proxy.calls) == 2


def test_an_answer_that_trickles_without_end_is_given_up_although_no_byte_is_late() -> None:
    hasty = replace(HASTE, read=1, total=0.2, retries=Retry(total=0, allowed_methods=None))
    with stub() as place, spoilt(place) as proxy:
        place.put(workload(place, "Deployment", "server"))
        proxy.spoils = lambda request: faults.trickling(0.02)
        cluster = at(proxy.url, hasty)
        with pytest.raises(Unreachable, match="it did not answer in time"):
            cluster.workloads("rucio")


def test_no_server_at_all_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"no answer from http://127\.0\.0\.1:9 "):
        at("http://127.0.0.1:9").secret("rucio", "atlas")


DATES = ["Fri, 31 Dec 99999999999999999999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "9" * 5_000, "\x01"]


@pytest.mark.parametrize("date", DATES, ids=range(len(DATES)))
def test_a_date_that_is_none_leaves_the_hosts_clock(date: str) -> None:
    def dated(forward: faults.Forward) -> http.Answer:
        body = forward().body
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: {date}\r\nContent-Length: {len(body)}"
        return http.Answer(0, raw=f"{head}\r\n\r\n".encode() + body)

    with stub() as place, spoilt(place) as proxy:
        place.put(workload(place, "Deployment", "server"))
        proxy.spoils = lambda request: dated
        cluster = at(proxy.url)
        assert cluster.workloads("rucio")
        assert abs(cluster.server_time() - datetime.now(UTC)) < timedelta(minutes=10)


def test_a_server_that_asks_for_no_time_at_all_is_asked_again_by_our_own_patience() -> None:
    with stub() as place, spoilt(place) as proxy:
        proxy.faults = {1: faults.answers(429, retry_after="9" * 5_000), 2: faults.answers(503, retry_after="soon")}
        patient = replace(HASTE, retries=PatientRetry(total=5, allowed_methods=None, status_forcelist=(429, 503)))
        assert at(proxy.url, patient).secret("rucio", "atlas") is None


def test_retry_after_is_heeded() -> None:
    with stub() as place, spoilt(place) as proxy:
        proxy.faults = {1: faults.answers(429, retry_after="1")}
        began = time.monotonic()
        assert place.cluster.secret("rucio", "atlas") is None
        assert time.monotonic() - began >= 1


def test_a_page_of_something_in_between_is_not_taken_for_an_absent_secret() -> None:
    with stub() as place, spoilt(place) as proxy:
        proxy.spoils = lambda request: faults.answers(404)
        with pytest.raises(Exception, match="cannot get secrets 'atlas' in namespace 'rucio': HTTP 404"):
            place.cluster.secret("rucio", "atlas")


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 500])
def test_no_error_shows_what_a_secret_holds(status: int) -> None:
    quoting = b'{"kind": "Status", "message": "Secret VE9QIFNFQ1JFVA== is wrong", "reason": "Invalid"}'
    with stub() as place, spoilt(place) as proxy:
        proxy.spoils = lambda request: lambda forward: faults.Answer(status, quoting)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - of several kinds; what they show is what counts
            place.cluster.create(secret(place, data={"key": b"TOP SECRET"}), manager=MANAGER)
    for shown in (str(caught.value), repr(caught.value), repr(caught.value.args)):
        assert "VE9QIFNFQ1JFVA==" not in shown
        assert "TOP SECRET" not in shown


def _prepared(place: Place) -> tuple[Secret, Workload]:
    place.put(workload(place, "Deployment", "server"))
    return place.cluster.create(secret(place), manager=MANAGER), place.cluster.workloads(place.namespace)[0]


class Portal:
    """What stands in the API's place and answers everything alike."""

    def __init__(self, answer: http.Answer) -> None:
        self._answer = answer

    def answer(self, request: http.Request) -> http.Answer:
        return self._answer


@pytest.mark.parametrize(
    "portal",
    [
        http.Answer(200, b"<!DOCTYPE html>", {"Content-Type": "text/html; charset=utf-8"}),
        http.Answer(200, b"[]", {"Content-Type": "application/json"}),
        http.Answer(200, b"null", {"Content-Type": "application/json"}),
        http.Answer(200, b'{"error": "login required"}', {"Content-Type": "application/json"}),
        http.Answer(200, b'{"kind": "SecretList", "metadata": {}, "ite', {"Content-Type": "application/json"}),
        http.Answer(201, b""),
        http.Answer(302, b"", {"Location": "/login"}),
    ],
    ids=["a page", "a list", "null", "an object", "cut short", "nothing", "a redirect"],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda cluster: cluster.secret("rucio", "x"),
        lambda cluster: cluster.create(SECRET, manager=MANAGER),
        lambda cluster: cluster.replace(SECRET, SECRET, manager=MANAGER),
        lambda cluster: cluster.delete(SECRET),
        lambda cluster: cluster.workloads("rucio"),
        lambda cluster: cluster.pods("rucio"),
        lambda cluster: cluster.read("Lease", "rucio", "x"),
        lambda cluster: cluster.review("rucio"),
        lambda cluster: cluster.allows("rucio", Access("get", "", "secrets")),
        lambda cluster: cluster.remove({"kind": "Job", "metadata": {"namespace": "n", "name": "x", "uid": "1"}}),
    ],
    ids=["get", "create", "update", "delete", "list", "pods", "lease", "review", "access", "remove"],
)
def test_what_stands_in_the_apis_place_is_named(call: Callable[[Cluster], Any], portal: http.Answer) -> None:
    with http.serving(Portal(portal)) as url, pytest.raises(NotKubernetes, match="is not the Kubernetes API"):
        call(at(url))


SECRET = Secret("rucio", "x", {"a": b"1"}, metadata={"uid": "1", "resourceVersion": "1"})


def test_a_dry_run_answers_what_would_be_stored_and_stores_nothing(api: Stub | Real) -> None:
    wanted = secret(api)
    tried = api.cluster.dry_run(wanted, None, manager=MANAGER)
    assert tried is not None
    assert tried.data == wanted.data
    assert api.cluster.secret(api.namespace, wanted.name) is None
    live = api.cluster.create(wanted, manager=MANAGER)
    assert api.cluster.dry_run(replace(wanted, data={"a": b"2"}), live, manager=MANAGER) is not None
    assert api.cluster.secret(api.namespace, wanted.name) == live


def test_a_dry_run_of_what_is_not_live_any_more_is_a_conflict(api: Stub | Real) -> None:
    live = api.cluster.create(secret(api), manager=MANAGER)
    with pytest.raises(Conflict, match="was created"):
        api.cluster.dry_run(secret(api), None, manager=MANAGER)
    api.cluster.delete(live)
    with pytest.raises(Conflict, match="was deleted"):
        api.cluster.dry_run(secret(api), live, manager=MANAGER)


def test_a_write_that_cannot_be_tried_is_not_refused_for_that() -> None:
    """As where an admission webhook has side effects: https://kubernetes.io/docs/reference/using-api/api-concepts/."""
    with stub() as place, spoilt(place) as proxy:
        proxy.spoils = lambda request: faults.answers(400)
        assert place.cluster.dry_run(secret(place), None, manager=MANAGER) is None
