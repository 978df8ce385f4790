"""The vocabulary of the configuration's fields: names, durations, and how YAML's types are read."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DURATION = r"^(\d+(?:\.\d+)?)([smhd]?)$"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 3650 * 86400
"""Beyond, and for infinity, there is no time at which it ends."""


def _module_name(value: str) -> str:
    if value.isidentifier() and not iskeyword(value):
        return value
    if "-" in value and value.replace("-", "_").isidentifier():
        raise ValueError(
            f"{value!r} cannot be imported: it looks like the distribution's name, which may have hyphens; "
            f"moduleName is what Rucio imports, probably {value.replace('-', '_')!r}"
        )
    raise ValueError(f"{value!r} is not a name that Python can import")


def _dns_label(value: str) -> str:
    if len(value) <= 63 and _DNS_LABEL.fullmatch(value):
        return value
    nearest = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:63]
    raise ValueError(
        f"{value!r} is not a name Kubernetes takes here (lower-case letters, digits and hyphens, at most 63)"
        + (f": for instance {nearest!r}" if nearest else "")
    )


def _no_boolean(value: object) -> object:
    """Python would count true as 1."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a number")  # noqa: TRY004 - pydantic takes no TypeError
    return value


def _seconds(value: object) -> object:
    """``90``, ``"90s"``, ``"5m"``, ``"1h"``: seconds."""
    if not isinstance(value, str):
        return _no_boolean(value)
    if match := re.fullmatch(_DURATION, value.strip()):
        return float(match[1]) * _UNITS[match[2] or "s"]
    raise ValueError(f"{value!r} is not a duration: write 90s, 5m or 1h")


def _bounded(value: float) -> float:
    if value > _LONGEST:
        raise ValueError(f"must be at most {_LONGEST // _UNITS['d']} days")
    return value


def _off(value: object) -> object:
    """YAML 1.1, and with it Helm, reads ``off`` as a boolean; its author meant the word."""
    return "off" if value is False else value


ModuleName = Annotated[str, AfterValidator(_module_name)]
Name = Annotated[str, AfterValidator(_dns_label)]
Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0),
    AfterValidator(_bounded),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DURATION}]}),
]
Count = Annotated[int, BeforeValidator(_no_boolean)]
Text = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
OffIsAWord = BeforeValidator(_off)


class Model(BaseModel):
    """Keys are written as Kubernetes writes them (camelCase); unknown ones are errors."""

    # a number where text is meant, as in 'version: 1.10', is taken as it was written
    # and a model is built when it is used: a part of the configuration only as a part of the whole
    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        defer_build=True,
    )
