"""Wirings of packages of a few files."""

from __future__ import annotations

from secretsync.core import packing
from secretsync.core.model import Placement
from secretsync.rucio.wiring import Packed, Wiring, wire
from tests.build import bundle

FLAT = ("__init__.py", "permission.py", "schema.py")
NESTED = (*FLAT, "algorithms/__init__.py", "algorithms/lfn2pfn.py")


def packed(
    module: str = "cms_policy", files: tuple[str, ...] = NESTED, vo: str = "", layout: str = "directories"
) -> Packed:
    placement = Placement("secretsync", "rucio", module.replace("_", "-"), module, layout)
    secrets = packing.pack(bundle(dict.fromkeys(files, ""), module), placement, "recipe")
    return Packed(module, vo, layout, secrets)


def wiring(*packages: Packed, style: str = "directory", root: str = "") -> Wiring:
    return wire(packages or (packed(),), style, root)
