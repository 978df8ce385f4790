"""How manifests are encrypted, and which cluster is observed: what the configuration takes, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secretsync import config
from secretsync.config import UnusableConfig

REPOSITORY = {"repository": "git+https://git.example.org/site.git@main", "directory": "clusters/production"}


def _parse(cluster: dict[str, Any]) -> config.Target:
    packages = [{"moduleName": "site_policy", "requirement": "./policy"}]
    told = {"packages": packages, "targets": [{"cluster": cluster, "namespace": "rucio"}]}
    (target,) = config.parse(told, Path("secretsync.yaml")).targets
    return target


@pytest.mark.parametrize("cluster", [REPOSITORY, {"directory": "./cluster"}])
@pytest.mark.parametrize(
    ("encrypt", "form"), [({"sealedSecrets": "cert.pem"}, "sealedSecrets"), ({"sops": True}, "sops")]
)
def test_manifests_in_git_and_in_a_directory_may_be_encrypted(
    cluster: dict[str, Any], encrypt: dict[str, Any], form: str
) -> None:
    target = _parse({**cluster, "encrypt": encrypt})
    assert isinstance(target.cluster, (config.RepositoryCluster, config.DirectoryCluster))
    assert target.cluster.encrypt
    assert target.cluster.encrypt.form == form


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({**REPOSITORY, "encrypt": {"sealedSecrets": "cert.pem", "sops": True}}, "is one of {sealedSecrets"),
        ({**REPOSITORY, "encrypt": {}}, "is one of {sealedSecrets"),
        ({**REPOSITORY, "encrypt": {"sops": False}}, r"encrypt\.sops"),
        ({**REPOSITORY, "encrypt": {"age": "age1"}}, r"encrypt\.age"),
        ({**REPOSITORY, "encrypt": True}, "encrypt"),
        ({"context": "production", "encrypt": {"sops": True}}, "encrypt"),
        ({"inCluster": True, "encrypt": {"sops": True}}, "encrypt"),
        ({**REPOSITORY, "observe": {}}, "is one of {context: NAME}"),
        ({**REPOSITORY, "observe": {"context": "testbed", "inCluster": True}}, "is one of {context: NAME}"),
        ({**REPOSITORY, "observe": {"inCluster": True, "kubeconfig": "config"}}, "is one of {context: NAME}"),
        ({"directory": "./cluster", "observe": {"context": "testbed"}}, "observe"),
    ],
)
def test_what_cannot_be_meant_is_named(cluster: dict[str, Any], words: str) -> None:
    with pytest.raises(UnusableConfig, match=words):
        _parse(cluster)
