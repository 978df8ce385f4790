"""Label selectors as kubectl's ``--selector`` takes them: ``a=b,c!=d,e in (f,g),h notin (i),j,!k``. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from secretsync.cluster.errors import UnreadableSelector

_REQUIREMENT = re.compile(
    r"\s*+(?:"
    r"(?P<key>[-\w./]+)\s*+(?P<equality>==?|!=)\s*(?P<value>[-\w.]*)"
    r"|(?P<set_key>[-\w./]+)\s++(?P<membership>in|notin)\s*+\((?P<values>[^()]*)\)"
    r"|(?P<absent>!?)\s*+(?P<exists>[-\w./]+)"
    r")\s*+(?:,|$)"
)


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether *labels* meet every requirement of *selector*; an empty one selects all. Raises UnreadableSelector."""
    position, matched = 0, True
    while position < len(selector):
        requirement = _REQUIREMENT.match(selector, position)
        if requirement is None:
            raise UnreadableSelector(selector)
        matched = _matches(labels, requirement) and matched
        position = requirement.end()
    return matched


def _matches(labels: Mapping[str, str], requirement: re.Match[str]) -> bool:
    if key := requirement["exists"]:
        return (key in labels) != bool(requirement["absent"])
    if key := requirement["set_key"]:
        among = labels.get(key) in {value.strip() for value in requirement["values"].split(",")}
        return among == (requirement["membership"] == "in")
    return (labels.get(requirement["key"]) == requirement["value"]) == (requirement["equality"] != "!=")
