"""A Lease (coordination.k8s.io/v1) as a value: who holds it, and how it is taken, renewed and released.

Nothing here reads a clock or calls the API: the lock of a run and the election of a leader both write these. What a
Lease says is input like any other: somebody may have written it by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from secretsync.core.model import Manifest
from secretsync.core.times import iso_time

LONGEST = 600
"""Seconds for which a Lease holds at most, whatever it says: nobody of ours takes one for longer."""

_MOST_TRANSITIONS = 2**31 - 2


def free(namespace: str, name: str) -> Manifest:
    """A Lease that nobody holds and that the cluster does not have yet."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {},
    }


def spec(lease: Manifest) -> dict[str, Any]:
    """The spec, empty where there is none, as a Lease may be written without one."""
    value = lease.get("spec")
    return value if isinstance(value, dict) else {}


def holder(lease: Manifest) -> str:
    """Who holds it; empty where nobody does."""
    return str(spec(lease).get("holderIdentity") or "")


def duration(lease: Manifest, default: int) -> int:
    """For how many seconds it holds without being renewed."""
    return min(_number(spec(lease).get("leaseDurationSeconds"), default), LONGEST)


def seconds_left(lease: Manifest, now: datetime, default: int) -> float:
    """For how many seconds it still holds; *now* is by the API server's clock, 0 or less where it is free.

    When it was renewed is what the API server remembers of that write; what the holder says stands where it does not.
    """
    renewed = _renewed(lease)
    if not holder(lease) or renewed is None:
        return 0
    seconds = duration(lease, default)
    remaining = seconds - (now - renewed).total_seconds()
    # renewed at a time that is still to come, further than a Lease holds: by another clock, or by hand
    return 0 if remaining > 2 * seconds else min(remaining, seconds)


def acquired(lease: Manifest, identity: str, seconds: int, now: datetime) -> Manifest:
    """*lease* held by *identity* for *seconds* from *now* on; a new holder is a transition."""
    held = {**spec(lease), "holderIdentity": identity, "leaseDurationSeconds": seconds, "renewTime": _micro(now)}
    if holder(lease) != identity:
        transitions = min(_number(held.get("leaseTransitions"), 0), _MOST_TRANSITIONS)
        held |= {"acquireTime": _micro(now), "leaseTransitions": transitions + 1}
    return {**lease, "spec": held}


def released(lease: Manifest, now: datetime) -> Manifest:
    """*lease* held by nobody, so that the next may take it at once."""
    return {**lease, "spec": {**spec(lease), "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _micro(now)}}


def _renewed(lease: Manifest) -> datetime | None:
    return max(_writes_of_renew_time(lease), default=None) or iso_time(spec(lease).get("renewTime"))


def _writes_of_renew_time(lease: Manifest) -> Iterator[datetime]:
    """When ``renewTime`` was written, by the API server's clock in whole seconds."""
    for entry in (lease.get("metadata") or {}).get("managedFields") or ():
        wrote = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if "f:renewTime" in wrote and (time := iso_time(entry.get("time"))):
            yield time


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


def _micro(time: datetime) -> str:
    """As Kubernetes writes a MicroTime; *time* is in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
