"""The policy packages that real experiments publish, from the real index."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.sources.index.errors import IndexFailed
from secretsync.sources.open import open_source

WHEELS = {
    "atlas-rucio-policy-package": "atlas_rucio_policy_package",
    "ctao-bdms-rucio-policy": "bdms_rucio_policy",
    "eic-rucio-policy-package": "eic_rucio_policy_package",
    "escape-rucio-policy-package": "escape_rucio_policy_package",
    "jlab-rucio-policy-package": "jlab_rucio_policy_package",
    "pic-rucio-policy-package": "pic_rucio_policy_package",
    "test-policy-package": "test_policy_package",
}


@pytest.mark.network
@pytest.mark.parametrize(("distribution", "module"), WHEELS.items())
def test_a_published_policy_package_becomes_a_bundle(distribution: str, module: str, tmp_path: Path) -> None:
    source = open_source(Package(module_name=module, requirement=distribution), cache=tmp_path, base=tmp_path)
    try:
        revision = source.resolve()
    except IndexFailed as error:
        pytest.skip(f"the index cannot be used here: {error}")
    bundle = source.fetch(revision)
    assert "__init__.py" in {file.path for file in bundle.files}
    assert bundle.version
    assert bundle.module == module
    assert not [file.path for file in bundle.files if "dist-info" in file.path]
