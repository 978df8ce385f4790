"""Where redirects lead: credentials stay with one scheme, host and port, or go from http to https of one host."""

from __future__ import annotations

import pytest

from secretsync.sources.redirects import origin, repository_at, stays

_QUERY = "/info/refs?service=git-upload-pack"


@pytest.mark.parametrize(
    ("location", "repository"),
    [
        (f"https://h/group/policy.git{_QUERY}", "https://h/group/policy.git"),
        (f"/group/renamed{_QUERY}", "https://h/group/renamed"),
        (f"https://elsewhere/policy{_QUERY}", "https://elsewhere/policy"),
        (f"https://user:password@h/policy{_QUERY}", "https://h/policy"),
        ("https://h/users/sign_in?next=/group/policy", ""),
        ("", ""),
    ],
)
def test_a_redirect_names_a_repository_or_none(location: str, repository: str) -> None:
    assert repository_at("https://h/group/policy", location) == repository


@pytest.mark.parametrize(
    ("url", "other", "allowed"),
    [
        ("https://h/a", "https://h/a.git", True),
        ("https://h/a", "https://h:443/b", True),
        ("http://h/a", "https://h/a", True),
        ("https://h/a", "http://h/a", False),
        ("https://h/a", "https://h:8443/a", False),
        ("https://h/a", "https://h.evil.example/a", False),
        ("https://h/a", "ssh://h/a", False),
        ("https://h/a", "file:///a", False),
    ],
)
def test_credentials_go_to_one_origin_or_its_upgrade(url: str, other: str, allowed: bool) -> None:
    assert stays(url, other) is allowed


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("HTTPS://Index.example.org/x") == origin("https://index.example.org:443/y")
    assert origin("https://index.example.org/") != origin("https://index.example.org:8443/")
