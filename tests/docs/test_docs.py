"""The documentation keeps to what is there: its links lead somewhere, its commands and configurations exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from secretsync import config
from secretsync.cli.main import cli
from tests import ROOT

PAGES = sorted(
    path
    for folder in (ROOT / "docs", ROOT / "examples")
    for path in folder.rglob("*.md")
    if "reference" not in path.parts
) + [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """As forges make them of headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in _LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        if link.startswith(("http://", "https://")):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(link)
    assert lost == []


def commands(page: Path) -> Iterator[list[str]]:
    """The arguments of each ``secretsync`` that stands at the beginning of a line, in a pipe or in backquotes."""
    text = page.read_text()
    lines = [line for _, block in _FENCE.findall(text) for line in block.splitlines()]
    lines += re.findall(r"`(secretsync [^`\n]+)`", _FENCE.sub("", text))
    for line in lines:
        told = re.sub(r"^\s*(- run: |- |\$ )?", "", line.split("  #")[0].split(" # ")[0])
        if told.startswith("secretsync ") and "…" not in told:
            words = re.split(r" [|>&]|\s{3,}", told)[0]
            yield shlex.split(words.replace("[", "").replace("]", ""))[1:]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_and_option_exists(page: Path) -> None:
    unknown = [arguments for arguments in commands(page) if not exists(arguments)]
    assert unknown == []


def exists(arguments: list[str]) -> bool:
    context: click.Context = click.Context(cli, info_name="secretsync")
    command: click.Command = cli
    for word in arguments:
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        if word.startswith("-"):
            if word.partition("=")[0] not in known | {"--help"}:
                return False
        elif command is cli:
            found = cli.get_command(context, word)
            command = found or command
            if found is None and word.islower() and word.isalpha() and word not in ("json", "text"):
                return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_whole_configuration_can_be_used_and_every_part_has_keys_that_exist(page: Path) -> None:
    for language, block in _FENCE.findall(page.read_text()):
        if language != "yaml":
            continue
        told = yaml.safe_load(block)
        if isinstance(told, dict) and told.keys() <= config.Config.model_json_schema()["properties"].keys():
            whole = {
                "packages": [{"moduleName": "site_policy", "requirement": "./site_policy"}],
                "targets": [{"cluster": {"context": "production"}, "namespace": "rucio"}],
                **told,
            }
            assert config.parse(whole, page).packages


MODULE_NAMES = {path.name for folder in ("secretsync", "scripts", "tests") for path in (ROOT / folder).rglob("*.py")}
NO_MODULES_OF_OURS = {"permission.py", "schema.py", "NAME.py"}
"""Those of a policy package, and what stands for a name."""


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    names = set(re.findall(r"`(?:[\w/]+/)?(\w+\.py)`", page.read_text()))
    assert names - MODULE_NAMES - NO_MODULES_OF_OURS == set()
