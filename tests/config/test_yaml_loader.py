"""What YAML makes of text that nobody quoted: it stays as it was written, and nothing is given twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from secretsync import config
from secretsync.config import yaml_loader

_WHOLE = """packages:
  - {{moduleName: site_policy, requirement: "git+https://h/r", {package}}}
targets: [{{cluster: {{inCluster: {yes}}}, namespace: {namespace}, adopt: {yes}, rollout: {{canary: {off}}}}}]
"""


def parse(package: str = "", yes: str = "true", off: str = "off", namespace: str = "rucio") -> config.Config:
    text = _WHOLE.format(package=package, yes=yes, off=off, namespace=namespace)
    return config.from_text(text, Path("secretsync.yaml"))


@pytest.mark.parametrize(
    "written", ["1.10", "0123", "2024.10", "1_000", "0x1F", "12:30", "2024-10-01", "yes", "1e3", "-1"]
)
def test_text_that_looks_like_something_else_is_taken_as_written(written: str) -> None:
    package = parse(f"version: {written}, access: {{username: {written}, password: {{env: HOME}}}}").packages[0]
    assert (package.version, package.access.username) == (written, written)


@given(st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,6})?", fullmatch=True))
def test_every_version_of_digits_is_taken_as_written(written: str) -> None:
    assert parse(f"version: {written}, vo: {written}").packages[0].version == written


@pytest.mark.parametrize("off", ["off", "Off", "'off'", "false", "no"])
def test_off_means_off(off: str) -> None:
    if off in ("Off", "no"):
        with pytest.raises(config.UnusableConfig, match="'auto', 'require' or 'off'"):
            parse(off=off)
    else:
        assert parse(off=off).targets[0].rollout.canary == "off"


@pytest.mark.parametrize("yes", ["true", "yes", "on", "True"])
def test_a_switch_is_turned_on_by_each_of_yamls_words(yes: str) -> None:
    assert parse(yes=yes).targets[0].adopt


def test_a_namespace_of_digits_is_a_name() -> None:
    assert parse(namespace="0123").targets[0].namespace == "0123"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "key 'a' is given twice; first in line 1"),
        ("a:\n  - b: 1\n    c: 2\n    b: 3\n", 4, "key 'b' is given twice; first in line 2"),
        ("a: {b: 1, b: 2}\n", 1, "key 'b' is given twice"),
        ("? [x]\n: {c: 1, c: 1}\n", 2, "key 'c' is given twice"),
    ],
)
def test_a_key_that_is_given_twice_is_refused_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(yaml.YAMLError) as refusal:
        yaml_loader.load(text)
    assert problem in str(refusal.value)
    assert f"line {line}," in str(refusal.value)


def test_a_merge_replaces_keys_and_gives_none_twice() -> None:
    text = "x: &x {a: 1, b: 1}\ny: {<<: *x, a: 2}\nz: {<<: *x, b: 3}\n"
    loaded = yaml_loader.load(text)
    assert (loaded["y"], loaded["z"]) == ({"a": 2, "b": 1}, {"a": 1, "b": 3})


def test_yaml_that_is_nested_for_ever_is_a_yaml_error() -> None:
    with pytest.raises(yaml.YAMLError):
        yaml_loader.load("[" * 100_000)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_what_yaml_writes_is_read_as_it_was(value: object) -> None:
    assert yaml_loader.load(yaml.safe_dump(value)) == value
