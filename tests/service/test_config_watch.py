"""The configuration's file under a long run."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from secretsync.config import UnusableConfig
from secretsync.service.config_watch import WatchedConfig

GOOD = """
packages: [{moduleName: pol, requirement: ./source}]
targets: [{cluster: {directory: ./cluster}, namespace: rucio}]
interval: %s
"""


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A file as a ConfigMap's volume has it: behind a link to a directory that is swapped."""
    publish(tmp_path, "1", GOOD % "5m")
    (tmp_path / "secretsync.yaml").symlink_to("..data/secretsync.yaml")
    return tmp_path / "secretsync.yaml"


def publish(folder: Path, version: str, text: str) -> None:
    (folder / version).mkdir()
    (folder / version / "secretsync.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").rename(folder / "..data")


def test_a_swapped_link_brings_the_new_configuration(mounted: Path) -> None:
    followed = WatchedConfig(mounted)
    publish(mounted.parent, "2", GOOD % "6m")
    assert followed.poll()
    assert followed.current.interval == 360


def test_an_unchanged_file_is_no_news(mounted: Path) -> None:
    followed = WatchedConfig(mounted)
    assert not followed.poll()


def test_another_comment_is_no_reason_for_a_pass(mounted: Path) -> None:
    followed = WatchedConfig(mounted)
    publish(mounted.parent, "2", GOOD % "5m" + "# as agreed on Monday\n")
    assert not followed.poll()


def test_a_bad_file_keeps_the_old_one_and_says_so_once(mounted: Path) -> None:
    followed = WatchedConfig(mounted)
    publish(mounted.parent, "2", GOOD % "often")
    with capture_logs() as told:
        assert [followed.poll() for _ in range(3)] == [False, False, False]
    assert followed.current.interval == 300
    assert not followed.usable
    assert [(one["log_level"], one["why"]) for one in told] == [
        ("error", "interval: 'often' is not a duration: write 90s, 5m or 1h (line 4)")
    ]


def test_a_file_that_has_gone_keeps_the_old_one(mounted: Path) -> None:
    followed = WatchedConfig(mounted)
    mounted.unlink()
    assert not followed.poll()
    assert not followed.usable
    assert followed.current.interval == 300


def test_the_old_text_back_in_its_place_is_usable_and_no_news(mounted: Path) -> None:
    followed = WatchedConfig(mounted)
    publish(mounted.parent, "2", "packages:")
    followed.poll()
    publish(mounted.parent, "3", GOOD % "5m")
    assert not followed.poll()
    assert followed.usable


def test_a_first_file_that_cannot_be_used_ends_the_start(mounted: Path) -> None:
    publish(mounted.parent, "2", "packages:")
    with pytest.raises(UnusableConfig):
        WatchedConfig(mounted)
