"""The bill of materials names what the lock pins."""

from __future__ import annotations

import re
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.release.bill import bill
from tests import ROOT


def test_every_pin_is_a_component_with_the_hashes_of_its_files() -> None:
    digest = "ab" * 32
    lock = f"click==8.2.0 \\\n    --hash=sha256:{digest}\n    # via x\npyyaml==6.0.2 ; a\n"
    document = bill(lock, "policy", "1.0")
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/policy@1.0"
    click, pyyaml = document["components"]
    assert (click["name"], click["version"], click["bom-ref"]) == ("click", "8.2.0", "pkg:pypi/click@8.2.0")
    assert click["externalReferences"][0]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert pyyaml["purl"] == "pkg:pypi/pyyaml@6.0.2"


def test_the_lock_pins_every_dependency_once() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    components = [component["purl"] for component in bill(lock, "rucio-secretsync", "0")["components"]]
    assert len(components) == len(set(components)) == len(re.findall(r"(?m)^[a-z0-9].*==", lock))
    wanted = [Requirement(line) for line in requires("rucio-secretsync") or []]
    for name in (canonicalize_name(one.name) for one in wanted if "extra" not in str(one.marker)):
        assert any(purl.startswith(f"pkg:pypi/{name}@") for purl in components), name
