"""A Role and its RoleBinding, as YAML that says why each rule is there."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence

from secretsync.cluster.rbac import Need


def render_role(needs: Sequence[Need], *, name: str, namespace: str, account: str, account_namespace: str) -> str:
    """A Role called *name* in *namespace*, and its binding to a service account of *account_namespace*."""
    return "".join(f"{line}\n" for line in _lines(needs, name, namespace, account, account_namespace))


def _lines(needs: Sequence[Need], name: str, namespace: str, account: str, account_namespace: str) -> Iterator[str]:
    yield "---"
    yield "apiVersion: rbac.authorization.k8s.io/v1"
    yield "kind: Role"
    yield f"metadata: {{name: {name}, namespace: {namespace}}}"
    yield "rules:"
    for need in needs:
        yield from textwrap.wrap(need.reason, 80, initial_indent="  # ", subsequent_indent="  # ")
        yield f"  - apiGroups: {_list([need.group])}"
        yield f"    resources: {_list(need.resources)}"
        yield f"    verbs: {_list(need.verbs)}"
        if need.names:
            yield "    resourceNames:"
            yield from (f"      - {name}" for name in need.names)
    yield "---"
    yield "apiVersion: rbac.authorization.k8s.io/v1"
    yield "kind: RoleBinding"
    yield f"metadata: {{name: {name}, namespace: {namespace}}}"
    yield f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}"
    yield "subjects:"
    yield f"  - {{kind: ServiceAccount, name: {account}, namespace: {account_namespace}}}"


def _list(items: Sequence[str]) -> str:
    return f"[{', '.join(item or json.dumps(item) for item in items)}]"
