"""Which version a ref or an archive's name states: what PEP 440 takes, after a name and nothing else."""

from __future__ import annotations

import pytest

from secretsync.sources.version import tagged_version


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("v0.3.1", "0.3.1"),
        ("policy-0.3.1", "0.3.1"),
        ("release/V1.10", "1.10"),
        ("1.2.0rc1", "1.2.0rc1"),
        ("1.2.0.post1", "1.2.0.post1"),
        ("v1.2.0.dev3", "1.2.0.dev3"),
        ("1.2.0+cern.1", "1.2.0+cern.1"),
        ("1!1.0", "1!1.0"),
        ("main", ""),
        ("v1", ""),
        ("1.2.x", ""),
        ("release 1.2", ""),
        ("1." + "0." * 5000 + "0", ""),
    ],
)
def test_a_ref_states_a_version_of_pep_440(ref: str, version: str) -> None:
    assert tagged_version(ref) == version
