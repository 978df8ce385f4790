"""The real sealed-secrets controller makes of what git has the very Secrets that a package was packed into.

``go install github.com/bitnami-labs/sealed-secrets/cmd/controller@v0.27.1`` builds it; SECRETSYNC_TEST_SEALED_SECRETS
is its path. It runs as a pod of the control plane, with a key that it makes itself.
"""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync import config
from secretsync.core.secret_codec import OURS
from tests.cluster.repository.site import MODULE, SOUND
from tests.cluster.repository.site import Site as GitSite
from tests.e2e.site import until
from tests.servers.control_plane import ControlPlane, Object

CONTROLLER = os.environ.get("SECRETSYNC_TEST_SEALED_SECRETS", "")
CHANGED = SOUND + "\n\nCHANGED = True\n"
GROUP = "bitnami.com"
KEY = "sealedsecrets.bitnami.com/sealed-secrets-key"

pytestmark = [
    pytest.mark.control_plane,
    pytest.mark.slow,
    pytest.mark.skipif(not CONTROLLER, reason="SECRETSYNC_TEST_SEALED_SECRETS is not set: see the head of this file"),
]


class Production(GitSite):
    """A site whose manifests are sealed, and the cluster that they are applied to."""

    plane: ControlPlane
    namespace: str

    @property
    def configuration(self) -> config.Config:
        content = {
            "cache": "cache",
            "packages": [{"moduleName": MODULE, "requirement": "./policy"}],
            "targets": [{"cluster": self._cluster, "namespace": self.namespace}],
        }
        return config.parse(content, self.folder / "secretsync.yaml")

    def apply(self, *manifests: Object) -> None:
        own = self.plane.kubeconfig.parent / "bin" / "kubectl"
        command = [str(own) if own.exists() else "kubectl", "--kubeconfig", str(self.plane.kubeconfig), "apply", "-f-"]
        subprocess.run(command, input=yaml.safe_dump_all(manifests).encode(), check=True)

    def apply_what_git_has(self) -> None:
        folder = f"clusters/production/{self.namespace}/"
        self.apply(*(yaml.safe_load(self.show(name)) for name in self.files() if name.startswith(folder)))

    def secrets(self, label: str) -> list[Object]:
        found = self.plane.all("Secret", self.namespace)
        return [secret for secret in found if label in (secret["metadata"].get("labels") or {})]

    def unsealed(self) -> list[dict[str, bytes]]:
        """The files of each Secret of the package that the controller made."""
        made = [secret for secret in self.secrets(OURS + "module") if secret.get("immutable")]
        return [{key: base64.b64decode(text) for key, text in secret["data"].items()} for secret in made]


def controller(namespace: str) -> list[Object]:
    named = {"name": "sealed-secrets", "namespace": namespace}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"kind": "SealedSecret", "plural": "sealedsecrets", "singular": "sealedsecret"}
    rules = [
        {"apiGroups": [""], "resources": ["secrets", "events"], "verbs": ["*"]},
        {"apiGroups": [GROUP], "resources": ["sealedsecrets", "sealedsecrets/status"], "verbs": ["*"]},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": named["name"]}
    environment = [{"name": "POD_NAMESPACE", "value": namespace}]
    container: dict[str, Any] = {
        "name": "controller",
        "image": "sealed-secrets",
        "command": [CONTROLLER, "--all-namespaces=false", "--key-size=2048"],
        "env": environment,
    }
    return [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"sealedsecrets.{GROUP}"},
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": named, "rules": rules},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": named,
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **named}],
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": named,
            "spec": {"serviceAccountName": named["name"], "containers": [container]},
        },
    ]


def test_the_controller_unseals_each_revision_that_git_has(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    site = Production(tmp_path, encrypt={"sealedSecrets": "cert.pem"})
    site.plane, site.namespace = control_plane, namespace
    site.apply(*controller(namespace))
    until(lambda: bool(site.secrets(KEY)), "the controller has a key")
    (key,) = site.secrets(KEY)
    (tmp_path / "cert.pem").write_bytes(base64.b64decode(key["data"]["tls.crt"]))

    site.sync()
    site.apply_what_git_has()
    until(lambda: bool(site.unsealed()), "the first revision is unsealed")
    (first,) = site.unsealed()
    assert first["permission.py"] == SOUND.encode()

    site.package({"permission.py": CHANGED})
    site.sync()
    site.apply_what_git_has()
    until(lambda: len(site.unsealed()) == 2, "the second revision is unsealed")
    assert first in site.unsealed()
    assert CHANGED.encode() in {files["permission.py"] for files in site.unsealed()}
