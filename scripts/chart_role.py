"""Writes the rules for workloads of the chart's Role, and the Role of examples/cronjob, from secretsync/core/kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from click.testing import CliRunner

from secretsync.cli.main import cli
from secretsync.cluster.rbac import Need
from secretsync.core.kinds import KINDS
from secretsync.operations.permissions import spawner_rules, workload_rules

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "chart" / "templates" / "_workload_rules.tpl"
EXAMPLE = ROOT / "examples" / "cronjob"


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


def role_of_example() -> str:
    """What ``secretsync rbac`` prints for the configuration of examples/cronjob and a package of one directory."""
    configuration = yaml.safe_load((EXAMPLE / "secretsync.yaml").read_text(encoding="utf-8"))
    (package,) = configuration["packages"]
    package.update(requirement="./policy", access={})
    with TemporaryDirectory() as name:
        module = Path(name) / "policy" / package["moduleName"]
        module.mkdir(parents=True)
        (module / "__init__.py").touch()
        file = Path(name) / "secretsync.yaml"
        file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        printed = CliRunner().invoke(cli, ["--config", str(file), "rbac"], catch_exceptions=False)
    return f"# What 'secretsync rbac' prints for secretsync.yaml.\n{printed.stdout}"


if __name__ == "__main__":
    TEMPLATE.write_text(template(), encoding="utf-8")
    (EXAMPLE / "rbac.yaml").write_text(role_of_example(), encoding="utf-8")
