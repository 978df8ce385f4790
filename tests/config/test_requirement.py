"""pip's forms, one row each: what they mean and what is refused with which remedy."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.config.requirement import (
    CredentialsInRequirement,
    DirectoryRequirement,
    GitRequirement,
    IndexRequirement,
    UnusableRequirement,
    parse,
)
from secretsync.core.errors import ConfigError

SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("git+https://host/repo", GitRequirement("https://host/repo")),
        ("git+https://host/org/repo.git@v0.1.0", GitRequirement("https://host/org/repo.git", "v0.1.0")),
        ("git+https://host/repo@v1#subdirectory=src/policy", GitRequirement("https://host/repo", "v1", "src/policy")),
        ("git+https://host/repo#egg=x&subdirectory=/a//b/", GitRequirement("https://host/repo", "", "a/b")),
        ("git+https://host/r@x@feature/y", GitRequirement("https://host/r@x", "feature/y")),
        ("git+https://host:8443/repo@main", GitRequirement("https://host:8443/repo", "main")),
        ("git+ssh://git@host/repo@v1", GitRequirement("ssh://git@host/repo", "v1")),
        ("git+ssh://git@[fe80::1%25eth0]:2222/r", GitRequirement("ssh://git@[fe80::1%25eth0]:2222/r")),
        (f"git+https://h/r@{SHA[:40].upper()}", GitRequirement("https://h/r", SHA[:40])),
        ("git+ssh://git@host:2222/org/repo", GitRequirement("ssh://git@host:2222/org/repo")),
        ("git+file:///srv/git/repo.git@main", GitRequirement("file:///srv/git/repo.git", "main")),
        ("rucio-policy @ git+https://host/repo@v1", GitRequirement("https://host/repo", "v1")),
        ("rucio-policy@git+ssh://git@host/repo@v1", GitRequirement("ssh://git@host/repo", "v1")),
        ("rucio-policy==1.4.0", IndexRequirement("rucio-policy", "==1.4.0")),
        (" rucio-policy ", IndexRequirement("rucio-policy")),
        ("rucio_policy ~= 1.4", IndexRequirement("rucio_policy", "~=1.4")),
        ("rucio-policy[extra]>=1,<2", IndexRequirement("rucio-policy", "<2,>=1")),
        (f"rucio-policy==1.4.0 --hash=sha256:{SHA}", IndexRequirement("rucio-policy", "==1.4.0", hashes=(SHA,))),
        (
            f"p @ https://host/f/p-1.0-py3-none-any.whl#sha256={SHA}",
            IndexRequirement("p", url="https://host/f/p-1.0-py3-none-any.whl", hashes=(SHA,)),
        ),
        ("https://host/p_x-1.0.tar.gz", IndexRequirement("p_x", url="https://host/p_x-1.0.tar.gz")),
        ("git+https://h/r#subdirectory=c++", GitRequirement("https://h/r", "", "c++")),
        ("git+https://h/r#subdirectory=my%20dir&egg=x", GitRequirement("https://h/r", "", "my dir")),
        ("git+https://h/My Project/_git/r@main", GitRequirement("https://h/My%20Project/_git/r", "main")),
        ("git+ssh://git@h:22/~me/r@main", GitRequirement("ssh://git@h:22/~me/r", "main")),
        ("./policy", DirectoryRequirement("./policy")),
        ("..", DirectoryRequirement("..")),
        ("src/policy", DirectoryRequirement("src/policy")),
        ("/srv/a b/policy", DirectoryRequirement("/srv/a b/policy")),
        ("file:///srv/a%20b", DirectoryRequirement("/srv/a b")),
    ],
)
def test_each_of_pips_forms_is_understood(text: str, meaning: object) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("-e git+https://host/repo", "an option of pip"),
        ("--upload-pack=x", "an option of pip"),
        ("git+https://host/repo\n@v1", "control character"),
        ("git+https://host/re\0po", "control character"),
        ("git+ext::sh -c id", "runs a command"),
        ("ext::sh -c id", "runs a command"),
        ("hg+https://host/repo", "only git"),
        ("git+git@host:org/repo", "git+ssh://git@host/path"),
        ("git@host:org/repo.git", "git+ssh://git@host/path"),
        ("git+ssh://git@host:org/repo.git@main", "write host/org… instead of host:org…"),
        ("git+codecommit::eu-central-1://policy", "'codecommit::' runs a command"),
        ("codecommit::eu-central-1://policy", "'codecommit::' runs a command"),
        ("git+git://host/repo", "git+https"),
        ("git+https://host/repo@", "cannot be the name"),
        ("git+https://host/repo@--upload-pack=x", "cannot be the name"),
        ("git+https://host/repo@a..b", "cannot be the name"),
        ("git+https://host/repo@a b", "cannot be the name"),
        ("git+ssh://-oProxyCommand=x/repo", "begin with '-'"),
        ("git+https://host/-repo", "begin with '-'"),
        ("git+https://host", "no repository"),
        ("git+https:///repo", "no host"),
        ("git+https://h:0/repo", "0 is no port"),
        ("git+https://h /repo", "holds a blank"),
        ("git+https://h%40elsewhere/repo", "holds a blank or a '%'"),
        ("git+https://h:99999/repo", "host or port"),
        ("git+ssh://a;b@h/repo", "in no user's name"),
        ("git+ssh://$(id)@h/repo", "in no user's name"),
        ("git+https://host/repo?x=1", "no '?'"),
        ("git+https://host/repo#subdirectory=../x", "leads out"),
        ("git+https://host/repo#branch=x", "#subdirectory="),
        ("https://host/org/repo", "begins with 'git+'"),
        ("p==1 --hash=md5:abc", "must be sha256"),
        ("p==1; python_version > '3'", "condition"),
        ("p @ ftp://host/x.whl", "neither"),
        ("p = 1", "is none of"),
        ("file://host/x", "three slashes"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_the_remedy(text: str, words: str) -> None:
    with pytest.raises(UnusableRequirement, match=r".") as refused:
        parse(text)
    assert words in str(refused.value)
    assert isinstance(refused.value, ConfigError)


@pytest.mark.parametrize(
    "text",
    [
        "git+https://user:canary@host/repo@v1",
        "git+https://canary@host/repo",
        "git+ssh://git:canary@host/repo",
        "p @ git+https://oauth2:canary@host/repo",
        "https://canary@host/p-1-py3-none-any.whl",
        "p @ https://a:canary@host/p-1-py3-none-any.whl",
        "git+https:/u:canary@host/repo",
        "git+https:u:canary@host/repo",
        "git+https:///u:canary@host/repo",
        "https://https://u:canary@host/x.whl",
        "u:canary@host:repo",
        "git+u:canary@host:repo",
        "p @ u:canary@host:repo",
        "https://host/p-1-py3-none-any.whl?private_token=canary",
        "p @ https://host/p-1-py3-none-any.whl?X-Amz-Signature=canary",
        "git+https://host/repo?access_token=canary",
        "git+https://host/repo;token=canary",
        "git+https://host/repo#subdirectory=a&token=canary",
        "git+https://host/repo#egg=a&access%5Ftoken=canary",
        "git+https://host/repo#access_token=canary",
        "git+https://u:canary x@host/repo",
        "git+https://u:canary#x@host/repo",
        "git+https://u:canary?x@host/repo",
    ],
)
def test_a_credential_in_the_url_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(CredentialsInRequirement) as refused:
        parse(text)
    assert "'access'" in str(refused.value)
    assert "canary" not in f"{refused.value} {refused.value!r} {refused.value.args}"


@pytest.mark.parametrize(
    "text",
    [
        "git+https:/canary@host/repo",
        "git+https:canary@host/repo",
        "git+canary@host:repo",
        "canary@host:repo",
        "git+https://host/repo?x=canary",
        "git+https://u:canary/x@host/repo",
        "git+https://u:x/canary@host/repo@v1",
        "git+https:/u:canary/x@host/repo",
        "git+u:canary/x@host:repo",
        "u:canary/x@host:repo",
        "name @ git+https://u:canary/x@host/repo",
        "git+https://host/repo#subdirectory=a&x=canary",
        "https://host/p.txt?x=canary",
        "git+ftp://canary@host/repo",
        "hg+https://canary@host/repo",
        "-e git+https://canary@host/repo",
    ],
)
def test_what_may_be_a_credential_of_a_mistyped_url_is_not_repeated(text: str) -> None:
    with pytest.raises(UnusableRequirement) as refused:
        parse(text)
    assert "canary" not in f"{refused.value} {refused.value!r} {refused.value.args}"


@pytest.mark.parametrize(
    "text", ["git+https://host/repo@a..b", "git+ssh://git@host:22/org/repo@a..b", "git+file:///srv/a@b..c"]
)
def test_a_url_without_credentials_is_repeated_as_it_is(text: str) -> None:
    with pytest.raises(UnusableRequirement) as refused:
        parse(text)
    assert refused.value.requirement == text


def test_every_digest_of_a_files_url_is_kept() -> None:
    found = parse(f"https://host/p-1.0.tar.gz#md5={'0' * 32}&sha256={SHA}&sha512={'a' * 128}")
    assert isinstance(found, IndexRequirement)
    assert (found.hashes, found.digests) == ((SHA,), (("md5", "0" * 32), ("sha512", "a" * 128)))


def test_a_requirement_longer_than_any_is_not_read() -> None:
    with pytest.raises(UnusableRequirement, match="more than 2,000 characters") as refused:
        parse("a" * 200_000)
    assert len(str(refused.value)) < 400


@given(st.text())
def test_any_text_is_a_requirement_or_a_named_error(text: str) -> None:
    with contextlib.suppress(UnusableRequirement):
        assert isinstance(parse(text), (GitRequirement, IndexRequirement, DirectoryRequirement))
