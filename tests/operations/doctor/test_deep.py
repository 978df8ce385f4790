"""The proof of what is live takes all that is live, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace

from secretsync.core.secret_codec import OURS
from secretsync.operations.doctor import diagnose
from secretsync.operations.doctor.deep import as_candidates, prove
from secretsync.reconcile.destination import REAL_TIME
from tests.reconcile.test_reconciler import Site


def test_a_secret_that_somebody_made_by_hand_is_proven_as_the_package_it_is_configured_to_hold() -> None:
    site = Site("server")
    site.sync()
    secret = site.cluster.secrets["atlas"]
    bare = {key: value for key, value in secret.annotations.items() if not key.startswith(OURS)}
    site.cluster.secrets["atlas"] = replace(secret, labels={}, annotations=bare)
    (package,) = as_candidates(diagnose(site.destination))
    assert package.desired.bundle.module == package.placement.module
    assert [change.desired.name for change in package.changes] == ["atlas"]


def test_where_no_pods_run_the_proof_is_said_to_be_impossible() -> None:
    """As in a directory of manifests, where every write is checked and no Job is started."""
    site = Site("server")
    site.sync()
    site.cluster.runs_pods = False
    (failure,) = prove(site.destination, diagnose(site.destination), REAL_TIME).failures
    assert failure.startswith("no pods run here")
