"""What this account must be allowed to do for a plan, and what of that it may not: asked before the first write.

See https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from secretsync.cluster.errors import Forbidden, NotFound
from secretsync.cluster.rbac import Access, Review, may, summarize
from secretsync.core.errors import ClusterError
from secretsync.core.kinds import KINDS
from secretsync.plan.plan import Plan
from secretsync.plan.state import secret_name
from secretsync.reconcile.destination import Destination

_READS = frozenset({"get", "list", "watch"})
_LEASES = ("coordination.k8s.io", "leases")


@dataclass(eq=False)
class MissingRights(ClusterError):
    """The account lacks permissions that this plan needs."""

    code = "missing_rights"

    namespace: str
    lacking: Sequence[Access]

    def __str__(self) -> str:
        return (
            f"nothing was written: in namespace {self.namespace} this account may not {summarize(self.lacking)}: "
            "apply the Role that 'secretsync rbac' prints"
        )


@dataclass(frozen=True)
class Rights:
    """What of a plan's needs is lacking: *required* stops a run, *optional* only takes something away from it."""

    required: tuple[Access, ...] = ()
    optional: tuple[Access, ...] = ()
    reads_only: bool = False
    """Whether not a single write of the plan is allowed: the account of somebody who plans, and does not apply."""


def missing_rights(destination: Destination, plan: Plan) -> Rights:
    """What this account lacks for *plan*; nothing where nobody can be asked, as in a directory of manifests."""
    try:
        review = destination.cluster.review(destination.namespace)
    except (Forbidden, NotFound):
        return Rights()
    if review is None:
        return Rights()

    needed = tuple(dict.fromkeys(_required(destination, plan)))
    required = _missing(destination, review, needed)
    writes = {access for access in needed if access.verb not in _READS}
    optional = _missing(destination, review, tuple(dict.fromkeys(_optional(destination, plan))))
    return Rights(required, optional, reads_only=writes <= set(required))


def _missing(destination: Destination, review: Review, needed: Sequence[Access]) -> tuple[Access, ...]:
    """Where the API does not tell all rules, it is asked: first for objects of any name, as a Role mostly says it."""
    if review.complete:
        return tuple(access for access in needed if not may(review, access))
    allows = partial(destination.cluster.allows, destination.namespace)
    of_any_name = {access: allows(access) for access in {replace(access, name="") for access in needed}}
    return tuple(
        access
        for access in needed
        if not of_any_name[replace(access, name="")] and not (access.name and allows(access))
    )


def refuse_missing_rights(destination: Destination, plan: Plan) -> None:
    """Raises MissingRights, so that a run does not stop half way."""
    if lacking := missing_rights(destination, plan).required:
        raise MissingRights(destination.namespace, lacking)


def _required(destination: Destination, plan: Plan) -> Iterator[Access]:
    yield from _lease(destination)
    for package in plan.packages:
        for change in package.writes:
            yield _secret("update" if change.live else "create", change.desired.name)
        for change in package.deletes:
            yield _secret("delete", change.desired.name)
        if package.content and package.live and destination.rollout.undo:
            yield _secret("create")
    yield from _state(destination)
    for restart in plan.restarts:
        kind = KINDS[restart.workload.ref.kind]
        yield Access("patch", kind.group, kind.resource, restart.workload.ref.name)
    if plan.restarts or plan.watch:
        yield Access("list", "", "pods")
    if destination.rollout.canary == "require" and _changes_content(plan):
        yield from _proofs()


def _optional(destination: Destination, plan: Plan) -> Iterator[Access]:
    yield Access("create", "events.k8s.io", "events")
    if plan.restarts or plan.watch:
        yield Access("get", "", "pods/log")
    if any(KINDS[restart.workload.ref.kind].waits_for_failed_pods for restart in plan.restarts):
        yield Access("delete", "", "pods")
    if destination.rollout.canary == "auto" and _changes_content(plan):
        yield from _proofs()


def _lease(destination: Destination) -> Iterator[Access]:
    """One that is there is taken over; else it is created. Both are renewed."""
    name = destination.installation
    yield Access("get", *_LEASES, name)
    yield Access("update", *_LEASES, name)
    try:
        live = destination.cluster.read("Lease", destination.namespace, name)
    except Forbidden:
        live = None
    if live is None:
        yield Access("create", *_LEASES)


def _state(destination: Destination) -> Iterator[Access]:
    name = secret_name(destination.installation)
    live = destination.cluster.secret(destination.namespace, name)
    yield _secret("update", name)
    if live is None:
        yield _secret("create")


def _proofs() -> Iterator[Access]:
    yield Access("create", "batch", "jobs")
    yield Access("delete", "batch", "jobs")


def _secret(verb: str, name: str = "") -> Access:
    """The name counts where the object is there: create cannot be limited by names."""
    return Access(verb, "", "secrets", "" if verb == "create" else name)


def _changes_content(plan: Plan) -> bool:
    return any(package.content for package in plan.packages)
