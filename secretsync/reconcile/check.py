"""What the check says of a plan's packages: where they are to run is read off the workloads that mount them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from secretsync import __version__
from secretsync.core import packing
from secretsync.core.errors import SecretSyncError
from secretsync.core.instrumentation import timed_stage
from secretsync.core.model import Bundle, Workload
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Plan
from secretsync.plan.state import State
from secretsync.reconcile.destination import CheckedPackage, Delivery, Destination
from secretsync.rucio.workload_context import WorkloadContext, workload_context

log = structlog.get_logger()


@dataclass(frozen=True)
class CheckReport:
    """What the check said of each package it had to look at, by module; *keys* say what was looked at, by Secret."""

    checked_packages: Mapping[str, CheckedPackage] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> str:
        """Why the run stops, in a sentence; empty where it goes on."""
        refused = [module for module, checked in self.checked_packages.items() if checked.stops]
        return f"the check refuses {', '.join(refused)}: nothing was written" if refused else ""


@timed_stage("check")
def check_packages(destination: Destination, plan: Plan, state: State) -> CheckReport:
    """Check each package whose content, Rucio or rules are not those of its last check."""
    checked, keys = {}, {}
    deliveries = {delivery.placement: delivery for delivery in destination.deliveries}
    for package in plan.packages:
        context = _context(package, plan.workloads)
        key = _key(package, context)
        hold = package.desired.hold
        # what is put back was live before; nothing may stand in its way
        if key == state.of(package.placement.secret).checked or (hold and not hold.by_hand):
            continue
        keys[package.placement.secret] = key
        checked[package.placement.module] = _check_package(deliveries[package.placement], package, context)
    return CheckReport(checked, keys)


def _check_package(delivery: Delivery, package: PackagePlan, context: WorkloadContext) -> CheckedPackage:
    # imported here: a pass in which nothing changed does not pay for the rules
    from secretsync.rucio.check import Situation, check, fails, with_severities
    from secretsync.rucio.check.policy_diff import policy_diff

    rules, bundle, live = delivery.check, package.desired.bundle, _live(delivery, package)
    situation = Situation(
        rucio=context.versions,
        images=context.images,
        vo=delivery.placement.vo,
        mounted=context.mounted,
        live=live,
        accepted=frozenset(rules.accept),
        environment=context.environment,
        mounted_files=context.mounted_files,
    )
    findings = with_severities(check(bundle, situation), rules.severities)
    # what a person asks to be put back was live before: it is told what is wrong with it, and decides
    stops = not package.desired.hold and fails(findings, rules.threshold)
    return CheckedPackage(
        findings,
        stops,
        policy_diff(live, bundle) if live else None,
        bundle,
        live,
        context.versions,
    )


def _live(delivery: Delivery, package: PackagePlan) -> Bundle | None:
    """The package that is live; of an encrypted one what its source holds at that revision, None where that differs."""
    live = packing.live_bundle(package.live) if package.live else None
    if live is None or not live.encrypted_digest:
        return live
    commit = live.revision.id.removeprefix("commit:")
    # asked for by its commit: the source must not take the older one for what its branch is now
    revision = live.revision if commit == live.revision.id else replace(live.revision, ref=commit)
    try:
        bundle = delivery.source.fetch(revision)
    except SecretSyncError as error:
        log.info("not compared with what is live, which is encrypted", module=live.module, why=str(error))
        return None
    return bundle if bundle.digest == live.digest else None


def _context(package: PackagePlan, workloads: Sequence[Workload]) -> WorkloadContext:
    by_secret = {change.desired.name: packing.directory_of(change.desired) for change in package.changes}
    directories = {name: "" if directory == "." else directory for name, directory in by_secret.items()}
    return workload_context(package.placement, directories, workloads)


def _key(package: PackagePlan, context: WorkloadContext) -> str:
    mounted = sorted(context.mounted) if context.mounted is not None else None
    variables = sorted(context.environment)
    facts: list[object] = [
        package.desired.bundle.digest,
        __version__,
        context.versions,
        context.images,
        mounted,
        variables,
    ]
    if context.mounted_files is not None:
        facts.append(sorted(context.mounted_files))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
