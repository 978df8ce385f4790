"""A Lease (coordination.k8s.io/v1) as a value: who holds it, and how it is taken, renewed and released.

Nothing here reads a clock or calls the API: the lock of a run and the election of a leader both write these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from secretsync.core.model import Manifest


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
    return lease.get("spec") or {}


def holder(lease: Manifest) -> str:
    """Who holds it; empty where nobody does."""
    identity: str = spec(lease).get("holderIdentity") or ""
    return identity


def acquired(lease: Manifest, identity: str, seconds: int, now: datetime) -> Manifest:
    """*lease* held by *identity* for *seconds* from *now* on; a new holder is a transition."""
    held = {**spec(lease), "holderIdentity": identity, "leaseDurationSeconds": seconds, "renewTime": _micro(now)}
    if holder(lease) != identity:
        held |= {"acquireTime": _micro(now), "leaseTransitions": held.get("leaseTransitions", 0) + 1}
    return {**lease, "spec": held}


def released(lease: Manifest, now: datetime) -> Manifest:
    """*lease* held by nobody, so that the next may take it at once."""
    return {**lease, "spec": {**spec(lease), "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _micro(now)}}


def _micro(time: datetime) -> str:
    """As Kubernetes writes a MicroTime; *time* is in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
