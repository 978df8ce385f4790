"""The rules, explained: on the terminal and in ``docs/rules.md``, from one source."""

from __future__ import annotations

from textwrap import wrap

from secretsync.rucio.check.rucio import known_releases
from secretsync.rucio.check.rules import RULES
from secretsync.rucio.check.rules.rule import Rule

_BEGINNING = """\
# What `secretsync check` looks for

Each rule has the behaviour of Rucio behind it, read in its source. Nothing of a package is run: the rules read its
Python as text. What Rucio has (modules, names, actions, types of algorithms) and what its images install is recorded
for each minor release from {first} to {last}; for any other version the nearest stands in, with a warning.

Errors stop a run before anything is touched, warnings are printed. A package may say otherwise in the configuration,
with a reason:

```yaml
check:
  fail: error                 # or warning, or never
  rules:
    schema-missing:
      severity: off           # or notice, warning, error
      reason: this experiment keeps to Rucio's generic schema
  accept: [length-changed:NAME_LENGTH]
```

`accept` is for the rules that compare with what is live: it takes a rule, a thing, or `rule:thing`.
"""


def terminal() -> str:
    """All rules for a terminal of 80 columns."""
    return "\n".join(line for rule in RULES for line in _paragraph(rule)) + "\n"


def markdown() -> str:
    """What ``docs/rules.md`` holds."""
    releases = known_releases()
    parts = [_BEGINNING.format(first=releases[0], last=releases[-1])]
    parts += ["## Rules over the package itself\n", *(_section(rule) for rule in RULES if not rule.guard)]
    parts += ["## Rules that compare with what is live\n", *(_section(rule) for rule in RULES if rule.guard)]
    return "\n".join(parts)


def _paragraph(rule: Rule) -> list[str]:
    indented = wrap(rule.behaviour, 80, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    title = wrap(f"{rule.title}.", 80, initial_indent="  ", subsequent_indent="  ")
    return [f"{rule.name} ({rule.severity})", *title, *indented, ""]


def _section(rule: Rule) -> str:
    behaviour = "\n".join(wrap(rule.behaviour, 118, break_on_hyphens=False, break_long_words=False))
    return f"### `{rule.name}`\n\n**{rule.title}** ({rule.severity}).\n\n{behaviour}\n"
