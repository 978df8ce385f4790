from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.config.window import parse

OFFICE = parse("Mon-Fri 09:00-16:00 Europe/Zurich")
NIGHT = parse("Fri 22:00-04:00 UTC")
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-05T07:59", False),  # a Monday in winter: Zurich is an hour ahead
        ("2026-01-05T08:00", True),
        ("2026-01-05T14:59", True),
        ("2026-01-05T15:00", False),
        ("2026-07-06T07:00", True),  # in summer it is two
        ("2026-07-06T14:00", False),
        ("2026-01-04T10:00", False),  # a Sunday
    ],
)
def test_a_window_is_open_on_its_days_and_by_the_clocks_of_its_zone(moment: str, is_open: bool) -> None:
    assert OFFICE.is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-02T22:00", True),  # a Friday
        ("2026-01-03T03:59", True),
        ("2026-01-03T04:00", False),
        ("2026-01-03T22:00", False),
        ("2026-01-02T03:00", False),
    ],
)
def test_a_span_over_midnight_belongs_to_the_day_on_which_it_began(moment: str, is_open: bool) -> None:
    assert NIGHT.is_open(at(moment)) is is_open


def test_days_may_go_round_the_week() -> None:
    assert parse("Sat-Mon 00:00-12:00 UTC").days == {5, 6, 0}


@given(MOMENTS)
def test_it_is_open_when_it_opens_next_and_that_is_within_a_week(moment: datetime) -> None:
    for window in (OFFICE, NIGHT):
        opening = window.opens_after(moment)
        assert window.is_open(opening)
        assert moment < opening <= moment + timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    "text", ["", "Mon-Fri", "Mon-Fri 9-16 UTC", "Xyz 09:00-16:00 UTC", "Mon 09:00-29:00 UTC", "Mon 09:00-16:00 Mars"]
)
def test_what_is_no_window_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 'Mon-Fri|no clock shows|not a time zone"):
        parse(text)
