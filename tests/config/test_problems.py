"""What is wrong in a configuration, in words for who writes YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync import config

TARGETS = "targets: [{cluster: {directory: ./m}, namespace: rucio}]\n"


def problems(text: str) -> str:
    with pytest.raises(config.UnusableConfig) as refused:
        config.from_text(text, Path("s.yaml"))
    return str(refused.value)


@pytest.mark.parametrize(
    ("packages", "says"),
    [
        ("{moduleName: p}", "packages: must be a list"),
        ("[p]", "packages[0]: must be a mapping"),
        ("[{moduleName: p, requirement: [a]}]", "packages[0].requirement: must be text"),
        ("[{moduleName: p, requirement: ./p, include: x}]", "packages[0].include: must be a list"),
        (
            "[{moduleName: p, requirement: ./p, access: {token: hunter2}}]",
            "packages[0].access.token: must be {file: PATH} or {env: NAME}, never the credential itself",
        ),
    ],
)
def test_a_wrong_type_is_said_in_words_of_yaml(packages: str, says: str) -> None:
    said = problems(f"packages: {packages}\n{TARGETS}")
    assert says in said
    assert "hunter2" not in said
    assert "instance of" not in said


def test_limits_and_choices_are_said_with_what_is_possible() -> None:
    rollout = "{timeout: -1, history: x, canary: never}"
    said = problems(
        "packages: [{moduleName: p, requirement: ./p}]\n"
        f"targets: [{{cluster: {{directory: ./m}}, namespace: rucio, adopt: maybe, rollout: {rollout}}}]\n"
    )
    assert "rollout.timeout: must be at least 0" in said
    assert "rollout.history: must be a whole number" in said
    assert "rollout.canary: must be 'auto', 'require' or 'off'" in said
    assert "adopt: must be true or false" in said


def test_a_problem_is_said_with_its_line() -> None:
    said = problems(
        "# a site\n"
        "packages:\n"
        "  - moduleName: p\n"
        "    requirment: ./p\n"
        "targets:\n"
        "  - namespace: rucio\n"
        "    cluster:\n"
        "      directory: ./m\n"
        "    rollout:\n"
        "      waves:\n"
        "        - selector: app=a\n"
        "        - 3\n"
        "      history: -1\n"
    )
    assert "packages[0].requirement: is required (line 3)" in said
    assert "packages[0].requirment: there is no such key; did you mean 'requirement'? (line 4)" in said
    assert "targets[0].rollout.waves[1]: must be a mapping (line 12)" in said
    assert "targets[0].rollout.history: must be at least 2 (line 13)" in said


def test_a_line_is_that_of_the_anchor_where_the_value_stands() -> None:
    said = problems("packages: [{moduleName: p, requirement: ./p}]\ntargets:\n  - &a\n    namespace: X_\n  - *a\n")
    assert said.count("targets[0].namespace: 'X_' is not a name") == 1
    assert "(line 4)" in said


@pytest.mark.parametrize(
    ("places", "given"),
    [
        ("directory: ./m, context: prod", "directory"),
        ("inCluster: true, context: prod", "context"),
        ("repository: git+https://h/r@main, context: prod", "repository"),
    ],
)
def test_two_places_of_one_target_are_said_to_be_two(places: str, given: str) -> None:
    said = problems(
        f"packages: [{{moduleName: p, requirement: ./p}}]\ntargets: [{{namespace: r, cluster: {{{places}}}}}]\n"
    )
    assert f"a target is in one place, and {given!r} is given already: remove one of the two" in said


def test_a_tab_is_said_to_be_one() -> None:
    assert "line 2, column 1: there is a tab: indent with spaces" in problems("packages:\n\t- moduleName: p\n")


def test_a_wrong_duration_is_said_with_how_to_write_it() -> None:
    said = problems(
        "packages: [{moduleName: p, requirement: ./p, timeout: -5}]\n"
        "targets: [{namespace: r, cluster: {directory: m}, rollout: {timeout: [1]}}]\n"
    )
    assert "packages[0].timeout: must be more than 0 (line 1)" in said
    assert "targets[0].rollout.timeout: must be a duration: write 90s, 5m or 1h (line 2)" in said


def test_a_file_of_something_else_is_answered_with_its_first_problems() -> None:
    found = problems("".join(f"key{number}: 1\n" for number in range(300))).splitlines()
    assert len(found) == 21
    assert found[-1] == "s.yaml: has 282 more problems"


@pytest.mark.parametrize("timeout", [".inf", "'" + "9" * 400 + "'", "9" * 400, "40000d"])
def test_a_duration_without_an_end_is_refused(timeout: str) -> None:
    target = f"{{cluster: {{directory: ./m}}, namespace: rucio, rollout: {{timeout: {timeout}}}}}"
    text = f"packages: [{{moduleName: p, requirement: ./p}}]\ntargets: [{target}]"
    assert "targets[0].rollout.timeout: must be " in problems(text)


def test_a_word_of_pythons_is_no_module() -> None:
    assert "'class' is not a name that Python can import" in problems(
        f"packages: [{{moduleName: class, requirement: ./p}}]\n{TARGETS}"
    )
