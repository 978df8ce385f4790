"""What YAML makes of text that nobody quoted: it stays as it was written, and nothing is given twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from secretsync import config
from secretsync.config import yaml_loader

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
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


@pytest.mark.parametrize(("written", "seconds"), [("0123", 123), ("'0123'", 123), ("0100s", 100), ("1_000", 1000)])
def test_a_duration_of_digits_is_counted_in_tens(written: str, seconds: int) -> None:
    assert parse(f"timeout: {written}").packages[0].timeout == seconds


@pytest.mark.parametrize(
    "key", ["timeout: 12:30", "timeout: 12:30.5", "timeout: true", "limits: {files: true}", "limits: {bytes: 1:0}"]
)
def test_what_is_no_number_is_counted_as_none(key: str) -> None:
    with pytest.raises(config.UnusableConfig, match=key.rpartition(": ")[0].rpartition("{")[2]):
        parse(key)


@pytest.mark.parametrize("value", ["!!binary aGk=", "!!set {a}", "!!timestamp 2024-01-01", "!!omap [a: 1]"])
def test_a_value_of_a_type_that_the_configuration_has_not_is_refused(value: str) -> None:
    with pytest.raises(config.UnusableConfig, match="line 2"):
        parse(f"vo: {value}")


@pytest.mark.parametrize("value", [r'"\0"', r'"a\ud800"', r'["\0"]'])
def test_a_text_that_no_path_can_hold_is_refused_before_it_is_used(value: str) -> None:
    with pytest.raises(config.UnusableConfig, match="holds a null, or half a character"):
        parse(f"access: {{sshKey: {value}}}")


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
    st.recursive(st.none() | st.booleans() | st.integers() | _TEXT, lambda x: st.lists(x) | st.dictionaries(_TEXT, x))
)
def test_what_yaml_writes_is_read_as_it_was(value: object) -> None:
    assert yaml_loader.load(yaml.safe_dump(value)) == value
