"""What one pass works on, and what it tells of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from secretsync.cluster.protocol import Cluster
from secretsync.cluster.selector import selects
from secretsync.config.check import Check
from secretsync.config.target import Rollout
from secretsync.core import shutdown
from secretsync.core.errors import SecretSyncError
from secretsync.core.kinds.kind import Status
from secretsync.core.model import Bundle, Placement, Ref, Source
from secretsync.plan.plan import Plan
from secretsync.plan.state import Result
from secretsync.plan.waves import Selects

if TYPE_CHECKING:
    from secretsync.cluster.common_metadata import WithCommonMetadata
    from secretsync.cluster.repository.cluster import RepositoryCluster
    from secretsync.cluster.repository.proposal import Proposal
    from secretsync.config.repository import ValuesFile
    from secretsync.plan.approval import ApprovedTarget
    from secretsync.rucio.check.actions import ActionRow
    from secretsync.rucio.check.finding import Finding
    from secretsync.rucio.check.policy_diff import PolicyDiff
    from secretsync.sources.digests import FetchedDigests


@dataclass(frozen=True)
class Delivery:
    """One package on its way to one namespace; *recipe* tells what, beside its revision, decides what is packed.

    *tag_moved* says what becomes of a tag that names another commit than what is live: ``refuse``, ``warn``, ``allow``;
    *rollback* the same of a tag that is older, whose version stands after *tag_prefix*. *fetched* knows the digests of
    what was fetched before; None where the same revision may be other files the next time.
    """

    placement: Placement
    source: Source
    recipe: str
    check: Check = field(default_factory=Check)
    tag_moved: str = "warn"
    rollback: str = "warn"
    tag_prefix: str = ""
    fetched: FetchedDigests | None = None


@dataclass(frozen=True)
class CheckedPackage:
    """What the check found in a package, whether that *stops* the run, and how the policy differs from the live one.

    *bundle* is what was checked, for these versions of *rucio*; *live* is what it was compared with, None for nothing.
    """

    findings: tuple[Finding, ...]
    stops: bool
    difference: PolicyDiff | None
    bundle: Bundle | None = field(default=None, repr=False)
    live: Bundle | None = field(default=None, repr=False)
    rucio: tuple[str, ...] = ()

    def actions(self) -> tuple[ActionRow, ...]:
        """Who decides on each of Rucio's actions, now and in what is live. It costs two more checks."""
        if self.bundle is None:
            return ()
        # imported here: a pass in which nothing changed does not pay for the rules
        from secretsync.rucio.check.actions import action_table

        return action_table(self.bundle, self.rucio, self.live)


@dataclass(frozen=True)
class After:
    """New content goes out only when *destination* has been current with it for *seconds*."""

    destination: Destination
    seconds: float = 0


T = TypeVar("T")


class PassLease:
    """The Lease of one pass: taken when it is first needed, and kept until *stack* ends."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._held: Any = None

    def held(self, take: Callable[[], AbstractContextManager[T]]) -> T:
        """The Lease, which is taken by *take* where it is not held yet. Raises what *take* raises."""
        if self._held is None:
            self._held = self._stack.enter_context(take())
        held: T = self._held
        return held


@dataclass(frozen=True)
class Destination:
    """A namespace of a cluster, what is delivered there, and how its workloads are rolled out.

    *drift* says what becomes of live Secrets that somebody changed: ``repair`` or ``report``. *after* names another
    whose turn is first. Where something is *approved*, exactly that is done, or nothing. *describe* makes the Markdown
    below a request to a repository.
    *observed* is the cluster that runs what a repository holds, where it may be read. *lease* is that of the pass,
    where several steps of it share one.
    """

    name: str
    cluster: Cluster
    installation: str
    namespace: str
    deliveries: Sequence[Delivery]
    selector: str = ""
    adopt: bool = False
    drift: str = "repair"
    rollout: Rollout = field(default_factory=Rollout)
    after: After | None = None
    values: tuple[ValuesFile, ...] = ()
    approved: ApprovedTarget | None = None
    describe: Callable[[Report], str] | None = None
    observed: Cluster | None = None
    lease: PassLease | None = field(default=None, compare=False, repr=False)

    @property
    def wave_selectors(self) -> list[Selects]:
        """Which workloads are in each wave, by their labels; empty for the order of Rucio's charts."""
        return [partial(selects, wave.selector) for wave in self.rollout.waves]

    @property
    def repository(self) -> RepositoryCluster | None:
        """The cluster where it is a git repository: what is written there is proposed at the end of a pass."""
        # a closed cluster answers for every attribute: only the class tells
        wrapped = hasattr(type(self.cluster), "without_metadata")
        cluster = cast("WithCommonMetadata", self.cluster).without_metadata if wrapped else self.cluster
        return cast("RepositoryCluster", cluster) if hasattr(type(cluster), "publish") else None

    @property
    def depth(self) -> int:
        """How many others come one after another before this one."""
        return self.after.destination.depth + 1 if self.after else 0

    @property
    def wires(self) -> bool:
        """Whether we mount the packages into the selected workloads ourselves."""
        return any(delivery.placement.wired for delivery in self.deliveries)

    @property
    def manager(self) -> str:
        """Our field manager: it names the installation, so that two of them keep each its own annotations."""
        return f"secretsync-{self.installation}"


