"""How strict the check of a package is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from secretsync.config.fields import Model, OffIsAWord

if TYPE_CHECKING:
    from secretsync.rucio.check.finding import Severity


class RuleSetting(Model):
    """Another severity for one rule. It needs a reason, for the one who finds it a year later."""

    severity: Annotated[Literal["off", "notice", "warning", "error"], OffIsAWord] = Field(
        description="what the rule's findings are here"
    )
    reason: str = Field(min_length=1, description="why this package may be an exception")


class Check(Model):
    """What the check's findings do to a run of this package."""

    fail: Literal["warning", "error", "never"] = Field("error", description="the severity that stops a run")
    rules: dict[str, RuleSetting] = Field({}, description="other severities, by the rule's name; see 'check --list'")
    accept: tuple[str, ...] = Field(
        (), description="changes against what is live that are meant: a rule, a thing (NAME_LENGTH), or rule:thing"
    )

    @property
    def severities(self) -> dict[str, Severity | None]:
        """The severities that rules have here; None for a rule that is off."""
        from secretsync.rucio.check.finding import Severity  # the rules cost more than reading a configuration

        return {
            name: None if setting.severity == "off" else Severity(setting.severity)
            for name, setting in self.rules.items()
        }

    @property
    def threshold(self) -> Severity | None:
        """What stops a run; None if nothing does."""
        from secretsync.rucio.check.finding import Severity

        return None if self.fail == "never" else Severity(self.fail)

    @field_validator("rules")
    @classmethod
    def _are_rules(cls, rules: dict[str, RuleSetting]) -> dict[str, RuleSetting]:
        if not rules:
            return rules
        from secretsync.rucio.check.rules import RULES

        names = {rule.name for rule in RULES}
        for name in rules:
            if name not in names:
                raise ValueError(f"there is no rule {name!r}: 'secretsync check --list' names them")
        return rules
