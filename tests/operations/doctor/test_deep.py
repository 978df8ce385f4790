"""The proof of what is live takes all that is live, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace

from secretsync.core.secret_codec import OURS
from secretsync.operations.doctor import diagnose
from secretsync.operations.doctor.deep import as_candidates
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