@contextmanager
def sharing_lease(destination: Destination) -> Iterator[Destination]:
    """*destination*, whose Lease is taken once at most and released at the end of this."""
    with ExitStack() as stack:
        yield replace(destination, lease=PassLease(stack))


@dataclass(frozen=True)
class Clock:
    """Seconds that only grow, a way to let them pass, and what calendars say."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = shutdown.sleep
    utc: Callable[[], datetime] = lambda: datetime.now(UTC)


REAL_TIME = Clock()


@dataclass(frozen=True)
class ValuesEdit:
    """A values file of the repository with its new *text*; *problem* says why a person has to write it instead."""

    path: str
    text: str = field(default="", repr=False)
    problem: str = ""


@dataclass(frozen=True)
class WaveTimes:
    """When a wave was restarted and when it ended, in seconds of the clock that watched; its *workloads*."""

    began: float
    ended: float
    workloads: tuple[Ref, ...]


@dataclass(frozen=True)
class Report:
    """What a pass would do, or did: the plan, and a verdict on each workload that was restarted or watched.

    *ignored* are verdicts on workloads that were not current before: they say nothing about the package. *examined*
    tells by module what the check found, and *refused* why it let nothing be touched. *failure* says in a sentence
    why the pass did not come to its end, and *undone* is the pass that put back what was live. *results* are what the
    passes before came to. *waits* says what all changes wait for. *mixed* tells for how many seconds at most each
    workload ran with files newer than its processes. *values* are the files of a repository that mount the packages and
    change as well, *proposal* what became of the commit. *waves* tell when each was restarted, in their order.

    Of a dry run: *planned_waves* are the workloads in the order of their restarts, *blocked* is what an apply would be
    refused, *would_wait* what its changes would wait for, and *notes* what an operator should know of it.
    """

    destination: str
    plan: Plan
    done: bool = False
    verdicts: Mapping[Ref, Status] = field(default_factory=dict)
    ignored: Mapping[Ref, Status] = field(default_factory=dict)
    checked_packages: Mapping[str, CheckedPackage] = field(default_factory=dict)
    refused: str = ""
    failure: str = ""
    undone: Report | None = None
    waits: str = ""
    mixed: Mapping[Ref, float] = field(default_factory=dict)
    results: Mapping[str, Result] = field(default_factory=dict)
    values: tuple[ValuesEdit, ...] = ()
    proposal: Proposal | None = None
    waves: tuple[WaveTimes, ...] = ()
    planned_waves: tuple[tuple[Ref, ...], ...] = ()
    blocked: SecretSyncError | None = None
    notes: tuple[str, ...] = ()
    would_wait: str = ""

    @property
    def pending(self) -> bool:
        """Whether a dry run found something to write."""
        return not self.done and (self.plan.pending or any(not edit.problem for edit in self.values)) and not self.waits

    @property
    def failed(self) -> bool:
        """Whether a rollout or a proof failed."""
        return bool(self.failure)
