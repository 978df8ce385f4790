"""Prints a bill of materials (CycloneDX 1.6) of an unpacked image: ROOTFS. Debian's packages and Python's."""

import json
import sys
from email.parser import HeaderParser
from importlib.metadata import distributions
from pathlib import Path


def debian(root: Path) -> list[dict]:
    """What dpkg says is installed."""
    records = (root / "var/lib/dpkg/status").read_text().split("\n\n")
    packages = [HeaderParser().parsestr(record) for record in records if record.strip()]
    return [_component(p["Package"], p["Version"], f"pkg:deb/debian/{p['Package']}@{p['Version']}") for p in packages]


def python(root: Path) -> list[dict]:
    """What the virtual environment holds."""
    (site_packages,) = root.glob("opt/secretsync/lib/python3*/site-packages")
    found = distributions(path=[str(site_packages)])
    return [_component(d.name, d.version, f"pkg:pypi/{d.name.lower()}@{d.version}") for d in found]


def _component(name: str, version: str, purl: str) -> dict:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    rootfs = Path(sys.argv[1])
    components = sorted(debian(rootfs) + python(rootfs), key=lambda component: component["purl"])
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
    json.dump(bill, sys.stdout, indent=1)
