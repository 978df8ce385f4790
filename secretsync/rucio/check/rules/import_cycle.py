from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import reached
from secretsync.rucio.check.rules.rule import Rule, Setting

_SCHEMA = "rucio.common.schema"


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    seen: set[tuple[str, int]] = set()
    for start in ("", "schema"):
        for module, one in reached(package, start):
            place = (module.path, one.line)
            if place in seen or not (culprit := _culprit(one.name, one.names, setting)):
                continue
            seen.add(place)
            certain = not (one.around.conditional or one.around.missing_name_is_caught)
            yield rule.finding(
                module.path,
                one.line,
                f"Rucio imports this while {_SCHEMA} is half loaded, {culprit} needs that to be complete, and the "
                "process dies",
                "Import it in the function that uses it, or in permission.py, which Rucio loads later",
                about=culprit,
                severity=rule.severity if certain else Severity.WARNING,
            )


def _culprit(name: str, names: tuple[str, ...], setting: Setting) -> str:
    below = [f"{name}.{one}" for one in names]
    if name == _SCHEMA and any(one not in setting.rucio.modules for one in below):
        return _SCHEMA
    return next((one for one in (name, *below) if one in setting.rucio.closes_a_cycle), "")


RULE = Rule(
    "import-cycle",
    Severity.ERROR,
    "__init__.py or schema.py imports a part of Rucio that needs rucio.common.schema",
    "rucio.common.schema imports the policy package and its schema while it is itself being loaded. A module of Rucio "
    "that needs a name of it (nearly all of rucio.core, and rucio.db.sqla.models) cannot be imported at that moment: "
    "it raises ImportError or AttributeError and the process dies. Whether it does can depend on what the process "
    "imported first. permission.py is loaded later and may import what it wants.",
    find,
)
