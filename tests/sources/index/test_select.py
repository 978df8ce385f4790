"""Which of an index's files is meant: a calculation on what its page lists."""

from __future__ import annotations

import pytest

from secretsync.config.requirement import IndexRequirement
from secretsync.sources.index.page import Listed
from secretsync.sources.index.select import Candidate, NoMatchingFile, choose, of_url

ONE, TWO = "1" * 64, "2" * 64


def listed(file: str, sha256: str = "", *, python: str = "", yanked: str | None = None, **digests: str) -> Listed:
    digests = {**({"sha256": sha256} if sha256 else {}), **digests}
    return Listed(file, f"https://files/{file}", digests, python, yanked is not None, yanked or "")


def wheel(version: str, build: str = "", tag: str = "py3-none-any") -> str:
    return "-".join(filter(None, ["my_policy", version, build, tag])) + ".whl"


def chosen(*files: Listed, specifier: str = "", hashes: tuple[str, ...] = ()) -> Candidate:
    return choose(IndexRequirement("my-policy", specifier, hashes=hashes), files)


def reason(*files: Listed, specifier: str = "", hashes: tuple[str, ...] = ()) -> str:
    with pytest.raises(NoMatchingFile) as none:
        chosen(*files, specifier=specifier, hashes=hashes)
    return str(none.value)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_builds_of_a_release_the_higher_number_is_taken(order: int) -> None:
    files = [listed(wheel("1.0", build)) for build in ("9", "10", "")]
    assert chosen(*files[::order]).file == wheel("1.0", "10")


@pytest.mark.parametrize("order", [1, -1])
def test_a_wheel_is_preferred_to_the_archive_of_its_release_and_a_newer_archive_to_both(order: int) -> None:
    both = [listed("my_policy-1.0.tar.gz"), listed(wheel("1.0"))]
    assert chosen(*both[::order]).is_wheel
    newer = [*both, listed("my_policy-1.1.tar.gz")]
    assert chosen(*newer[::order]).file == "my_policy-1.1.tar.gz"


def test_the_newest_by_version_is_taken_not_by_the_alphabet() -> None:
    assert chosen(listed(wheel("1.10")), listed(wheel("1.9"))).file == wheel("1.10")


def test_why_the_release_that_was_asked_for_does_not_fit_comes_before_all_other_releases() -> None:
    others = [listed(wheel(f"2.{minor}")) for minor in range(9)]
    said = reason(listed(wheel("1.0"), python=">=3.11"), *others, specifier="==1.0")
    assert said.startswith(f"nothing satisfies my-policy==1.0: {wheel('1.0')}: it wants Python >=3.11")


def test_the_python_that_a_release_wants_comes_before_what_else_stands_in_its_way() -> None:
    files = [listed(wheel("1.0"), python=">=3.11"), listed("my_policy-1.0.zip"), listed(wheel("1.1"), yanked="")]
    assert reason(*files).partition(": ")[2].startswith(f"{wheel('1.0')}: it wants Python")


@pytest.mark.parametrize(
    "newest", [listed(wheel("1.1"), python=">=3.11"), listed(wheel("1.1", tag="cp311-cp311-linux_x86_64"))]
)
def test_an_older_release_is_taken_with_a_warning_that_names_the_newest(newest: Listed) -> None:
    taken = chosen(listed(wheel("1.0")), newest)
    assert taken.file == wheel("1.0")
    (note,) = taken.notes
    assert note.startswith(f"{wheel('1.0')} is used and not the newer release 1.1, whose file {newest.file}")


def test_a_release_that_was_not_asked_for_is_not_missed() -> None:
    files = [listed(wheel("1.0")), listed(wheel("2.0"), python=">=3.11"), listed(wheel("1.1rc1"), python=">=3.11")]
    assert chosen(*files, specifier="<2").notes == ()


def test_a_page_without_files_says_so() -> None:
    assert reason(specifier="==1.0") == "nothing satisfies my-policy==1.0: the index lists no file"


def test_the_newest_reasons_come_first_and_five_are_enough() -> None:
    said = reason(*(listed(wheel(f"1.{minor}"), python=">=3.11") for minor in range(7)))
    assert [part.partition(":")[0] for part in said.partition(": ")[2].split("; ")] == [
        wheel(f"1.{minor}") for minor in (6, 5, 4, 3, 2)
    ]


def test_a_version_that_was_never_released_is_said_with_the_newest_that_were() -> None:
    said = reason(*(listed(wheel(f"1.{minor}")) for minor in range(7)), specifier="==2")
    assert said == (
        "the index has no release for my-policy==2: correct 'requirement'; the newest releases are "
        "1.6, 1.5, 1.4, 1.3, 1.2 and 2 older"
    )


def test_a_hash_of_the_requirement_chooses_its_file_though_another_is_newer() -> None:
    files = listed(wheel("1.0"), ONE), listed(wheel("1.1"), TWO)
    assert chosen(*files, hashes=(ONE,)).sha256 == ONE
    assert chosen(*files, hashes=(ONE, TWO)).sha256 == TWO


