"""Rules over a bundle: what Rucio would do with it, said before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from secretsync.core.foreign import reading
from secretsync.core.model import Bundle
from secretsync.rucio.check.bounded import bounded
from secretsync.rucio.check.code import TooMuchToParse
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rucio import Rucio, rucio
from secretsync.rucio.check.rules import RULES
from secretsync.rucio.check.rules.rule import Rule, Setting
from secretsync.rucio.check.situation import Situation

__all__ = ["RULES", "Finding", "Rule", "Severity", "Situation", "check", "fails", "with_severities"]


def check(bundle: Bundle, situation: Situation) -> tuple[Finding, ...]:
    """What Rucio would make of *bundle* in *situation*, the worst first. Nothing of the package is run."""
    package = Package(bundle)
    live = Package(situation.live) if situation.live else None
    versions = [rucio(version) for version in dict.fromkeys(situation.rucio)] or [rucio()]
    versions_by_finding: dict[Finding, list[str]] = {}
    for version in versions:
        for finding in dict.fromkeys(_findings(package, Setting(situation, version, live))):
            versions_by_finding.setdefault(finding, []).append(version.version)
    result = [_for_versions(finding, holding, versions) for finding, holding in versions_by_finding.items()]
    return tuple(
        sorted(
            bounded(result), key=lambda finding: (-finding.severity.weight, finding.path, finding.line, finding.rule)
        )
    )


def with_severities(findings: tuple[Finding, ...], severities: Mapping[str, Severity | None]) -> tuple[Finding, ...]:
    """The findings with the severities that a configuration gives to their rules; None silences a rule."""
    kept = [(finding, severities.get(finding.rule, finding.severity)) for finding in findings]
    return tuple(replace(finding, severity=severity) for finding, severity in kept if severity)


def fails(findings: tuple[Finding, ...], threshold: Severity | None) -> bool:
    """Whether a run stops: some finding weighs at least *threshold*; None never stops one."""
    return threshold is not None and any(finding.severity.weight >= threshold.weight for finding in findings)


def _findings(package: Package, setting: Setting) -> Iterator[Finding]:
    for rule in RULES:
        for finding in _found(rule, package, setting):
            if rule.guard and _is_accepted(finding, setting.situation):
                yield _accepted(finding)
            else:
                yield _guessed(finding) if setting.rucio.is_older_than_known and not _is_certain(rule) else finding


def _is_certain(rule: Rule) -> bool:
    """Whether a finding holds whatever version of Rucio it is."""
    return rule.guard or rule.name in ("syntax", "unmounted-directory", "unmounted-file")


def _guessed(finding: Finding) -> Finding:
    """An error is none for certain where the version of Rucio is older than what is recorded."""
    return replace(finding, severity=Severity.WARNING) if finding.severity is Severity.ERROR else finding


def _found(rule: Rule, package: Package, setting: Setting) -> list[Finding]:
    """What the rule finds, or that it cannot read the package: whatever strangers wrote, the check comes to its end."""
    try:
        with reading(TooMuchToParse):
            return list(rule.find(rule, package, setting))
    except TooMuchToParse as error:
        effect = f"This rule cannot read the package: {error.reason}"
        return [rule.finding("", 0, effect, "Write it as other policy packages are written", severity=Severity.ERROR)]


def _is_accepted(finding: Finding, situation: Situation) -> bool:
    return bool({finding.rule, finding.about, f"{finding.rule}:{finding.about}"} & situation.accepted)


def _accepted(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.NOTICE, remedy="Nothing to do: it is accepted")


def _for_versions(finding: Finding, holding: list[str], releases: list[Rucio]) -> Finding:
    return finding if len(holding) == len(releases) else replace(finding, rucio=tuple(holding))
