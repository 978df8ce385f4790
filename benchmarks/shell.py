"""What sites run today: a shell cron job that clones, applies, restarts all and waits for all, or parts of that."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.servers.control_plane import ControlPlane

SCRIPT = """
set -eu
rm -rf "$WORK"
git clone --quiet --depth 1 "$URL" "$WORK"
for directory in "" algorithms; do
  kubectl create secret generic "$SECRET${directory:+-$directory}" --from-file="$WORK/src/$MODULE/$directory" \\
    --dry-run=client -o yaml | kubectl apply -f - >/dev/null
done
[ "$RESTART" = no ] || {
  kubectl rollout restart deployment >/dev/null
  kubectl rollout status deployment >/dev/null
}
"""
"""``rollout restart`` and ``rollout status`` without a name mean every Deployment of the namespace."""

_CLONE = """
set -eu
rm -rf "$WORK"
git clone --quiet --depth 1 "$URL" "$WORK"
"""

DIFF = (
    _CLONE
    + """
for directory in "" algorithms; do
  kubectl create secret generic "$SECRET${directory:+-$directory}" --from-file="$WORK/src/$MODULE/$directory" \\
    --dry-run=client -o yaml | kubectl diff -f - >/dev/null || [ $? = 1 ]
done
"""
)
"""Clones and compares with what is live; that it differs in labels is no failure."""

GIT2KUBE = (
    _CLONE
    + """
for directory in "" algorithms; do
  name="git2kube$SECRET${directory:+-$directory}"
  kubectl create secret generic "$name" --from-file="$WORK/src/$MODULE/$directory" --dry-run=client -o yaml |
    kubectl apply --server-side --force-conflicts -f - >/dev/null
done
"""
)
"""Clones and patches the Secret at each tick, as git2kube does."""

STATUS = """
set -eu
kubectl rollout status deployment >/dev/null
"""

RESTART = """
set -eu
kubectl rollout restart deployment >/dev/null
kubectl rollout status deployment >/dev/null
"""
"""Every Deployment of the namespace, until all are current: the controllers set the pace."""


@dataclass(frozen=True)
class Shell:
    """*url* is the repository's; *kubectl* an executable; the namespace is the kubeconfig's context's."""

    url: str
    kubectl: Path
    kubeconfig: Path
    work: Path
    module: str
    secret: str

    def command(self) -> Sequence[str]:
        return ["sh", "-c", SCRIPT]

    def environment(self, *, restart: bool) -> dict[str, str]:
        return {
            "PATH": f"{self.kubectl.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.work.parent),
            "KUBECONFIG": str(self.kubeconfig),
            "URL": self.url,
            "WORK": str(self.work),
            "MODULE": self.module,
            "SECRET": self.secret,
            "RESTART": "yes" if restart else "no",
        }


def kubeconfig_for(plane: ControlPlane, namespace: str, folder: Path) -> Path:
    """A kubeconfig whose context is in *namespace*, as kubectl's users have it."""
    config = yaml.safe_load(plane.kubeconfig.read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = namespace
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def kubectl_of(plane: ControlPlane) -> Path:
    """The kubectl beside the control plane, or on PATH."""
    beside = plane.kubeconfig.parent / "bin" / "kubectl"
    return beside if beside.exists() else Path(shutil.which("kubectl") or sys.exit("there is no kubectl on PATH"))
