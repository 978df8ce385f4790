"""The README's picture plays by itself: no script, and no request to anywhere."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from scripts.terminal_picture import Screen, svg
from tests import ROOT

PICTURE = (ROOT / "docs" / "recording.svg").read_text(encoding="utf-8")


def lines(screen: Screen) -> list[str]:
    return ["".join(cell[0] for cell in line).rstrip() for line in screen.shown()]


def test_it_is_well_formed_and_asks_for_nothing() -> None:
    tags = {element.tag.partition("}")[2] for element in ET.fromstring(PICTURE).iter()}
    assert tags == {"svg", "title", "style", "rect", "g", "text", "tspan"}
    assert re.findall(r"href|url\(|@import|https?://(?!www\.w3\.org/2000/svg)", PICTURE) == []


def test_it_shows_a_change_an_undo_and_a_rollback() -> None:
    order = [
        "AccessDenied",
        "secretsync plan",
        "applied:",
        "201 CREATED",
        "rolled back to revision",
        "secretsync rollback",
    ]
    places = [PICTURE.index(words) for words in order]
    assert places == sorted(places)


def test_a_screen_follows_what_moves_and_erases() -> None:
    screen = Screen()
    screen.write("first\r\nsecond\r\x1b[2K\x1b[1A\x1b[2Kagain\r\n\x1b[31mred\x1b[0m")
    assert lines(screen) == ["again", "red"]
    assert screen.shown()[1][0] == ("r", 31)


def test_equal_screens_are_one_frame() -> None:
    screen = Screen()
    screen.write("<words>")
    shown = svg([(0.0, screen.shown()), (1.0, screen.shown())], 2.0)
    assert shown.count("&lt;words&gt;") == 1
