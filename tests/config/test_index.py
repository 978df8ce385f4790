"""Names that one index owns: no other is asked for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync import config

PRIVATE = "https://private.example.org/simple/"


def load(requirement: str, *indexes: dict[str, object], **keys: object) -> config.Package:
    package = {"moduleName": "site_policy", "requirement": requirement, **keys}
    targets = [{"cluster": {"directory": "cluster"}, "namespace": "rucio"}]
    raw = {"packages": [package], "targets": targets, "indexes": list(indexes)}
    return config.parse(raw, Path("secretsync.yaml")).packages[0]


@pytest.mark.parametrize("requirement", ["site-policy==1.0", "Site_Policy", "site.policy>=1"])
def test_a_name_that_an_index_owns_is_asked_for_there_alone(requirement: str) -> None:
    package = load(requirement, {"url": PRIVATE, "names": ["site-*"]})
    assert (package.index, package.extra_indexes) == (PRIVATE, ())


@pytest.mark.parametrize("requirement", ["other-policy", "git+https://host/site-policy", "./site-policy"])
def test_what_no_index_owns_is_asked_for_as_before(requirement: str) -> None:
    assert load(requirement, {"url": PRIVATE, "names": ["site-policy"]}).index == ""


@pytest.mark.parametrize(
    "keys", [{"index": "https://pypi.org/simple/"}, {"extraIndexes": ["https://pypi.org/simple/"]}]
)
def test_another_index_for_a_name_that_is_owned_is_an_error(keys: dict[str, object]) -> None:
    with pytest.raises(config.UnusableConfig, match=r"'site-policy' would come from .* let one own it"):
        load("site-policy", {"url": PRIVATE, "names": ["site-policy"]}, **keys)


def test_two_owners_of_a_name_are_an_error() -> None:
    with pytest.raises(config.UnusableConfig, match="let one own it"):
        load("site-policy", {"url": PRIVATE, "names": ["*"]}, {"url": "https://b/", "names": ["site-policy"]})


@pytest.mark.parametrize("url", ["https://u:canary@host/", "file:///srv"])
def test_an_owner_is_a_plain_url(url: str) -> None:
    with pytest.raises(config.UnusableConfig) as unusable:
        load("site-policy", {"url": url, "names": ["x"]})
    assert "canary" not in str(unusable.value)
