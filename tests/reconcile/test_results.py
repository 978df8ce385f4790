from __future__ import annotations

from secretsync.plan.refused import Refused
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.results import results_of
from tests.reconcile.test_reconciler import Site


def test_why_a_run_failed_is_remembered_as_one_line() -> None:
    refused = Refused(["Secret a is immutable", "Secret b is immutable"])
    (result,) = results_of(Outcome(Site("server").destination, error=refused), 0).values()
    assert result.reason == "Secret a is immutable; Secret b is immutable"
