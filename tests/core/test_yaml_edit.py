from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync.core.yaml_edit import Addition, CannotEdit, add_items, remove_item, set_key

NEW = Addition(("# ours", "- name: new"), "{name: new}")
PATH = Addition(("# ours", "path: /opt"), "path: /opt")

LISTS = {
    "an empty file": ("", "mounts:\n  # ours\n  - name: new\n"),
    "a file of comments": ("# nothing yet\n", "# nothing yet\nmounts:\n  # ours\n  - name: new\n"),
    "no such list": ("a: 1\n\n# the end\n", "a: 1\n\n# the end\n\nmounts:\n  # ours\n  - name: new\n"),
    "no line end at the end": ("a: 1", "a: 1\n\nmounts:\n  # ours\n  - name: new\n"),
    "a list that is not indented": (
        "mounts:\n- name: a   # as it is\n# next\nb: 1\n",
        "mounts:\n- name: a   # as it is\n# ours\n- name: new\n# next\nb: 1\n",
    ),
    "a list that is deeply indented": (
        "mounts:\n      -   name: [x,\n            y]   # two\n\nb: 1\n",
        "mounts:\n      -   name: [x,\n            y]   # two\n      # ours\n      - name: new\n\nb: 1\n",
    ),
    "a commented example after the items": (
        "mounts:\n  - name: a\n  # - name: example\nb: 1\n",
        "mounts:\n  - name: a\n  # ours\n  - name: new\n  # - name: example\nb: 1\n",
    ),
    "a block of text as the last value": (
        "mounts:\n  - text: |\n      one\n      two\n\nb: 1\n",
        "mounts:\n  - text: |\n      one\n      two\n\n  # ours\n  - name: new\nb: 1\n",
    ),
    "an item that is an alias": (
        "x: &x {name: a}\nmounts:\n  - *x\nb: 1\n",
        "x: &x {name: a}\nmounts:\n  - *x\n  # ours\n  - name: new\nb: 1\n",
    ),
    "an item without a value": ("mounts:\n  -\nb: 1\n", "mounts:\n  -\n  # ours\n  - name: new\nb: 1\n"),
    "a list between brackets": ("mounts: [ {name: a}, ] # c\n", "mounts: [ {name: a}, {name: new}, ] # c\n"),
    "an empty list": ("mounts: []   # none\nb: 1\n", "mounts:   # none\n  # ours\n  - name: new\nb: 1\n"),
    "no value": ("mounts:  # none\nb: 1\n", "mounts:  # none\n  # ours\n  - name: new\nb: 1\n"),
    "null": ("mounts: null\nb: 1\n", "mounts:\n  # ours\n  - name: new\nb: 1\n"),
    "lines that end as on Windows": (
        "mounts:\r\n- name: a\r\nb: 1\r\n",
        "mounts:\r\n- name: a\r\n# ours\r\n- name: new\r\nb: 1\r\n",
    ),
    "a file between brackets": ("{a: 1}\n", '{a: 1, "mounts": [{name: new}]}\n'),
    "an empty list in a file between brackets": ("{mounts: [], a: 1}\n", "{mounts: [{name: new}], a: 1}\n"),
    "an empty file between brackets": ("{}\n", "mounts:\n  # ours\n  - name: new\n\n"),
    "a list with an anchor": (
        "mounts: &the-mounts  # - all\n    - - a\nb: *the-mounts\n",
        "mounts: &the-mounts  # - all\n    - - a\n    # ours\n    - name: new\nb: *the-mounts\n",
    ),
}


@pytest.mark.parametrize("case", LISTS)
def test_items_are_added_at_the_end_in_the_style_of_the_list(case: str) -> None:
    before, after = LISTS[case]
    assert add_items(before, ("mounts",), [NEW]) == after


