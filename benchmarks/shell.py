"""The shell cron job that sites run today: clone, apply, restart all, wait for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
