"""What the doctor found, as a table with a sentence for each cross, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from secretsync.cli.output.style import PLAIN
from secretsync.operations.doctor import Examination
from secretsync.operations.doctor.footing import Remark
from secretsync.rucio.conditions.judge import Condition
from secretsync.rucio.conditions.workloads import Diagnosis


@dataclass(frozen=True)
class Told:
    """All that was found at one destination."""

    destination: str
    examination: Examination
    footing: Sequence[Remark]
    deep: Sequence[str] = ()
    """Why the proof in the workloads' images failed, a sentence each."""

    @property
    def well(self) -> bool:
        conditions = all(one.well for one in self.examination.diagnoses) and not self.examination.absent
        return conditions and not self.deep and not any(remark.failure for remark in self.footing)


def render_doctor(told: Told, output: str) -> str:
    """Text that fits 80 columns, or one JSON document."""
    if output == "json":
        return json.dumps(_document(told)) + "\n"
    return "".join(f"{line}\n" for line in _lines(told))


def _lines(told: Told) -> Iterator[str]:
    yield told.destination
    for module in told.examination.absent:
        yield PLAIN.wrap(f"  {module}: nothing is deployed; 'secretsync --once' does it")
    for module in dict.fromkeys(one.module for one in told.examination.diagnoses):
        yield from _of_package(module, [one for one in told.examination.diagnoses if one.module == module])
    if not told.examination.diagnoses and not told.examination.absent:
        yield "  no workload here runs Rucio by its image's name, or mounts a package"
    for reason in told.deep:
        yield PLAIN.wrap(f"  proof failed: {reason}")
    for remark in told.footing:
        yield PLAIN.wrap(f"  {'FAILED' if remark.failure else 'note'}: {remark.text}")


def _of_package(module: str, found: Sequence[Diagnosis]) -> Iterator[str]:
    sick = [one for one in found if not one.well]
    if not sick:
        yield PLAIN.wrap(f"  {module}: all three conditions hold in {_count(len(found), 'container')}")
        return
    yield f"  {module}"
    names = [_name(one) for one in sick]
    width = max(max(map(len, names)), len("the others"))
    yield f"    {'':<{width}}  " + "  ".join(Condition)
    for name, one in zip(names, sick, strict=True):
        yield f"    {name:<{width}}  {_marks(verdict.holds for verdict in one.verdicts)}"
    if len(sick) < len(found):
        yield f"    {'the others':<{width}}  {_marks([True] * len(Condition))}  ({len(found) - len(sick)})"
    yield from map(PLAIN.wrap, _sentences(sick))


def _marks(holds: Iterable[bool]) -> str:
    marks = ["✓" if one else "✗" for one in holds]
    return "  ".join(f"{mark:<{len(name)}}" for mark, name in zip(marks, Condition, strict=True)).rstrip()


def _sentences(sick: Sequence[Diagnosis]) -> Iterator[str]:
    """Each cause once, with all that it keeps from the package."""
    causes: dict[tuple[str, str], list[str]] = {}
    for one in sick:
        for verdict in one.verdicts:
            if not verdict.holds:
                causes.setdefault((verdict.wrong, verdict.remedy), []).append(_name(one))
    for (wrong, remedy), names in causes.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"    {', '.join(names[:3])}{more}: {wrong}. To mend it: {remedy}"


def _name(one: Diagnosis) -> str:
    return f"{one.workload.kind} {one.workload.name}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _document(told: Told) -> dict[str, object]:
    return {
        "destination": told.destination,
        "well": told.well,
        "absent": list(told.examination.absent),
        "containers": [
            {
                "workload": {"kind": one.workload.kind, "name": one.workload.name},
                "container": one.container,
                "module": one.module,
                "conditions": [asdict(verdict) for verdict in one.verdicts],
            }
            for one in told.examination.diagnoses
        ],
        "proof": list(told.deep),
        "footing": [asdict(remark) for remark in told.footing],
    }
