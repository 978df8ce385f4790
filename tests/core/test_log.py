from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from secretsync.core import log


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:hunter2@git.example.org/x", "https://***@git.example.org/x"),
        ("https://user:hunt@er2@git.example.org/x", "https://***@git.example.org/x"),
        ("https://git.example.org/x?mail=a@b", "https://git.example.org/x?mail=a@b"),
        ("ssh://git@github.com/x", "ssh://***@github.com/x"),
        ("token ghp_0123456789abcdefghij was refused", "token *** was refused"),
        ("glpat-0123456789abcdefghij", "***"),
        ("key=eyJhbGciOi.eyJzdWIi.c2ln, x-eyJhbGciOi.eyJzdWIi.c2ln.", "key=***, x-***."),
        ("eyJ-eyJhbGciOi.eyJzdWIi.c2ln eyJhbGciOi.eyJzdWIi", "*** eyJhbGciOi.eyJzdWIi"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, shown: str) -> None:
    assert log.redact(text) == shown


CREDENTIAL = 'pa ss/w+rd"7fd1c9'


@pytest.mark.parametrize(
    "words",
    [
        CREDENTIAL,
        quote(CREDENTIAL, safe=""),
        quote(CREDENTIAL, safe="").lower(),
        quote_plus(CREDENTIAL),
        json.dumps({"password": CREDENTIAL}),
        *(base64.b64encode(f"{before}{CREDENTIAL}:".encode()).decode() for before in ("", "u", "us")),
        base64.urlsafe_b64encode(f"user:{CREDENTIAL}".encode()).decode(),
        CREDENTIAL.replace("w+", "w\n+"),
        CREDENTIAL.replace("w+", "w\r\n   +"),
        "".join(f"\x1b[31m{character}\x1b[0m" for character in CREDENTIAL),
        base64.encodebytes(b"x" * 70 + CREDENTIAL.encode()).decode(),
        f"Authorization: Bearer {CREDENTIAL}",
    ],
)  # fmt: skip
def test_a_credential_is_masked_however_it_is_written(words: str) -> None:
    log.register_secret(CREDENTIAL)
    shown = log.foreign_text(f"before {words} after")
    assert "***" in shown
    for rest in ("7fd1", "N2ZkM", "dmZDF", "3ZmQx", "w+r", "w%2B", "w%2b"):
        assert rest not in shown
    assert (shown[:6], shown[-5:]) == ("before", "after")


@given(st.text(min_size=8, max_size=40), st.binary(max_size=8), st.binary(max_size=8))
def test_base64_of_a_credential_is_masked_wherever_it_begins(credential: str, before: bytes, after: bytes) -> None:
    log._credentials.clear()
    log.register_secret(credential)
    assert "***" in log.redact(base64.b64encode(before + credential.encode() + after).decode())


def test_facts_named_like_credentials_are_masked_whatever_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", verbosity=0)
    structlog.get_logger().info("asked", token="hunter2", why="https://a:hunter2@b")
    told = json.loads(capsys.readouterr().err)
    assert (told["token"], told["why"], told["event"]) == ("***", "https://***@b", "asked")


