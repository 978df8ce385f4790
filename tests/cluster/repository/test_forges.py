"""What forges answer on their bad days, as they document it: a sentence each, and which request is found."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from secretsync.cluster.repository.errors import ForgeRefused
from secretsync.cluster.repository.forge import Forge, Request, rest
from secretsync.cluster.repository.forge.rest import Api
from secretsync.config.access import Access

HOSTS = {
    "github": "https://api.github.com",
    "gitlab": "https://gitlab.com/api/v4",
    "gitea": "https://codeberg.org/api/v1",
}
LISTS = {
    "github": "/repos/site/flux/pulls",
    "gitlab": "/projects/site%2Fflux/merge_requests",
    "gitea": "/repos/site/flux/pulls",
}
BRANCH = "secretsync/secretsync/rucio"


def opened(kind: str) -> Forge:
    module = import_module(f"secretsync.cluster.repository.forge.{kind}")
    api = Api(HOSTS[kind], module.headers("s3cret"), Access(), Path(), "sent the token of environment variable TOKEN")
    forge: Forge = module.Forge(api, "site/flux")
    return forge


def refusal(kind: str, **answer: Any) -> str:
    """What is said when a request is to be opened, and this answers."""
    with responses.RequestsMock() as mock:
        mock.add(responses.POST, HOSTS[kind] + LISTS[kind], **answer)
        with pytest.raises(ForgeRefused) as raised:
            opened(kind).open(BRANCH, "main", "title", "body")
    sentence = str(raised.value)
    assert raised.value.exit_code == 1
    assert "\n" not in sentence
    assert "s3cret" not in sentence
    return sentence


@pytest.mark.parametrize("kind", HOSTS)
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 401, "json": {"message": "Bad credentials"}}, ["renew it (Bad credentials)", "variable TOKEN"]),
        ({"status": 403, "json": {"message": "no"}}, ["the right to write merge requests (no)", "variable TOKEN"]),
        ({"status": 404, "json": {"message": "Not Found"}}, ["no such repository", "turned off there (Not Found)"]),
        ({"status": 410, "json": {"message": "Issues are disabled"}}, ["turned off there", "(Issues are disabled)"]),
        ({"status": 301, "json": {"message": "Moved Permanently"}}, ["was renamed or moved: correct 'repository'"]),
        ({"status": 307, "headers": {"Location": "https://else.where"}}, ["was renamed or moved"]),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, ["too many requests, it asks to wait for 3600 s;"]),
        ({"status": 429, "headers": {"Retry-After": "Wed, 01 Jan 2031 00:00:00 GMT"}}, ["too many requests;"]),
        ({"status": 500, "body": "<html>Oops</html>"}, ["HTTP 500, it failed;"]),
        ({"status": 503, "json": {"error": "Maintenance"}}, ["HTTP 503, it failed (Maintenance);"]),
        ({"status": 200, "body": "<html>Sign in</html>"}, ["what answers is not its API"]),
        ({"status": 201, "json": []}, ["what answers is not its API"]),
        ({"status": 201, "json": {"number": None, "iid": None}}, ["what answers is not its API"]),
        ({"status": 400, "json": {"message": [["a"] * 9] * 9}}, ["HTTP 400, it refuses (a: a: a"]),
        ({"status": 400, "body": "[" * 5000}, ["HTTP 400, it refuses;"]),
        ({"status": 422, "json": {"message": "two\nlines\x1b[31m"}}, ["it is not accepted (two lines"]),
        ({"body": requests.ConnectionError("no route to 10.1.2.3")}, ["it cannot be reached (ConnectionError)"]),
        ({"body": requests.Timeout()}, ["it did not answer in time"]),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_a_refusal_says_what_it_means(kind: str, answer: dict[str, Any], words: list[str]) -> None:
    sentence = refusal(kind, **answer)
    assert "cannot open a " in sentence
    assert sentence.endswith("the branch is pushed, and the next run tries again")
    for word in words:
        assert word in sentence


def test_github_tells_a_limit_of_its_rate_by_403() -> None:
    for headers in ({"Retry-After": "60"}, {"X-RateLimit-Remaining": "0"}):
        sentence = refusal("github", status=403, headers=headers, json={"message": "API rate limit exceeded"})
        assert "too many requests" in sentence
        assert "give it the right" not in sentence
        assert "TOKEN" not in sentence


@pytest.mark.parametrize(
    ("kind", "status", "content", "words"),
    [
        (
            "github",
            422,
            {"message": "Validation Failed", "errors": [{"message": "A pull request already exists for site:b."}]},
            "(Validation Failed: A pull request already exists for site:b.)",
        ),
        (
            "github",
            422,
            {"message": "Validation Failed", "errors": ["No commits between main and b"]},
            "(Validation Failed: No commits between main and b)",
        ),
        (
            "gitlab",
            409,
            {"message": ["Another open merge request already exists for this source branch: !3"]},
            "(Another open merge request already exists for this source branch: !3)",
        ),
        ("gitlab", 400, {"message": {"base": ["Target branch is missing"]}}, "(Target branch is missing)"),
        ("gitlab", 403, {"error": "insufficient_scope", "scope": "api"}, "(insufficient_scope)"),
        ("gitea", 409, {"message": "pull request already exists for these targets"}, "(pull request already exists"),
        ("gitea", 423, {"message": "repository is archived"}, "(repository is archived)"),
    ],
)
def test_a_forge_s_own_words_are_shown(kind: str, status: int, content: dict[str, Any], words: str) -> None:
    assert words in refusal(kind, status=status, json=content)


def test_a_forge_that_asks_for_an_hour_gets_seconds() -> None:
    assert rest._RETRIES.parse_retry_after("3600") == 20
    assert rest._RETRIES.parse_retry_after("2") == 2
    assert rest._RETRIES.parse_retry_after("soon") == 0
    assert not rest._RETRIES.raise_on_status, "the last answer is what the sentence is made of"


def pull(number: int, branch: str, state: str = "open", **more: Any) -> dict[str, Any]:
    refs = {"head": {"ref": branch, "sha": f"{number}" * 4}, "base": {"ref": "main"}}
    return {"number": number, "html_url": f"https://f/{number}", "state": state, **refs, **more}


@responses.activate
def test_gitea_finds_a_request_behind_many_others() -> None:
    url = HOSTS["gitea"] + LISTS["gitea"]
    pages = [[pull(200 - number, "other") for number in range(50)], [pull(9, BRANCH)]]
    for number, pulls in enumerate(pages, 1):
        query = {"state": "open", "limit": "50", "page": str(number)}
        responses.get(url, json=pulls, match=[responses.matchers.query_param_matcher(query)])
    assert opened("gitea").find(BRANCH, "main") == Request(9, "https://f/9", "9999")


@responses.activate
def test_gitea_shows_requests_whose_branch_is_gone() -> None:
    url = HOSTS["gitea"] + LISTS["gitea"]
    responses.get(url, json=[pull(8, ""), pull(7, BRANCH, "closed", merged_at="2026-01-01T00:00:00Z")])
    assert opened("gitea").find(BRANCH, "main") == Request(7, "https://f/7", "7777", is_open=False, merged=True)


@responses.activate
@pytest.mark.parametrize("kind", HOSTS)
@pytest.mark.parametrize("forks_repository", [{"id": 2}, None], ids=["fork", "deleted fork"])
def test_a_request_from_a_branch_of_our_name_in_a_fork_is_not_ours(
    kind: str, forks_repository: dict[str, int] | None
) -> None:
    strangers = pull(6, BRANCH) | {"iid": 6, "source_project_id": 2, "target_project_id": 1}
    strangers["head"]["repo"], strangers["base"]["repo"] = forks_repository, {"id": 1}
    responses.get(HOSTS[kind] + LISTS[kind], json=[strangers])
    assert opened(kind).find(BRANCH, "main") is None


@responses.activate
@pytest.mark.parametrize("kind", HOSTS)
def test_no_request_at_all_is_none(kind: str) -> None:
    responses.get(HOSTS[kind] + LISTS[kind], json=[])
    assert opened(kind).find(BRANCH, "main") is None


@responses.activate
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_an_open_request_is_found_before_a_later_one_that_was_closed(kind: str) -> None:
    numbers = {"number", "iid"}
    later, earlier = (
        dict.fromkeys(numbers, number) | {"state": state, "head": {"sha": "c"}, "sha": "c"}
        for number, state in ((5, "closed"), (4, "open" if kind == "github" else "opened"))
    )
    responses.get(HOSTS[kind] + LISTS[kind], json=[later, earlier])
    found = opened(kind).find(BRANCH, "main")
    assert found
    assert (found.number, found.is_open) == (4, True)


@pytest.mark.parametrize(
    ("request_found", "declined"),
    [
        (Request(1, "", "c", is_open=False), True),
        (Request(1, "", "other", is_open=False), False),
        (Request(1, "", "c", is_open=False, merged=True), False),
        (Request(1, "", "c"), False),
    ],
)
def test_a_request_is_declined_where_it_was_closed_at_this_commit_without_a_merge(
    request_found: Request, *, declined: bool
) -> None:
    assert request_found.declines("c") is declined
