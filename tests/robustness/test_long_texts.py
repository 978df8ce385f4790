"""Texts that others write, each the worst case of what reads it: once through is enough, whatever its length.

Each took minutes to days where something starts again at each letter; a test that hangs is ended.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from functools import partial

import pytest
import yaml

from secretsync.cluster.errors import Call, Denied, InvalidObject, Refusal, UnreadableSelector
from secretsync.cluster.refusals import refusal
from secretsync.cluster.selector import selects
from secretsync.config import yaml_loader
from secretsync.config.requirement import UnusableRequirement, parse
from secretsync.core.errors import SecretSyncError, SourceError
from secretsync.core.foreign import read_yaml
from secretsync.core.log import redact
from secretsync.core.model import Manifest
from secretsync.reconcile.canary.entrypoint import command
from secretsync.rucio.charts import site_values
from secretsync.rucio.conditions.container import Unknown, environment
from secretsync.sources.index.page import files_of

pytestmark = pytest.mark.timeout(60)

CALL = Call("create", "secrets", "rucio", "policy")
MEGA = 1024 * 1024


def refused(message: str, sent: Manifest | None = None) -> Refusal:
    return refusal(CALL, 422, json.dumps({"kind": "Status", "message": message}).encode(), sent)


@pytest.mark.parametrize("text", ["eyJ-" * 300_000, "eyJ" * 300_000, "eyJa.b-" * 9 + "eyJ-" * 300_000, "://" * 100_000])
def test_a_log_line_full_of_what_is_nearly_a_token_is_masked(text: str) -> None:
    assert redact(text).endswith(text[-3:])


@pytest.mark.parametrize("text", [":" * 1990, "a:" * 990, "git+https://h/" + ":" * 1900])
def test_a_requirement_full_of_colons_is_read(text: str) -> None:
    with contextlib.suppress(UnusableRequirement):
        parse(text)


def test_a_refusal_that_names_policies_without_end_is_read() -> None:
    assert isinstance(refused("ValidatingAdmissionPolicy 'a'" * 300_000), InvalidObject)


@pytest.mark.parametrize("words", ["x " * 3 * MEGA, " ".join(f"{number:020}" for number in range(300_000))])
def test_a_webhooks_refusal_of_megabytes_is_compared_with_the_secret_that_was_sent(words: str) -> None:
    lines = "\n".join(f"line {number}" for number in range(50_000))
    sent = {"data": {"a": base64.b64encode(lines.encode()).decode()}}
    denied = refused(f'admission webhook "w" denied the request: {words}', sent)
    assert isinstance(denied, Denied)
    assert words[:10] in str(denied)


def test_words_of_a_secret_in_a_long_refusal_are_not_shown() -> None:
    sent = {"data": {"a": base64.b64encode(b"hunter2hunter2hunter2").decode()}}
    assert "hunter2" not in str(
        refused('admission webhook "w" denied the request: hunter2hunter2hunter2' + " x" * MEGA, sent)
    )


@pytest.mark.parametrize("selector", [" " * 100_000, "a" + " " * 100_000 + "!", "!" + " " * 100_000])
def test_a_selector_of_spaces_is_refused(selector: str) -> None:
    with pytest.raises(UnreadableSelector):
        selects(selector, {})


@pytest.mark.parametrize(
    "script",
    [
        "rucio-a" + " " * 200_000 + ";",
        "rucio-x " * 50_000 + "&&",
        "python -" * 50_000,
        "python -m rucio" + " x" * 90_000 + ";",
    ],
)
def test_a_script_of_a_pod_that_nearly_ends_in_rucio_is_not_followed(script: str) -> None:
    assert command({"command": ["sh", "-c", script]}, ["probe"]) == ["python3", "probe"]


def test_variables_that_each_repeat_the_one_before_are_not_expanded_beyond_what_a_process_may_have() -> None:
    doubled = [{"name": f"A{n}_PYTHONPATH", "value": f"$(A{n - 1}_PYTHONPATH)" * 2} for n in range(1, 60)]
    seen = environment({"env": [{"name": "A0_PYTHONPATH", "value": "x"}, *doubled]}, {})
    assert seen["A3_PYTHONPATH"] == "x" * 8
    assert isinstance(seen["A18_PYTHONPATH"], Unknown)


@pytest.mark.parametrize("bracket", ["{", "[", "a: [b, "])
def test_values_with_brackets_that_are_never_closed_are_refused_before_they_are_parsed(bracket: str) -> None:
    with pytest.raises(SecretSyncError, match="nested too deeply"):
        site_values.read(bracket * 100_000)


@pytest.mark.parametrize("comment", ["", "#" * 300_000])
@pytest.mark.parametrize("load", [yaml_loader.load, site_values.read])
def test_an_escape_in_yaml_that_is_no_character_is_a_fault_of_the_file(
    load: Callable[[str], object], comment: str
) -> None:
    with pytest.raises((yaml.YAMLError, SecretSyncError), match=r"no character|cannot be read"):
        load(f'a: "\\UFFFFFFFF"\n{comment}\n')


@pytest.mark.parametrize("comment", ["", "#" * 300_000])
def test_an_escape_in_yaml_that_is_no_character_is_an_error_of_yaml(comment: str) -> None:
    with pytest.raises(yaml.YAMLError, match="no character"):
        list(read_yaml(f'a: "\\UFFFFFFFF"\n{comment}\n', yaml.SafeLoader))


class Damaged(SourceError):
    """What a page is refused with."""


PAGES: dict[str, Callable[[], str]] = {
    "comments that are never closed": partial(str, "<!--" * 8_000 + "<a href=my_policy-1-py3-none-any.whl>"),
    "signs that begin an entity": partial(str, "&" * 8 * MEGA),
    "tags": partial(str, "<i>" * 2 * MEGA),
    "ends of tags": partial(str, "</" * 4 * MEGA),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_markup_that_is_never_closed_is_refused_before_it_is_parsed(page: str) -> None:
    with pytest.raises(Damaged):
        files_of("my-policy", "text/html", "https://index/simple/my-policy/", PAGES[page](), Damaged)


def test_a_page_with_comments_and_entities_is_read() -> None:
    files = "".join(
        f'<!-- {n} --><a href="my_policy-{n}-py3-none-any.whl?&amp;" data-requires-python="&gt;=3.6,&lt;4">x</a><br/>\n'
        for n in range(2_000)
    )
    assert len(files_of("my-policy", "text/html", "https://index/simple/my-policy/", files, Damaged)) == 2_000
