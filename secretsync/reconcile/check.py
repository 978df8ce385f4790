"""What the check says of a plan's packages: where they are to run is read off the workloads that mount them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from secretsync import __version__
from secretsync.core import packing
from secretsync.core.instrumentation import is_stage
from secretsync.core.model import Bundle, Workload
from secretsync.plan.diff import PackagePlan
from secretsync.plan.plan import Plan
from secretsync.plan.state import State
from secretsync.reconcile.destination import Delivery, Destination, Examined
from secretsync.rucio.workload_context import Surroundings, surroundings


@dataclass(frozen=True)
class Examination:
    """What the check said of each package it had to look at, by module; *keys* say what was looked at, by Secret."""

    examined: Mapping[str, Examined] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> str:
        """Why the run stops, in a sentence; empty where it goes on."""
        refused = [module for module, told in self.examined.items() if told.stops]
        return f"the check refuses {', '.join(refused)}: nothing was touched" if refused else ""


@is_stage("check")
def examine(destination: Destination, plan: Plan, remembered: State) -> Examination:
    """Check each package whose content, Rucio or rules are not those of its last check."""
    examined, keys = {}, {}
    deliveries = {delivery.placement: delivery for delivery in destination.deliveries}
    for package in plan.packages:
        around = _surroundings(package, plan.workloads)
        key = _key(package, around)
        hold = package.desired.hold
        # what is put back was live before; nothing may stand in its way
        if key == remembered.of(package.placement.secret).checked or (hold and not hold.by_hand):
            continue
        keys[package.placement.secret] = key
        examined[package.placement.module] = _examine(deliveries[package.placement], package, around)
    return Examination(examined, keys)


def _examine(delivery: Delivery, package: PackagePlan, around: Surroundings) -> Examined:
    # imported here: a pass in which nothing changed does not pay for the rules
    from secretsync.rucio.check import Severity, Situation, check, fails, with_severities
    from secretsync.rucio.check.policy_diff import policy_diff

    rules, bundle, live = delivery.strictness, package.desired.bundle, _live(package)
    situation = Situation(
        rucio=around.versions,
        images=around.images,
        vo=rules.vo,
        mounted=around.mounted,
        live=live,
        accepted=rules.accepted,
    )
    severities = {rule: Severity(told) if told else None for rule, told in rules.severities.items()}
    findings = with_severities(check(bundle, situation), severities)
    # what a person asks to be put back was live before: it is told what is wrong with it, and decides
    stops = not package.desired.hold and fails(findings, Severity(rules.fail) if rules.fail else None)
    return Examined(
        findings,
        stops,
        policy_diff(live, bundle) if live else None,
    )


def _live(package: PackagePlan) -> Bundle | None:
    return packing.live_bundle(package.live) if package.live else None


def _surroundings(package: PackagePlan, workloads: Sequence[Workload]) -> Surroundings:
    told = {change.desired.name: change.desired.annotations[packing.DIRECTORY] for change in package.changes}
    directories = {name: "" if directory == "." else directory for name, directory in told.items()}
    return surroundings(package.placement, directories, workloads)


def _key(package: PackagePlan, around: Surroundings) -> str:
    mounted = sorted(around.mounted) if around.mounted is not None else None
    facts = [package.desired.bundle.digest, __version__, around.versions, around.images, mounted]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
