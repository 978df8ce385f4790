"""Writes the rules of the chart's Role that concern workloads: they come from the tables of secretsync/core/kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from secretsync.cluster.rbac import Need
from secretsync.core.kinds import KINDS
from secretsync.operations.permissions import spawner_rules, workload_rules

TEMPLATE = Path(__file__).parents[1] / "chart" / "templates" / "_workload_rules.tpl"


def template() -> str:
    """The text of the template; the rule of a kind whose API may be absent is there where the cluster has it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "{{/* Made by scripts/chart_role.py from secretsync/core/kinds; change it there. */}}"
    yield '{{- define "secretsync.workloadRules" -}}'
    for need in workload_rules(kind for kind in KINDS.values() if not kind.optional):
        yield from _rule(need)
    for kind in KINDS.values():
        if kind.optional:
            yield f'{{{{- if .Capabilities.APIVersions.Has "{kind.api_version}/{kind.name}" }}}}'
            for need in workload_rules([kind]):
                yield from _rule(need)
            yield "{{- end }}"
    for need in spawner_rules():
        yield from _rule(need)
    yield "{{- end }}"


def _rule(need: Need) -> Iterator[str]:
    yield f"# {need.reason}"
    yield f"- apiGroups: [{need.group}]"
    yield f"  resources: [{', '.join(need.resources)}]"
    yield f"  verbs: [{', '.join(need.verbs)}]"


if __name__ == "__main__":
    TEMPLATE.write_text(template(), encoding="utf-8")
