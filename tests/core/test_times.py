"""Times that others wrote: what is one, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from secretsync.core.times import http_time, iso_time

SOME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05.000000Z"]
)
def test_a_timestamp_is_a_time_in_utc(text: str) -> None:
    assert iso_time(text) == SOME
    assert str(iso_time(text)).endswith("+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        5,
        [],
        "x" * 9_000,
        "9" * 5_000,
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-13-1",
    ],
)
def test_what_is_no_timestamp_is_none(text: object) -> None:
    assert iso_time(text) is None


def test_a_date_header_is_a_time_in_utc() -> None:
    assert http_time("Fri, 02 Jan 2026 03:04:05 GMT") == SOME
    assert http_time("Fri, 02 Jan 2026 05:04:05 +0200") == SOME


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
        "Fri, 31 Dec 2020 23:59:59 +99999999999999",
        "Fri, 31 Dec 2020 99999999999999999999:59:59 GMT",
        f"Fri, 31 Dec {'9' * 5_000} 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, 31 Dec 2020 23:59:59 +9999",
    ],
)
def test_a_header_that_is_no_date_is_none(text: str) -> None:
    assert http_time(text) is None
