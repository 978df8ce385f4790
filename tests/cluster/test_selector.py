"""Label selectors, as kubectl reads them."""

from __future__ import annotations

import pytest

from secretsync.cluster.errors import UnreadableSelector
from secretsync.cluster.selector import selects

LABELS = {"app": "rucio-server", "release": "prod", "rucio.cern.ch/tier": "1", "empty": ""}


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "app=rucio-server",
        "app==rucio-server , release = prod",
        "app!=rucio-ui",
        "missing!=x",
        "release in (prod, int)",
        "release notin (int)",
        "missing notin (int)",
        "app",
        "!missing",
        "rucio.cern.ch/tier=1",
        "empty=",
        "app in (rucio-server),release",
    ],
)
def test_a_selector_that_the_labels_meet_selects(selector: str) -> None:
    assert selects(selector, LABELS)


@pytest.mark.parametrize(
    "selector", ["app=x", "app!=rucio-server", "missing", "!app", "app in (x)", "app notin (rucio-server)", "app=x,app"]
)
def test_a_selector_that_the_labels_do_not_meet_does_not(selector: str) -> None:
    assert not selects(selector, LABELS)


@pytest.mark.parametrize("selector", ["app in (x", "a=b=c", "=", "a b", "app;drop"])
def test_what_is_no_selector_is_an_error_that_names_it(selector: str) -> None:
    with pytest.raises(UnreadableSelector, match=r"selector '.+' cannot be read"):
        selects(selector, LABELS)
