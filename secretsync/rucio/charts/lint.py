"""Rules on a site's values file: what keeps pods from the packages, each with its remedy."""

from __future__ import annotations

from secretsync.rucio.charts import mount_rules, variable_rules
from secretsync.rucio.charts.case import Case, Problem

__all__ = ["Case", "Problem", "lint"]


def lint(case: Case) -> tuple[Problem, ...]:
    """All that is wrong, in the order of the rules."""
    return tuple(problem for rule in (*mount_rules.RULES, *variable_rules.RULES) for problem in rule(case))