KEYS = {
    "no such section": ("x: 1\n\n", "x: 1\n\na:\n  b:\n    # ours\n    path: /opt\n"),
    "a section without the key": (
        "a:\n    c: 1\nx: 1\n",
        "a:\n    c: 1\n    b:\n      # ours\n      path: /opt\nx: 1\n",
    ),
    "a deeper section without the key": (
        "a:\n  b:\n     c: 'x'  # y\n\nx: 1\n",
        "a:\n  b:\n     c: 'x'  # y\n     # ours\n     path: /opt\n\nx: 1\n",
    ),
    "an empty section": ("a:\n  b: {}  # none\nx: 1\n", "a:\n  b:  # none\n    # ours\n    path: /opt\nx: 1\n"),
    "a section between brackets": ("a: {b: {c: 1}}\n", "a: {b: {c: 1, path: /opt}}\n"),
    "a section without a value between brackets": ("a: {b: }\n", "a: {b: {path: /opt} }\n"),
    "another value": ("a: {b: {path: '/old'}} # c\n", 'a: {b: {path: "/opt"}} # c\n'),
    "another value in a block": ("a:\n  b:\n    path:   /old   # c\n", "a:\n  b:\n    path:   /opt   # c\n"),
    "no value": ("a:\n  b:\n    path:\n", "a:\n  b:\n    path: /opt\n"),
}


@pytest.mark.parametrize("case", KEYS)
def test_a_key_is_set_where_it_is_or_added_where_it_belongs(case: str) -> None:
    before, after = KEYS[case]
    assert set_key(before, ("a", "b", "path"), PATH, "/opt") == after


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x: &x []\nmounts: *x\n", "is an alias of another list"),
        ("mounts: {a: 1}\n", "is not a list"),
        ("mounts: text\n", "is not a list"),
        ("mounts: 'null'\n", "is not a list"),
    ],
)
def test_what_is_no_list_of_its_own_is_not_added_to(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit, match=reason):
        add_items(text, ("mounts",), [NEW])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x: &x {}\na: {b: *x}\n", "a.b: is an alias of another mapping"),
        ("a: [1]\n", "a: is not a mapping"),
        ("a: {b: {path: [1]}}\n", "a.b.path: is not a single value"),
    ],
)
def test_what_is_no_mapping_of_its_own_gets_no_key(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit, match=reason):
        set_key(text, ("a", "b", "path"), PATH, "/opt")


SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii"), max_size=8)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc ", max_size=3), inner, max_size=3)
)


LIST = st.none() | st.lists(DATA, max_size=3)


@settings(max_examples=50)
@given(
    LIST,
    st.dictionaries(st.sampled_from("az"), DATA),
    st.booleans(),
    st.sampled_from([None, False, True]),
    st.integers(2, 6),
)
def test_however_a_file_is_written_the_items_come_to_its_list_and_nothing_else_changes(
    mounts: list[object] | None, others: dict[str, object], there: bool, flow: bool | None, indent: int
) -> None:
    data = {**others, "mounts": mounts} if there else others
    text = yaml.safe_dump(data, default_flow_style=flow, indent=indent)
    read = yaml.safe_load(add_items(text, ("mounts",), [NEW]))
    assert read == {**data, "mounts": [*(data.get("mounts") or []), {"name": "new"}]}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a:\n- x\n# why\n- y  # ours\n- z\nb: 1\n", "a:\n- x\n# why\n- z\nb: 1\n"),
        ("a:\n- x\n- y", "a:\n- x\n"),
        ("a:\r\n- x\r- y\r\n- z\r\n", "a:\r\n- x\r- z\r\n"),
        ("a: [x, 'y',  z]  # all\n", "a: [x, z]  # all\n"),
    ],
)
def test_an_item_is_removed_with_its_line_and_nothing_else(text: str, left: str) -> None:
    assert remove_item(text, ("a",), 1) == left


def test_a_block_scalar_is_replaced_with_all_its_lines() -> None:
    assert set_key("a: |\n  x\n  y\nb: 1\n", ("a",), Addition((), ""), "z") == "a: z\nb: 1\n"
