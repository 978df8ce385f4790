from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from secretsync.plan import ownership
from secretsync.plan.plan import Live, make_plan
from secretsync.plan.refused import Refused
from secretsync.plan.state import State
from tests.build import PLACEMENT, desired, live

WANTED = desired({"__init__.py": "1"}).secrets[0]
OURS = live(desired({"__init__.py": "0"}))["atlas"]
THEIRS = replace(OURS, labels={}, annotations={})


def problems(secret: Any, *, adopt: bool = False) -> list[str]:
    return list(ownership.problems(secret, WANTED, PLACEMENT, adopt=adopt))


def test_a_secret_of_ours_may_be_replaced() -> None:
    assert problems(OURS) == []


def test_a_secret_without_our_label_is_refused_unless_adopted() -> None:
    assert problems(THEIRS) == [
        "Secret rucio/atlas exists and secretsync did not make it: choose another secretName, "
        "or take it over with 'adopt: true' on the target"
    ]
    assert problems(THEIRS, adopt=True) == []


@pytest.mark.parametrize(
    ("changes", "owner"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "server"}}, "belongs to the Helm release 'server'"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "belongs to a Helm chart"),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "site:/Secret:rucio/atlas"}},
            "belongs to the Argo CD application 'site'",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "site"}}, "belongs to the Argo CD application 'site'"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "belongs to Flux ('apps')"),
    ],
)
def test_the_tools_that_own_a_secret_are_named(changes: dict[str, Any], owner: str) -> None:
    (problem,) = problems(replace(THEIRS, **changes))
    assert owner in problem


@pytest.mark.parametrize("adopt", [True, False])
def test_a_controllers_secret_is_never_taken(adopt: bool) -> None:
    owners = [{"kind": "ExternalSecret", "name": "policy", "controller": True}]
    (problem,) = problems(replace(THEIRS, metadata={"ownerReferences": owners}), adopt=adopt)
    assert "is controlled by ExternalSecret policy, which would put its own content back" in problem


@pytest.mark.parametrize("adopt", [True, False])
def test_a_secret_of_another_installation_is_never_taken(adopt: bool) -> None:
    other = replace(OURS, labels={**OURS.labels, "secretsync.rucio/installation": "testbed"})
    (problem,) = problems(other, adopt=adopt)
    assert "belongs to the installation 'testbed'" in problem


def test_a_secret_that_holds_another_package_is_refused() -> None:
    other = replace(OURS, labels={**OURS.labels, "secretsync.rucio/module": "cms_policy"})
    assert "holds the package 'cms_policy', not 'atlas_rucio_policy'" in problems(other)[0]


def test_another_type_and_an_immutable_secret_are_each_told_with_their_remedy() -> None:
    (kind, immutable) = problems(replace(OURS, type="kubernetes.io/tls", immutable=True))
    assert "has the type 'kubernetes.io/tls' and Kubernetes never changes a type: delete it" in kind
    assert "is immutable: delete it" in immutable


def test_an_immutable_secret_that_needs_no_change_is_no_problem() -> None:
    assert problems(replace(OURS, immutable=True, data=WANTED.data)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "server"}}, "helm.sh/resource-policy: keep"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "prune: disabled"),
        ({"labels": {"argocd.argoproj.io/instance": "site"}}, "Prune=false"),
        ({"metadata": {"ownerReferences": [{"kind": "SealedSecret", "name": "atlas"}]}}, "SealedSecret atlas"),
        (
            {"metadata": {"managedFields": [{"manager": "kustomize-controller", "fieldsV1": {"f:data": {}}}]}},
            "belongs to Flux",
        ),
    ],
    ids=["Helm", "Flux", "Argo CD", "SealedSecret", "by managedFields"],
)
def test_who_takes_over_a_tools_secret_is_warned_that_it_puts_its_own_back(changes: dict[str, Any], words: str) -> None:
    warning = ownership.puts_back(replace(THEIRS, **changes))
    assert "puts its own content back" in warning
    assert words in warning


def test_a_secret_that_a_person_made_is_taken_over_without_a_warning() -> None:
    by_hand = [{"manager": "kubectl-create", "fieldsV1": {"f:data": {}}}, {"manager": "helm", "fieldsV1": {}}]
    assert ownership.puts_back(THEIRS) == ""
    assert ownership.puts_back(replace(THEIRS, metadata={"managedFields": by_hand})) == ""


def test_a_plan_that_takes_over_a_tools_secret_warns() -> None:
    theirs = replace(THEIRS, annotations={"meta.helm.sh/release-name": "server"})
    plan = make_plan([desired({"__init__.py": "1"})], Live({"atlas": theirs}, []), State(), adopt=True)
    assert any("belongs to the Helm release 'server', which puts its own content back" in one for one in plan.notes)


def test_a_refusal_holds_what_would_change_in_the_secret() -> None:
    with pytest.raises(Refused) as refused:
        make_plan([desired({"__init__.py": "1"})], Live({"atlas": THEIRS}, []), State())
    (package,) = refused.value.packages
    assert [file.path for change in package.changes for file in change.files] == ["__init__.py"]
