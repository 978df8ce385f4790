"""A Secret and the dict that Kubernetes speaks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.core.model import Manifest, Secret
from secretsync.core.secret_codec import UnreadableSecret, matches, replacement_manifest, secret_from, to_manifest

KEYS = st.text("abcxyz._-", min_size=1, max_size=20)
LABELS = st.dictionaries(KEYS, st.text(max_size=20), max_size=3)
SECRETS = st.builds(
    Secret,
    namespace=KEYS,
    name=KEYS,
    data=st.dictionaries(KEYS, st.binary(max_size=50), max_size=5),
    labels=LABELS,
    annotations=LABELS,
    type=st.sampled_from(["Opaque", "kubernetes.io/tls"]),
    immutable=st.booleans(),
    metadata=st.dictionaries(st.sampled_from(["uid", "resourceVersion"]), KEYS),
)


@given(SECRETS)
def test_a_secret_survives_the_way_to_a_manifest_and_back(secret: Secret) -> None:
    assert secret_from(to_manifest(secret)) == secret


@given(st.permutations(["b.py", "a.py", "c/d"]))
def test_the_order_of_the_keys_does_not_depend_on_the_order_of_the_files(keys: list[str]) -> None:
    manifest = to_manifest(Secret("rucio", "atlas", dict.fromkeys(keys, b""), dict.fromkeys(keys, "x")))
    assert list(manifest["data"]) == list(manifest["metadata"]["labels"]) == ["a.py", "b.py", "c/d"]


def test_the_manifest_holds_base64_of_the_very_bytes() -> None:
    data = {"a": b"\r\n\x00\xff", "empty": b""}
    assert to_manifest(Secret("rucio", "atlas", data))["data"] == {"a": "DQoA/w==", "empty": ""}


def test_a_value_broken_into_lines_is_read_as_the_api_reads_it() -> None:
    assert secret_from(manifest(data={"a": "aGVs\nbG8=\n"})).data == {"a": b"hello"}


def test_plain_text_under_string_data_wins_as_in_the_api() -> None:
    assert secret_from(manifest(data={"a": "", "b": ""}, stringData={"a": "é"})).data == {"a": "é".encode(), "b": b""}


@pytest.mark.parametrize("value", ["not base64!", 5])
def test_a_value_that_is_not_base64_is_an_error_that_names_the_key_and_not_the_value(value: object) -> None:
    with pytest.raises(UnreadableSecret) as caught:
        secret_from(manifest(data={"a.py": value}))
    assert "rucio/atlas" in str(caught.value)
    assert "'a.py'" in str(caught.value)
    assert str(value) not in str(caught.value)


def test_when_data_was_written_is_the_newest_time_of_any_manager_of_data() -> None:
    managers = [
        manager("kubectl", "2026-11-23T10:00:00Z", "f:data"),
        manager("secretsync", "2026-11-23T11:00:00Z", "f:data"),
        manager("labeller", "2026-11-23T12:00:00Z", "f:metadata"),
    ]
    assert secret_from(manifest(managers=managers)).data_written == datetime(2026, 11, 23, 11, tzinfo=UTC)


@pytest.mark.parametrize("managers", [[], [{"manager": "a", "time": "2026-11-23T12:00:00Z"}]])
def test_when_data_was_written_is_unknown_where_no_manager_tells(managers: list[Manifest]) -> None:
    assert secret_from(manifest(managers=managers)).data_written is None


LIVE = Secret(
    "rucio",
    "atlas",
    {"a.py": b"1", "stale.py": b"1"},
    labels={"team": "ddm", "secretsync.rucio/module": "old"},
    annotations={"note": "ours", "secretsync.rucio/stale": "x", "secretsync.rucio/digest": "1"},
    metadata={"resourceVersion": "7", "uid": "u", "finalizers": ["keep"], "ownerReferences": [{"name": "o"}]},
)
DESIRED = Secret("rucio", "atlas", {"a.py": b"2"}, {"app": "x"}, {"secretsync.rucio/digest": "2"})


def test_a_replacement_has_the_desired_data_whole() -> None:
    assert replacement_manifest(LIVE, DESIRED).data == {"a.py": b"2"}


def test_a_replacement_sends_back_what_others_put_there() -> None:
    wanted = to_manifest(replacement_manifest(LIVE, DESIRED))["metadata"]
    assert wanted["labels"] == {"team": "ddm", "app": "x"}
    assert wanted["finalizers"] == ["keep"]
    assert wanted["ownerReferences"] == [{"name": "o"}]


def test_a_replacement_carries_the_version_that_was_read() -> None:
    assert to_manifest(replacement_manifest(LIVE, DESIRED))["metadata"]["resourceVersion"] == "7"


def test_a_replacement_drops_our_own_annotations_that_are_no_longer_wanted() -> None:
    assert replacement_manifest(LIVE, DESIRED).annotations == {"note": "ours", "secretsync.rucio/digest": "2"}


def test_a_live_secret_shows_a_write_when_it_has_all_of_it_and_perhaps_labels_of_others() -> None:
    wanted = replacement_manifest(LIVE, DESIRED)
    assert matches(wanted, DESIRED)
    assert not matches(LIVE, DESIRED)
    assert not matches(wanted, Secret("rucio", "atlas", {"a.py": b"2"}, {"app": "y"}))


def manifest(managers: list[Manifest] | None = None, **fields: object) -> Manifest:
    metadata = {"namespace": "rucio", "name": "atlas", "managedFields": managers or []}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **fields}


def manager(name: str, time: str, field: str) -> Manifest:
    return {"manager": name, "operation": "Update", "time": time, "fieldsV1": {field: {}}}


@pytest.mark.parametrize("value", [1, None, True, ["a"], "\ud800"])
def test_a_value_of_string_data_that_is_no_text_is_named(value: object) -> None:
    manifest = {"metadata": {"namespace": "rucio", "name": "policy"}, "stringData": {"a": value}}
    with pytest.raises(UnreadableSecret, match="Secret rucio/policy: the value of 'a' in 'stringData' is no text"):
        secret_from(manifest)
