"""Annotations are put into YAML text, and nothing else of it changes."""

from __future__ import annotations

import difflib

import pytest
import yaml

from secretsync.core.template_annotations import NotEditable, annotated

KEY = "secretsync.rucio/digest"

DEPLOYMENT = """\
# The server. Do not edit by hand!
apiVersion: apps/v1
kind: Deployment
metadata: {name: server}
spec:
  template:
    metadata:
      labels: {app: rucio-server}   # chosen by the Service
      annotations:
        # kept for the scraper
        prometheus.io/scrape: 'true'
        secretsync.rucio/digest: old  # ours
    spec:
      containers:
      - name: httpd-server
        command: ["/bin/sh", "-c", >-
          exec   httpd
"""


def added_and_removed(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def annotations(text: str, document: int = 0) -> object:
    return list(yaml.safe_load_all(text))[document]["spec"]["template"]["metadata"]["annotations"]


def test_a_value_that_is_there_is_replaced_and_its_comment_stays() -> None:
    text = DEPLOYMENT.replace(">-\n          exec   httpd", '"httpd"]')
    assert added_and_removed(text, annotated(text, 0, (), {KEY: "new"})) == [
        "-         secretsync.rucio/digest: old  # ours",
        '+         secretsync.rucio/digest: "new"  # ours',
    ]


def test_a_missing_key_is_one_new_line() -> None:
    text = "spec:\n  template:\n    metadata:\n      annotations:\n        # why\n        a: b\n    spec: {}\n"
    assert added_and_removed(text, annotated(text, 0, (), {KEY: "1"})) == [f'+         {KEY}: "1"']


def test_missing_annotations_are_written_in_the_style_of_the_file() -> None:
    text = "spec:\n  template:\n    spec:\n      containers: []\n"
    assert annotated(text, 0, (), {KEY: "1"}) == (
        f'spec:\n  template:\n    metadata:\n      annotations:\n        {KEY}: "1"\n    spec:\n      containers: []\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "spec: {template: {metadata: {labels: {a: b}}, spec: {}}}",
        "spec: {template: {metadata: {annotations: {}}}}",
        "spec: {template: {metadata: {annotations: {a: b}}}}",
        "spec: {template: {}}",
        "spec:\n  template:\n    metadata:\n",
        "spec:\n  template:\n    metadata:\n      annotations:\n      labels: {a: b}\n",
        "spec:\n  template:\n    metadata:\n      annotations: ~\n",
        "spec:\n  template:\n    metadata: {annotations: null}\n",
        'spec:\n  "template":\n    spec: {}',
        "spec:\r\n  template:\r\n    spec: {}\r\n",
        "spec:\n  template:\n    metadata:\n      annotations:\n        " + KEY + ": |\n          old\n        z: 1\n",
        "# é😀\nspec:\n  template:\n    metadata:\n      annotations: {'é': '😀'}\n",
        '{"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}',
    ],
)
def test_every_style_of_yaml_takes_the_annotation(text: str) -> None:
    edited = annotated(text, 0, (), {KEY: "😀\n'\"", "a-second/one": "2"})
    got = annotations(edited)
    assert isinstance(got, dict)
    assert got[KEY] == "😀\n'\""
    assert got["a-second/one"] == "2"
    assert annotated(edited, 0, (), {KEY: "😀\n'\"", "a-second/one": "2"}) == edited
    assert ("\r\n" in text) == ("\r\n" in edited)


def test_only_the_named_document_and_item_are_touched() -> None:
    item = "{spec: {template: {}}}"
    text = f"--- {item}\n---\nitems:\n- {item}\n- {item}\n--- {item}\n"
    edited = annotated(text, 1, ("items", 1), {KEY: "1"})
    assert added_and_removed(text, edited) == [
        f"- - {item}",
        f'+ - {{spec: {{template: {{"metadata": {{"annotations": {{"{KEY}": "1"}}}}}}}}}}',
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: &t {metadata: {annotations: {x: y}}}\nspec: {template: *t}\n",
        "a: &t {metadata: {labels: {x: y}}}\nspec: {template: {<<: *t}}\n",
        "spec: {template: [1]}\n",
    ],
)
def test_what_cannot_be_edited_without_touching_more_is_refused(text: str) -> None:
    with pytest.raises(NotEditable):
        annotated(text, 0, (), {KEY: "1"})
