"""What stands in the API's place may answer anything: each is one sentence, and no traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.cluster.answers import NotAnObject, items_in, named_object_in, object_in, stored, workload

_SECRET = {"kind": "Secret", "metadata": {"name": "x", "labels": {"a": "b"}}, "data": {"k": "eA=="}}
_LIST = {"kind": "DeploymentList", "metadata": {}, "items": [{"metadata": {"name": "x"}, "spec": {}}]}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["kind", "metadata", "items"]), inner),
)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "nothing"),
        (b"<!DOCTYPE html>", "no JSON"),
        (b'{"kind": "Sec', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "a list"),
        (b"null", "null"),
        (b'{"error": "login required"}', "without a kind"),
        (b'{"kind": "Secret", "metadata": {}}', "without metadata.name"),
        (b'{"kind": "Secret", "metadata": []}', "without metadata.name"),
        (b'{"kind": "Secret", "metadata": "x"}', "whose metadata is a text"),
        (b'{"kind": "Secret", "metadata": {"name": 1}}', "without metadata.name"),
        (b'{"kind": "Secret", "metadata": {"name": "x", "annotations": {"a": 1}}}', "annotations are not text"),
        (b'{"kind": "Secret", "metadata": {"name": "x"}, "data": []}', "data are not text"),
        (b'{"kind": "Lease", "metadata": {"name": "x"}, "spec": []}', "whose spec is a list"),
        (b'{"kind": 1, "metadata": {"name": "x"}}', "without a kind"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"kind": ' + b"9" * 5_000 + b"}", "no JSON"),
    ],
)
def test_an_answer_that_is_no_object_is_named(body: bytes, words: str) -> None:
    with pytest.raises(NotAnObject, match=words):
        named_object_in(body)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"kind": "SecretList"}, "without items"),
        ({"kind": "SecretList", "items": {}}, "without items"),
        ({"kind": "SecretList", "items": [None]}, "null among its items"),
        ({"kind": "SecretList", "items": [{"metadata": {}}]}, "without metadata.name"),
        ({"kind": "SecretList", "items": [], "metadata": {"continue": 1}}, "goes on at a number"),
    ],
)
def test_a_list_that_is_none_is_named(content: dict[str, Any], words: str) -> None:
    with pytest.raises(NotAnObject, match=words):
        items_in(json.dumps(content).encode())


_WHOLE = {"name": "x", "namespace": "rucio", "resourceVersion": "1", "uid": "u"}


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({**_WHOLE, "name": "of-a-stranger"}, "of another name"),
        ({**_WHOLE, "namespace": "elsewhere"}, "of another namespace"),
        *(({**_WHOLE, key: value}, f"without metadata.{key}") for key in _WHOLE for value in ("", None, 1)),
    ],
)
def test_an_object_that_is_not_the_stored_one_that_was_asked_for_is_refused(
    metadata: dict[str, Any], words: str
) -> None:
    assert stored({"kind": "Secret", "metadata": _WHOLE}, "rucio", "x")
    with pytest.raises(NotAnObject, match=words):
        stored({"kind": "Secret", "metadata": metadata}, "rucio", "x")


_TEMPLATE = {"spec": {"containers": [{"name": "rucio"}]}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (None, "without a spec"),
        ({"selector": {}}, "without a pod template"),
        ({"selector": {}, "template": None}, "without a pod template"),
        ({"selector": {}, "template": {"spec": []}}, "without a pod template"),
        ({"selector": {}, "template": {"spec": {"containers": [{}]}}}, "without a pod template"),
        ({"template": _TEMPLATE}, "without a selector"),
    ],
)
def test_a_workload_that_is_none_is_refused(spec: Any, words: str) -> None:
    with pytest.raises(NotAnObject, match=words):
        workload({"spec": spec})


@pytest.mark.parametrize("spec", [{"selector": {}, "template": _TEMPLATE}, {"workloadRef": {"name": "x"}}])
def test_a_workload_has_a_pod_template_or_refers_to_one(spec: Any) -> None:
    assert workload({"spec": spec}) == {"spec": spec}


def test_objects_and_lists_of_kubernetes_are_read_as_they_are() -> None:
    assert named_object_in(json.dumps(_SECRET).encode()) == _SECRET
    assert items_in(json.dumps(_LIST).encode()) == (_LIST["items"], "")
    assert items_in(b'{"kind": "SecretList", "items": null}') == ([], "")
    assert object_in(b'{"kind": "Status"}') == {"kind": "Status", "metadata": {}}


@given(_JSON, st.integers(0, 2000), st.binary(max_size=4))
def test_whatever_is_answered_is_an_object_or_refused(value: Any, place: int, noise: bytes) -> None:
    body = json.dumps(value).encode()
    damaged = json.dumps([_SECRET, _LIST][place % 2]).encode()
    for bytes_ in (body, damaged[: place % len(damaged)] + noise + damaged[place % len(damaged) + len(noise) :]):
        for read in (named_object_in, items_in, object_in):
            try:
                read(bytes_)
            except NotAnObject:
                continue


def test_the_data_of_a_controller_revision_is_an_object() -> None:
    """As StatefulSets and DaemonSets have them."""
    revision = {"metadata": {"name": "x"}, "data": {"spec": {"template": {}}}, "revision": 1}
    body = json.dumps({"kind": "ControllerRevisionList", "metadata": {}, "items": [revision]}).encode()
    assert items_in(body) == ([revision], "")
