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
