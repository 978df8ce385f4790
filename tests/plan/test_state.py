from __future__ import annotations

import json
from dataclasses import replace

import pytest

from secretsync.core.model import Secret
from secretsync.plan.state import Hold, PackageState, State, UnreadableState, from_secret, to_secret

REMEMBERED = State({"atlas": PackageState(("atlas", "atlas-sub"), 3, False, {"Deployment rucio/server": 3})})


def test_what_is_remembered_is_read_back() -> None:
    assert from_secret(to_secret(REMEMBERED, "secretsync", "rucio")) == REMEMBERED


def test_nothing_is_remembered_at_first() -> None:
    assert from_secret(None).of("atlas") == PackageState()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"state.json": b"{"},
        {"state.json": b"[]"},
        {"state.json": b'{"packages": 1}'},
        {"state.json": b"[" * 200_000},
        {"state.json": b"9" * 5_000},
        {"state.json": b"\xff"},
    ],
)
def test_a_state_object_that_holds_something_else_is_named_with_the_way_out(data: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableState, match=r"Secret rucio/secretsync-state .* delete it"):
        from_secret(Secret("rucio", "secretsync-state", data))


def test_a_state_with_keys_of_another_version_is_refused() -> None:
    secret = to_secret(REMEMBERED, "secretsync", "rucio")
    other = secret.data["state.json"].replace(b'"write"', b'"writes"')
    with pytest.raises(UnreadableState):
        from_secret(replace(secret, data={"state.json": other}))


def test_a_new_write_forgets_the_restarts_of_the_last_and_keeps_every_name() -> None:
    begun = REMEMBERED.of("atlas").begun(("atlas", "atlas-new"), 4)
    assert begun == PackageState(("atlas", "atlas-new", "atlas-sub"), 4, False, {})


def test_a_write_that_goes_on_keeps_the_restarts_that_were_done() -> None:
    assert REMEMBERED.of("atlas").begun(("atlas",), 3).restarts == {"Deployment rucio/server": 3}


def test_a_restart_is_remembered_for_each_package_that_the_stamp_tells_of() -> None:
    state = State(
        {
            "atlas": PackageState(revision_number=2),
            "cms": PackageState(revision_number=5),
            "other": PackageState(revision_number=1),
        }
    )
    told = state.restarted("Deployment rucio/x", {"secretsync.rucio/atlas": "2", "secretsync.rucio/cms": "5"})
    assert {name: dict(package.restarts) for name, package in told.packages.items()} == {
        "atlas": {"Deployment rucio/x": 2},
        "cms": {"Deployment rucio/x": 5},
        "other": {},
    }


def test_who_was_ailing_is_remembered_until_a_write_is_seen_to_its_end() -> None:
    begun = PackageState().begun(("atlas",), 1, ailing=("Deployment rucio/broken",))
    went_on = begun.begun(("atlas",), 1, ailing=("Deployment rucio/brought-down",))
    undone = went_on.begun(("atlas",), 2, Hold("bad", "kept", "digest"), ailing=("Deployment rucio/brought-down",))
    assert undone.ailing == went_on.ailing == ("Deployment rucio/broken",)
    assert undone.ended(("atlas",)).begun(("atlas",), 3).ailing == ()


def test_a_new_write_after_one_that_failed_asks_anew_who_is_ailing() -> None:
    failed = PackageState().begun(("atlas",), 1)
    assert failed.begun(("atlas",), 2, ailing=("Deployment rucio/broken",)).ailing == ("Deployment rucio/broken",)


def test_the_revision_number_is_stored_once_under_its_first_name() -> None:
    stored = to_secret(State({"atlas": PackageState(revision_number=7)}), "secretsync", "rucio").data["state.json"]
    package = json.loads(stored)["packages"]["atlas"]
    assert package["write"] == 7
    assert "revision_number" not in package