def test_a_line_says_what_happened_then_the_facts_then_why(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text", verbosity=0)
    structlog.get_logger().warning("restarted", workload="Deployment rucio/x", why="it is stale")
    assert capsys.readouterr().err[9:] == "warning: restarted  workload=Deployment rucio/x: it is stale\n"


def test_a_traceback_shows_no_locals(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text", verbosity=0)

    def read() -> None:
        content = "hunter2"
        raise ValueError(len(content))

    try:
        read()
    except ValueError:
        structlog.get_logger().exception("bug")
    told = capsys.readouterr().err
    assert told.splitlines()[-1] == "builtins.ValueError"
    assert "in read" in told
    assert "hunter2" not in told


def test_a_traceback_shows_no_text_of_an_exception_nor_of_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text", verbosity=0)

    def read() -> None:
        try:
            dict[str, str]()["words of a 7fd1c9"]
        except KeyError:
            raise ValueError("more words of a 7fd1c9")  # noqa: B904 - the cause shall be implicit

    try:
        read()
    except ValueError:
        structlog.get_logger().exception("bug")
    told = capsys.readouterr().err
    assert ("7fd1c9" in told, "builtins.KeyError\nwhich led to:" in told) == (False, True)


def test_what_was_read_as_a_credential_is_in_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text", verbosity=0)
    log.register_secret("correct horse battery")
    structlog.get_logger().warning("refused", why="the server said: correct horse battery is wrong")
    assert capsys.readouterr().err[9:] == "warning: refused: the server said: *** is wrong\n"


PASSWORD = "p@ss w/ör%d:?#&=+\"x'<>\\z"
REPEATED: dict[str, Callable[[str], str]] = {
    "in a path": quote,
    "in a URL": lambda password: quote(password, safe=""),
    "in a URL in lower case": lambda password: re.sub("%..", lambda escape: escape[0].lower(), quote(password)),
    "in a form": quote_plus,
    "in JSON": lambda password: json.dumps(password)[1:-1],
    "in JSON of UTF-8": lambda password: json.dumps(password, ensure_ascii=False)[1:-1],
    "as Python's text": lambda password: repr(password)[1:-1],
    "as Python's bytes": lambda password: repr(password.encode())[2:-1],
}


@pytest.mark.parametrize("form", REPEATED)
def test_a_credential_is_masked_as_others_repeat_it(form: str) -> None:
    log.register_secret(PASSWORD)
    assert log.redact(f"[{REPEATED[form](PASSWORD)}]") == "[***]"


@pytest.mark.parametrize(
    "fact",
    [ValueError(PASSWORD), PASSWORD.encode(), {PASSWORD}, [ValueError(PASSWORD)], {"x": (Path(PASSWORD),)}],
    ids=lambda fact: type(fact).__name__,
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_it_is_masked_in_facts_of_whatever_type(
    log_format: str, fact: object, capsys: pytest.CaptureFixture[str]
) -> None:
    log.register_secret(PASSWORD)
    log.configure(log_format, verbosity=0)
    structlog.get_logger().info("refused", fact=fact)
    line = capsys.readouterr().err
    assert ("***" in line, "p@ss" in line) == (True, False)


@pytest.mark.parametrize("credential", ["\udcff\udcfe\udcfd\udcfc", "\ud800abc", "%25%", "    ", "\x00\x00\x00\x00"])
def test_a_credential_of_whatever_characters_can_be_masked(credential: str) -> None:
    log.register_secret(credential)
    assert log.redact(f"[{credential}]") == "[***]"


def test_a_credential_that_begins_another_leaves_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text", verbosity=0)
    for credential in ("b10c", "b10cf7a1"):
        log.register_secret(credential)
    structlog.get_logger().warning("refused", why="said b10cf7a1")
    assert capsys.readouterr().err[9:] == "warning: refused: said ***\n"


def test_control_and_format_characters_of_others_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text", verbosity=0)
    structlog.get_logger().info("read", path="a\x1b[2J\nb\u202ec")
    assert capsys.readouterr().err[9:] == "read  path=a\\x1b[2J\\nb\\u202ec\n"


def test_single_calls_are_logged_at_the_second_v_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity in (1, 2):
        log.configure("text", verbosity=verbosity)
        structlog.get_logger().debug(log.GIT_CALL, verb="ls-remote")
    assert capsys.readouterr().err[9:] == "git call  verb=ls-remote\n"


def test_debug_lines_are_told_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text", verbosity=0)
    structlog.get_logger().debug("detail")
    log.configure("text", verbosity=1)
    structlog.get_logger().debug("more detail")
    assert capsys.readouterr().err[9:] == "more detail\n"
