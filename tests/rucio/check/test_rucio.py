"""What is known about Rucio's releases."""

from __future__ import annotations

import pytest

from secretsync.rucio.check.rucio import image_bases, known_releases, rucio
from tests.rucio.check.build import findings, only


@pytest.mark.parametrize(
    ("tag", "known"),
    [
        ("41.5.1", "41.5"),
        ("release-38.5.5", "38.5"),
        ("39.0.0.post1", "39.0"),
        ("41.5.1.cms2", "41.5"),
        ("41.99.0", "41.5"),
        ("99.0.0", "41.5"),
        ("latest", "41.5"),
        ("35.4.0", "36.0"),
        ("37", "41.5"),
        ("", "41.5"),
        ("38.5.5rc1", "38.5"),
    ],
)
def test_a_tag_finds_its_release_or_one_that_stands_in(tag: str, known: str) -> None:
    assert rucio(tag).known == known


@pytest.mark.parametrize("tag", ["1", "v3.1", "2024.1", "20.4.1", "100.0.1", "41a3bc", "5" * 5000])
def test_a_tag_that_a_site_gave_its_own_image_is_no_version_of_rucio(tag: str) -> None:
    """SUPPORTED_VERSION is not held against it; that the version is not known is a warning."""
    init = {"__init__.py": 'SUPPORTED_VERSION = ">=38,<42"\n'}
    assert {one.rule for one in findings(init, rucio=tag) if one.severity == "error"} == set()
    assert "unknown-rucio" in {one.rule for one in findings(init, rucio=tag)}


def test_a_version_that_is_not_known_is_said() -> None:
    assert only(findings(rucio="99.0.0")).rule == "unknown-rucio"


def test_every_minor_release_since_36_is_known() -> None:
    assert known_releases()[0] == "36.0"
    assert len(known_releases()) >= 37


def test_findings_that_only_some_versions_have_name_them() -> None:
    from secretsync.rucio.check import Situation, check
    from tests.rucio.check.build import policy

    surl = {"__init__.py": "def get_algorithms():\n    return {'surl': {'a': print}}\n"}
    found = only(check(policy(surl), Situation(rucio=("38.2.0", "38.3.0", "41.5.1"))))
    assert found.rucio == ("38.3.0", "41.5.1")


@pytest.mark.parametrize("version", ["35.8.0", "release-35.2.0"])
def test_before_what_is_recorded_nothing_is_an_error_but_what_holds_for_any_version(version: str) -> None:
    """ESCAPE's package 0.2.2 says ``"35"``, which 38 dies with, and loads in 35.8.0."""
    init = {"__init__.py": 'SUPPORTED_VERSION = ["1.31", "35"]\n'}
    assert {str(one.severity) for one in findings(init, rucio=version)} == {"warning"}
    broken = findings({"schema.py": "def (:\n"}, rucio=version)
    assert [one.rule for one in broken if one.severity == "error"] == ["syntax"]


def test_the_python_of_the_images_is_recorded_with_the_container_file_that_says_so() -> None:
    for release in known_releases():
        base = rucio(release).image_base
        assert ".".join(map(str, rucio(release).python)) == base.python
        assert base.source.startswith("https://github.com/rucio/containers/blob/")
    assert rucio("41.5.1").image_base.base == "almalinux:9"
    assert "3.12" in {base.python for base in image_bases()}


@pytest.mark.parametrize(("version", "said"), [("38.5.5", ["supported-version"]), ("41.5.1", [])])
def test_a_specifier_set_is_read_where_the_packaging_of_that_rucio_reads_it(version: str, said: list[str]) -> None:
    init = "from packaging.specifiers import SpecifierSet\nSUPPORTED_VERSION = SpecifierSet('>=35')\n"
    assert [one.rule for one in findings({"__init__.py": init}, rucio=version) if one.severity == "error"] == said
