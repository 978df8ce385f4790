"""The state object in the cluster: read once a pass, written whenever what it says has changed."""

from __future__ import annotations

from secretsync.cluster.protocol import Cluster
from secretsync.plan import state
from secretsync.reconcile.destination import Destination


class StateStore:
    """What one installation remembers in one namespace. A write by somebody else meanwhile raises Conflict."""

    def __init__(self, cluster: Cluster, installation: str, namespace: str, manager: str) -> None:
        self._cluster, self._installation, self._namespace, self._manager = cluster, installation, namespace, manager
        self._live = cluster.secret(namespace, state.secret_name(installation))
        self.state = state.from_secret(self._live)

    @property
    def begun(self) -> bool:
        """Whether anything is remembered yet."""
        return self._live is not None

    def keep(self, told: state.State) -> None:
        """Remember *told* from now on."""
        if told == self.state:
            return
        secret = state.to_secret(told, self._installation, self._namespace)
        if self._live is None:
            self._live = self._cluster.create(secret, manager=self._manager)
        else:
            self._live = self._cluster.replace(secret, self._live, manager=self._manager)
        self.state = told


def load_state(destination: Destination) -> StateStore:
    """What is remembered at a destination."""
    return StateStore(destination.cluster, destination.installation, destination.namespace, destination.manager)