def test_where_no_file_has_the_hash_of_the_requirement_that_is_the_reason() -> None:
    said = reason(listed(wheel("1.0"), ONE), hashes=(TWO,))
    assert said.startswith(f"nothing satisfies my-policy --hash=sha256:{TWO[:12]}…: ")
    assert "its sha256 is none of those that the requirement names" in said


def test_a_file_whose_hash_the_index_does_not_give_may_still_be_the_one() -> None:
    assert chosen(listed(wheel("1.0")), hashes=(ONE,)).sha256 == ""


@pytest.mark.parametrize(
    ("name", "digest"), [("sha256", "1" * 63), ("sha256", "g" * 64), ("md5", ""), ("md5", "1" * 64)]
)
def test_a_digest_that_is_none_makes_its_file_unusable(name: str, digest: str) -> None:
    assert f"its {name} is no digest" in reason(listed(wheel("1.0"), **{name: digest}))


def test_a_digest_of_an_algorithm_that_is_not_compared_says_nothing() -> None:
    assert chosen(listed(wheel("1.0"), blake2b="anything")).digests == {}


@pytest.mark.parametrize(
    ("specifier", "taken"),
    [("==1.0", True), ("===1.0", True), ("==1.*", False), ("", False), ("<=1.0", False), ("==1.0,>=1.0", False)],
)
def test_a_yanked_release_is_taken_only_where_one_version_is_named(specifier: str, taken: bool) -> None:
    file = listed(wheel("1.0"), yanked="wrong files")
    if taken:
        assert "was yanked (wrong files)" in chosen(file, specifier=specifier).notes[0]
    else:
        assert "it was yanked (wrong files); only '==' takes" in reason(file, specifier=specifier)


def test_a_release_that_was_yanked_without_a_reason_has_none_in_its_note() -> None:
    assert "was yanked; it is used" in chosen(listed(wheel("1.0"), yanked=""), specifier="==1.0").notes[0]


def test_what_was_not_yanked_has_no_note() -> None:
    assert chosen(listed(wheel("1.0"))).notes == ()


@pytest.mark.parametrize(
    ("python", "taken"),
    [
        ("", True),
        (">=3.9", True),
        ("<3.9.17", True),  # an image may still have that patch release
        (">=3.9.30", False),
        (">=3.10", False),
        ("<3.9", False),
        ("not a specifier", True),  # pip ignores it
        (">=3.10" + "," * 1000, True),
    ],
)
def test_what_the_images_python_may_run_is_taken(python: str, taken: bool) -> None:
    file = listed(wheel("1.0"), python=python)
    if taken:
        assert chosen(file).file == file.file
    else:
        assert f"it wants Python {python}, and Rucio's images run 3.9" in reason(file)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("my_policy-1.0.zip", "neither a wheel nor a .tar.gz"),
        ("a/my_policy-1.0.tar.gz", "its name is not that of a file"),
        ("my_policy-1.0-py3-none-any.\0.whl", "its name is not that of a file"),
        ("my_policy-1.0-py3-none-any." + "\U0001f600" * 60 + ".whl", "its name is not that of a file"),
        ("my_policy-1.0-" + "-".join([".".join(["a"] * 30)] * 3) + ".whl", "its name has more tags than any wheel"),
        ("my_policy-1.0-" + "x" * 250 + ".whl", "its name is not that of a file"),
        ("my_policy-1.0-cp39-none-any.whl.tar.gz", "not that of a source archive"),
        ("my_policy.whl", "not that of a wheel"),
        ("other_policy-1.0.tar.gz", "a file of another distribution, other-policy"),
        (wheel("1.0", tag="cp311-cp311-linux_x86_64"), "built for cp311-cp311-linux_x86_64"),
        (wheel("1.0", tag="py2-none-any"), "must be py3-none-any"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_reason(file: str, words: str) -> None:
    assert words in reason(listed(file))


def test_a_file_of_a_url_has_the_one_hash_of_the_requirement_and_those_of_its_url() -> None:
    url = f"https://files/a%20/{wheel('1.0')}?x=/y"
    requirement = IndexRequirement("my-policy", url=url, hashes=(ONE,), digests=(("md5", "3" * 32),))
    candidate = of_url(requirement)
    assert (candidate.file, candidate.url, dict(candidate.digests)) == (
        wheel("1.0"),
        url,
        {"sha256": ONE, "md5": "3" * 32},
    )
    several = IndexRequirement("my-policy", url=url, hashes=(ONE, TWO))
    assert of_url(several).digests == {}


def test_a_url_of_something_else_is_refused_with_the_reason() -> None:
    with pytest.raises(NoMatchingFile, match=r"x\.zip: it is neither a wheel"):
        of_url(IndexRequirement("my-policy", url="https://files/x.zip"))
