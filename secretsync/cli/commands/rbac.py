"""``secretsync rbac``: the least that secretsync has to be allowed to do, as a Role."""

from __future__ import annotations

import json

import click
import yaml

from secretsync import config
from secretsync.cli.commands import Settings, fits, only_target
from secretsync.cli.output.role import render_role
from secretsync.cli.settings import chosen_targets
from secretsync.cluster.rbac import Need
from secretsync.core import packing
from secretsync.operations.permissions import election_needs, observing_rules, required_rules, secret_names_with_history
from secretsync.reconcile import factory

_EPILOG = """\b
Examples:
  secretsync rbac | kubectl apply --filename -
  secretsync rbac --account policy-bot --account-namespace ops
"""


@click.command("rbac", short_help="The least Role that secretsync needs.", epilog=_EPILOG)
@click.option("--account", default="secretsync", show_default=True, help="The service account that gets it.")
@click.option("--account-namespace", help="Where that account is; default: the target's own namespace.")
@only_target
@click.pass_obj
def rbac_command(settings: Settings, account: str, account_namespace: str | None, target_name: str | None) -> None:
    """Print a Role and a RoleBinding for each target's namespace: the least that secretsync has to be allowed.

    The packages are fetched, as each of their directories is a Secret that the Role names; print it again when one
    is added. No cluster is asked. With -o json it is a List.
    """
    configuration = chosen_targets(settings.configuration(), target_name)
    targets = [target for target in configuration.targets if fits(target, target_name) and _is_in_cluster(target)]
    if not targets:
        raise click.UsageError("no target fits that is in a cluster; a directory or a repository needs no Role")
    roles = [
        render_role(
            rules_of_target(settings, configuration, target),
            name=configuration.installation,
            namespace=target.namespace,
            account=account,
            account_namespace=account_namespace or target.namespace,
        )
        for target in targets
    ]
    if configuration.election and target_name in (None, configuration.election.namespace):
        election = render_role(
            election_needs(configuration.installation),
            name=f"{configuration.installation}-election",
            namespace=configuration.election.namespace,
            account=account,
            account_namespace=account_namespace or configuration.election.namespace,
        )
        roles.append(election)
    if settings.output == "json":
        items = [item for role in roles for item in yaml.safe_load_all(role)]
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2))
    else:
        click.echo("".join(roles), nl=False)


def _is_in_cluster(target: config.Target) -> bool:
    """Whether a cluster is asked for *target*, be it to look only."""
    if isinstance(target.cluster, config.RepositoryCluster):
        return target.cluster.observe is not None
    return not isinstance(target.cluster, config.DirectoryCluster)


def rules_of_target(settings: Settings, configuration: config.Config, target: config.Target) -> tuple[Need, ...]:
    """What *target* needs for the packages as their sources have them now. Raises what fetching and packing raise."""
    if isinstance(target.cluster, config.RepositoryCluster):
        return observing_rules()
    deliveries = factory.deliveries(configuration, target, settings.base)
    packed = [
        packing.pack(delivery.source.fetch(delivery.source.resolve()), delivery.placement, delivery.recipe)
        for delivery in deliveries
    ]
    secrets = secret_names_with_history(
        [secret.name for secrets in packed for secret in secrets],
        [delivery.placement.secret for delivery in deliveries],
        target.rollout.history,
    )
    proves = target.rollout.canary != "off"
    return required_rules(configuration.installation, secrets, wired=target.may_be_wired, proves=proves)
