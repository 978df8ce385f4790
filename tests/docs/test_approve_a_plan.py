"""The scripts of docs/how-to/approve-a-plan.md, run as a forge's runner does, against a forge that keeps comments."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import yaml

from tests import ROOT
from tests.servers.http import Answer, Request, serving

PAGE = ROOT / "docs" / "how-to" / "approve-a-plan.md"
MARK = "<!-- secretsync plan -->"
SOUND = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"
FETCHED = ("pip ", "apt-get ")
"""Lines of GitLab's script that install what the test has."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("jq") or not shutil.which("curl"), reason="the scripts use jq and curl"),
]


@dataclass
class Comments:
    """A forge as far as comments go: GitHub's issues, by JSON and pages of 30, and GitLab's notes, by forms."""

    bodies: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        number = re.search(r"/(?:comments|notes)/(\d+)$", parts.path)
        if request.method == "GET":
            query = dict(parse_qsl(parts.query))
            size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
            shown = [{"id": place, "body": body} for place, body in enumerate(self.bodies, 1)]
            return Answer(200, json.dumps(shown[(page - 1) * size : page * size]).encode())
        self.writes.append(request.method)
        form = request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        text = request.body.decode()
        body = parse_qs(text)["body"][0] if form else json.loads(text)["body"]
        if number:
            self.bodies[int(number[1]) - 1] = body
        else:
            self.bodies.append(body)
        return Answer(200, b"{}")

    @property
    def plans(self) -> list[str]:
        """The comments of the script."""
        return [body for body in self.bodies if body.startswith(MARK)]


GH = f"""#!{sys.executable}
# what 'gh api' does with the options that the page uses
import json, os, subprocess, sys, urllib.request
arguments, options = sys.argv[2:], {{}}
path = ""
while arguments:
    word = arguments.pop(0)
    if word == "--paginate":
        options[word] = True
    elif word.startswith("-"):
        options[word] = arguments.pop(0)
    else:
        path = word
def ask(path, method, body=None):
    data = json.dumps(body).encode() if body else None
    headers = {{"Content-Type": "application/json"}}
    request = urllib.request.Request(os.environ["GH_URL"] + path, data, headers, method=method)
    return json.load(urllib.request.urlopen(request))
if "-F" in options:
    key, _, value = options["-F"].partition("=@")
    ask(path, options.get("--method", "POST"), {{key: open(value).read()}})
else:
    page = 1
    while found := ask(f"{{path}}?page={{page}}", "GET"):
        subprocess.run(["jq", "-r", options["--jq"]], input=json.dumps(found).encode(), check=True)
        page += 1
"""


class Runner:
    """The checkout of a policy repository in a job of CI, and the scripts of the page."""

    def __init__(self, forge: str, url: str, folder: Path) -> None:
        self._forge, self._url, self._folder = forge, url, folder
        programs = folder / "bin"
        programs.mkdir()
        for name, text in (("gh", GH), ("secretsync", f'#!/bin/sh\nexec {sys.executable} -m secretsync "$@"\n')):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.work = folder / "work"
        self.package({"__init__.py": "SUPPORTED_VERSION = ['>=37']\n", "permission.py": SOUND})
        (self.work / "secretsync.yaml").write_text(
            "cache: cache\n"
            "packages: [{moduleName: site_policy, requirement: ./policy}]\n"
            "targets: [{cluster: {directory: manifests}, namespace: rucio}]\n"
        )
        (self.work / "manifests").mkdir()

    def package(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.work / "policy" / "site_policy" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def plan(self) -> int:
        """The exit code of the job on the merge request."""
        return self._run(_plan_script(self._forge), NUMBER="7")

    def apply(self, plan_id: str) -> int:
        """The exit code of the job that a person starts with an id."""
        return self._run(_apply_script(self._forge), PLAN=plan_id, PLAN_ID=plan_id)

    def secrets(self) -> list[str]:
        return sorted(path.name for path in (self.work / "manifests").rglob("secret-site*.yaml"))

    def _run(self, script: str, **variables: str) -> int:
        environment = {
            "PATH": f"{self._folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self._folder),
            "GH_URL": f"{self._url}/",
            "GITHUB_REPOSITORY": "site/policy",
            "CI_API_V4_URL": f"{self._url}/api/v4",
            "CI_PROJECT_ID": "1",
            "CI_MERGE_REQUEST_IID": "7",
            "FORGE_TOKEN": "token",
            **variables,
        }
        command = ["bash", "-e", "-c", script]
        return subprocess.run(command, cwd=self.work, env=environment, check=False, timeout=300).returncode


def _blocks() -> list[dict[str, Any]]:
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)]


def _plan_script(forge: str) -> str:
    github, _, gitlab = _blocks()
    return _steps(github["jobs"]["plan"]) if forge == "github" else _lines(gitlab["plan"])


def _apply_script(forge: str) -> str:
    _, github, gitlab = _blocks()
    return _steps(github["jobs"]["apply"]) if forge == "github" else _lines(gitlab["apply"])


def _steps(job: dict[str, Any]) -> str:
    return "\n".join(step["run"] for step in job["steps"] if not step.get("run", "pip ").startswith(FETCHED))


def _lines(job: dict[str, Any]) -> str:
    return "\n".join(line for line in job["script"] if not line.startswith(FETCHED))


@pytest.fixture(params=["github", "gitlab"])
def runner(request: pytest.FixtureRequest, tmp_path: Path, forge: Comments) -> Iterator[Runner]:
    with serving(forge) as url:
        yield Runner(request.param, url, tmp_path)


@pytest.fixture
def forge() -> Comments:
    return Comments([f"a person's word {number}" for number in range(130)])


def plan_id(comment: str) -> str:
    (found,) = re.findall(r"sha256:[0-9a-f]{64}", comment.partition("\n\n")[0])
    return found


def test_the_scripts_of_the_page_bring_a_plan_from_its_comment_to_its_apply(runner: Runner, forge: Comments) -> None:
    assert runner.plan() == 0
    (first,) = forge.plans
    assert "pending: 1 Secret" in first
    runner.package({"permission.py": f"{SOUND}\n\nCHANGED = True\n"})
    assert runner.plan() == 0
    (second,) = forge.plans
    assert plan_id(first) != plan_id(second)
    assert forge.writes[0] == "POST"
    assert forge.writes[1] in ("PATCH", "PUT"), "the comment is updated in place, behind more than a page of others"
    assert runner.apply(plan_id(first)) == 3
    assert runner.secrets() == []
    assert runner.apply(plan_id(second)) == 0
    assert len(runner.secrets()) == 1


def test_a_plan_that_is_refused_is_commented_and_fails_the_job(runner: Runner, forge: Comments) -> None:
    runner.package({"permission.py": "def has_permission(:\n"})
    assert runner.plan() != 0
    (comment,) = forge.plans
    assert "REFUSED" in comment
    assert len(forge.bodies) == 131
