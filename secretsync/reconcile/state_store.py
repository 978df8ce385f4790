"""The state object in the cluster: read once a pass, written whenever what it says has changed."""

from __future__ import annotations

import structlog

from secretsync.cluster.errors import Conflict
from secretsync.cluster.protocol import Manifests
from secretsync.core.model import Secret
from secretsync.plan import state
from secretsync.reconcile.admission import ChangedByAdmission
from secretsync.reconcile.destination import Destination

log = structlog.get_logger()


class StateStore:
    """What one installation remembers in one namespace. A write by somebody else meanwhile raises Conflict.

    One that admission changed raises ChangedByAdmission: nothing is done that would not be remembered.
    """

    def __init__(self, cluster: Manifests, installation: str, namespace: str, manager: str) -> None:
        self._cluster, self._installation, self._namespace, self._manager = cluster, installation, namespace, manager
        self._live = cluster.secret(namespace, state.secret_name(installation))
        self.state = state.from_secret(self._live)

    @property
    def exists(self) -> bool:
        """Whether anything is remembered yet."""
        return self._live is not None

    def save(self, new_state: state.State) -> None:
        """Remember *new_state* from now on."""
        if new_state == self.state:
            return
        secret = state.to_secret(new_state, self._installation, self._namespace)
        self._live = self._replace(secret, self._live) if self._live else self._create(secret)
        self.state = new_state
        self._refuse_changed(secret)

    def _refuse_changed(self, sent: Secret) -> None:
        """What admission adds is its own matter. An answer may have been damaged: what is stored is asked for first."""
        if self._live and sent.data.items() <= self._live.data.items():
            return
        stored = self._cluster.secret(sent.namespace, sent.name) or self._live
        if stored and (changed := [key for key in sent.data if stored.data.get(key) != sent.data[key]]):
            raise ChangedByAdmission(sent.namespace, sent.name, [f"data[{key!r}]" for key in changed])

    def _create(self, secret: Secret) -> Secret:
        return self._cluster.create(secret, manager=self._manager)

    def _replace(self, secret: Secret, live: Secret) -> Secret:
        """What is known is written again where somebody deleted the object: nothing else knows the numbers."""
        try:
            return self._cluster.replace(secret, live, manager=self._manager)
        except Conflict:
            if self._cluster.secret(secret.namespace, secret.name) is not None:
                raise
            log.warning("somebody deleted the state object; it is made again", secret=secret.name)
            return self._create(secret)


def load_state(destination: Destination) -> StateStore:
    """What is remembered at a destination."""
    return StateStore(destination.cluster, destination.installation, destination.namespace, destination.manager)
