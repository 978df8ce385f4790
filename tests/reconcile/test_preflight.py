"""A dry run says what the run will do: what it is refused, what it goes on without, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from secretsync.cluster.errors import Call, Denied, NamespaceMissing, NotFound, QuotaExceeded
from secretsync.cluster.rbac import Access, Review
from secretsync.core.errors import CHANGES_PENDING, SecretSyncError
from secretsync.core.model import Manifest, Secret
from secretsync.plan.disruption import WouldTakeDown
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Clock, Report
from secretsync.reconcile.reconciler import preview
from secretsync.reconcile.rights import MissingRights
from tests.build import workload
from tests.memory_cluster import MemoryCluster
from tests.reconcile.test_reconciler import Site


def rule(group: str, resource: str, *verbs: str, names: Sequence[str] = ()) -> Manifest:
    found: Manifest = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return {**found, "resourceNames": list(names)} if names else found


ROLE = {
    "create secrets": rule("", "secrets", "create"),
    "secrets": rule("", "secrets", "get", "update", "delete", names=("atlas", "secretsync-state")),
    "workloads": rule("apps", "deployments", "list", "patch"),
    "pods": rule("", "pods", "list"),
    "logs": rule("", "pods/log", "get"),
    "events": rule("events.k8s.io", "events", "create"),
    "create leases": rule("coordination.k8s.io", "leases", "create"),
    "leases": rule("coordination.k8s.io", "leases", "get", "update", names=("secretsync",)),
    "jobs": rule("batch", "jobs", "create", "delete"),
}


class WithRole(MemoryCluster):
    """Its account has the rules of a Role; *asked* are the questions about them."""

    rules: tuple[Manifest, ...] = tuple(ROLE.values())
    complete = True
    granted: frozenset[Access] = frozenset()
    asked: int = 0

    def review(self, namespace: str) -> Review:
        self.asked += 1
        return Review(self.rules, self.complete, None)

    def allows(self, namespace: str, access: Access) -> bool:
        return access in self.granted


@pytest.fixture
def site() -> Site:
    return with_role(Site("server", "judge"))


def with_role(site: Site, *without: str, **changed: Manifest) -> Site:
    site.cluster.__class__ = WithRole
    site.cluster.rules = tuple(({**ROLE, **changed}[name]) for name in ROLE if name not in without)  # type: ignore[attr-defined]
    return site


def refusal(site: Site) -> SecretSyncError:
    """What the dry run says, which must be what the run raises."""
    shown = site.preview()
    assert site.cluster.writes == []
    with pytest.raises(SecretSyncError) as raised:
        site.sync()
    assert shown.blocked is not None
    assert str(shown.blocked) == str(raised.value)
    assert Outcome(site.destination, shown).exit_code == raised.value.exit_code
    return shown.blocked


def exit_code(site: Site, report: Report) -> int:
    return Outcome(site.destination, report).exit_code


def test_an_account_with_all_rights_is_refused_nothing(site: Site) -> None:
    shown = site.preview()
    assert (shown.blocked, shown.notes, exit_code(site, shown)) == (None, (), CHANGES_PENDING)
    assert not site.sync().failed


@pytest.mark.parametrize(
    ("without", "named"),
    [
        ("create leases", "create leases.coordination.k8s.io"),
        ("leases", "get, update leases.coordination.k8s.io secretsync"),
        ("create secrets", "create secrets"),
        ("secrets", "update secrets secretsync-state"),
        ("workloads", "patch deployments.apps server, judge"),
        ("pods", "list pods"),
    ],
)
def test_each_right_that_a_run_needs_is_missed_by_the_dry_run_and_by_the_run_before_it_writes(
    site: Site, without: str, named: str
) -> None:
    error = refusal(with_role(site, without))
    assert isinstance(error, MissingRights)
    assert named in str(error)
    assert "secretsync rbac" in str(error)
    assert site.cluster.writes == []


def test_all_missing_rights_are_named_at_once(site: Site) -> None:
    said = str(refusal(with_role(site, "create leases", "workloads")))
    assert "create leases.coordination.k8s.io; patch deployments.apps server, judge" in said


def test_rights_that_a_role_gives_for_other_names_are_missing(site: Site) -> None:
    other = rule("coordination.k8s.io", "leases", "get", "update", names=("other",))
    assert "get, update leases.coordination.k8s.io secretsync" in str(refusal(with_role(site, leases=other)))


def test_a_lease_that_is_there_needs_no_right_to_create_it(site: Site) -> None:
    site.sync()
    site.source.push(init="2")
    assert with_role(site, "create leases").preview().blocked is None


@pytest.mark.parametrize("without", ["events", "logs", "jobs"])
def test_what_a_run_goes_on_without_is_a_note(site: Site, without: str) -> None:
    shown = with_role(site, without).preview()
    assert shown.blocked is None
    (note,) = shown.notes
    assert note.startswith("an apply goes on without what this account may not do in namespace rucio: ")
    assert not site.sync().failed


def test_an_account_that_may_write_nothing_plans_and_is_told_so() -> None:
    site = with_role(Site("server"), "create secrets", "secrets", "create leases", "leases", "events", "jobs")
    site.cluster.rules = tuple({**one, "verbs": ["get", "list"]} for one in site.cluster.rules)  # type: ignore[attr-defined]
    shown = site.preview()
    assert (shown.blocked, exit_code(site, shown)) == (None, CHANGES_PENDING)
    (note,) = shown.notes
    assert note.startswith("this account can plan but not apply: ")
    assert ("dry run", "atlas") not in site.cluster.calls
    with pytest.raises(MissingRights):
        site.sync()


def test_where_the_api_does_not_tell_all_rules_it_is_asked_for_each_right(site: Site) -> None:
    site.cluster.complete, site.cluster.rules = False, ()  # type: ignore[attr-defined]
    site.cluster.granted = frozenset({Access("create", "", "secrets"), Access("list", "", "pods")})  # type: ignore[attr-defined]
    said = str(refusal(site))
    assert "patch deployments.apps" in said
    assert "create secrets" not in said
    assert "list pods" not in said


def test_a_right_to_all_objects_of_a_kind_is_asked_for_once_whatever_the_number_of_workloads() -> None:
    site = with_role(Site(*(f"daemon-{number}" for number in range(50))))
    site.cluster.complete, site.cluster.rules = False, ()  # type: ignore[attr-defined]
    asked: list[Access] = []

    def allows(namespace: str, access: Access) -> bool:
        asked.append(access)
        return True

    site.cluster.allows = allows  # type: ignore[method-assign]
    assert site.preview().blocked is None
    assert [access.name for access in asked if access.verb == "patch"] == [""]
    assert len(asked) == len(set(asked)) < 20


def test_an_api_that_reviews_nobody_does_not_stop_a_plan(site: Site) -> None:
    def review(namespace: str) -> Review:
        raise NotFound(Call("create", "selfsubjectrulesreviews.authorization.k8s.io", namespace), 404)

    site.cluster.review = review  # type: ignore[method-assign]
    assert site.preview().blocked is None


@pytest.mark.parametrize(
    "error",
    [
        Denied(Call("create", "secrets", "rucio", "atlas"), 403, "ValidatingAdmissionPolicy 'no'"),
        QuotaExceeded(Call("create", "secrets", "rucio", "atlas"), 403, "exceeded quota: small"),
        NamespaceMissing(Call("create", "secrets", "rucio", "atlas"), 404),
    ],
)
def test_what_the_api_would_refuse_is_asked_by_the_dry_run(site: Site, error: SecretSyncError) -> None:
    def refuse(secret: Secret) -> Secret:
        if secret.name == "atlas":
            raise error
        return secret

    site.cluster.admit = refuse
    assert refusal(site) is error


def test_a_restart_that_would_take_a_workload_down_unproven_is_refused_by_the_dry_run() -> None:
    site = Site("server")
    down = workload("atlas", spec={"strategy": {"type": "Recreate"}}, status={"availableReplicas": 1})
    site.cluster.live_workloads = {down.ref: down}
    site.destination = replace(site.destination, rollout=site.destination.rollout.model_copy(update={"canary": "off"}))
    assert isinstance(refusal(site), WouldTakeDown)


def test_an_idle_dry_run_asks_no_more_than_an_idle_run(site: Site) -> None:
    site.sync()
    site.cluster.calls.clear()
    site.cluster.asked = 0  # type: ignore[attr-defined]
    assert not site.preview().pending
    assert site.cluster.calls == [("get", "secretsync-state"), ("get", "atlas"), ("list", "workloads")]
    assert site.cluster.asked == 0  # type: ignore[attr-defined]


def test_the_waves_are_shown_in_the_order_in_which_the_run_takes_them() -> None:
    site = Site()
    for name, labels in (("server", {"app": "rucio-server"}), ("judge", {"app-group": "rucio-daemons"}), ("ui", {})):
        one = workload("atlas", name=name, probe=True)
        one.manifest["metadata"]["labels"] = labels
        site.cluster.live_workloads[one.ref] = one
    shown = [[ref.name for ref in wave] for wave in site.preview().planned_waves]
    done = [[ref.name for ref in wave.workloads] for wave in site.sync().waves]
    assert shown == done == [["judge"], ["server"], ["ui"]]


def test_a_dry_run_outside_of_the_window_says_when_the_changes_go_out(site: Site) -> None:
    window = "Mon 03:00-04:00 UTC"
    site.destination = replace(site.destination, rollout=site.destination.rollout.model_copy(update={"window": window}))
    saturday = Clock(utc=lambda: datetime(2026, 1, 3, tzinfo=UTC))
    waits = preview(site.destination, saturday).would_wait
    assert waits.startswith("the maintenance window is closed until Mon 2026-01-05 03:00 UTC")
