"""A kustomization's resources: one entry more or less, and every other byte as it was."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from secretsync.cluster.kustomization import NotEditable, with_resource, without_resource

_NAME = st.from_regex(r"[a-z][a-z0-9-]{0,8}\.yaml", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resources: [a.yaml]\n", "resources: [a.yaml, s.yaml]\n"),
        ("resources: []\n", "resources:\n  - s.yaml\n"),
        ("resources:\n- a.yaml\n", "resources:\n- a.yaml\n- s.yaml\n"),
        (
            "resources:\n  - a.yaml # x\nkind: Kustomization\n",
            "resources:\n  - a.yaml # x\n  - s.yaml\nkind: Kustomization\n",
        ),
        ("resources:\n- ./s.yaml\n", "resources:\n- ./s.yaml\n"),
    ],
)
def test_a_resource_is_added_in_the_style_of_the_others(text: str, expected: str) -> None:
    assert with_resource(text, "s.yaml") == expected


@pytest.mark.parametrize("text", ["", "kind: Kustomization\n", "resources:\n", "resources: null\n", "namespace: x"])
def test_a_list_that_is_not_there_yet_is_made(text: str) -> None:
    assert yaml.safe_load(with_resource(text, "s.yaml"))["resources"] == ["s.yaml"]


@pytest.mark.parametrize("text", ["- a\n", "resources: a.yaml\n", "resources: [{a: b}]\n", "resources: [\n"])
def test_what_is_no_list_of_names_is_not_touched(text: str) -> None:
    with pytest.raises(NotEditable):
        with_resource(text, "s.yaml")


@given(st.lists(_NAME, min_size=1, max_size=5, unique=True), _NAME, st.booleans())
def test_what_is_added_and_taken_away_leaves_the_text_as_it_was(names: list[str], name: str, flow: bool) -> None:
    text = (
        f"# x\nresources: [{', '.join(names)}]\nkind: K\n"
        if flow
        else "resources:\n" + "".join(f"- {n}\n" for n in names)
    )
    added = with_resource(text, name)
    assert yaml.safe_load(added)["resources"] == names + [name] * (name not in names)
    if name not in names:
        assert without_resource(added, name) == text
