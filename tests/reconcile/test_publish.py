"""What a commit and its request are called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from secretsync.reconcile.publish import _title


def report(count: int) -> Any:
    revision = SimpleNamespace(short="3f2a91c0d4e5")
    bundles = [SimpleNamespace(module=f"policy_{n}", version="1.4.0", revision=revision) for n in range(count)]
    packages = [SimpleNamespace(desired=SimpleNamespace(bundle=bundle)) for bundle in bundles]
    return SimpleNamespace(plan=SimpleNamespace(packages=packages))


@pytest.mark.parametrize("count", [30, 1])
def test_a_title_is_no_longer_than_forges_take(count: int) -> None:
    title = _title(report(count))
    assert title.startswith("secretsync: policy_0 1.4.0")
    assert len(title) <= 255
    assert title.endswith("…") == (count > 1)
