"""Whether a workload ever had fewer ready pods than its strategy allows: looked at all through a test."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from tests.e2e.site import Object, Site


@contextlib.contextmanager
def never_below_what_the_strategy_allows(site: Site, *names: str, every: float = 0.2) -> Iterator[None]:
    """Samples the ready pods of the workloads called *names*, and fails at the end where there were too few."""
    fewest: dict[str, int] = {}
    over = threading.Event()

    def sample() -> None:
        while not over.wait(every):
            pods = site.plane.all("Pod", site.namespace)
            for name in names:
                ready = sum(_is_ready(pod) for pod in pods if pod["metadata"]["labels"].get("app") == name)
                fewest[name] = min(ready, fewest.get(name, ready))

    allowed = {
        one.ref.name: least_ready(one.manifest["spec"])
        for one in site.plane.cluster.workloads(site.namespace)
        if one.ref.name in names
    }
    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert fewest.keys() == allowed.keys()
    assert all(fewest[name] >= allowed[name] for name in allowed), (fewest, allowed)


def least_ready(spec: Object) -> int:
    """How many pods of a Deployment stay ready through its rolling update."""
    replicas, unavailable = spec["replicas"], spec["strategy"]["rollingUpdate"]["maxUnavailable"]
    if isinstance(unavailable, str):
        unavailable = replicas * int(unavailable.rstrip("%")) // 100
    return int(replicas - unavailable)


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
