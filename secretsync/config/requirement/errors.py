"""What is wrong with a requirement, said without what may be a credential in it."""

from __future__ import annotations

import re

from secretsync.core.errors import ConfigError

LONGEST = 2_000
"""Characters of a requirement: a reader of requirements takes half a minute for some of 200,000."""

_LONGEST_SHOWN = 200
# A URL whose host is plain, where an '@' of the path stands before a ref; ssh's user name is no secret.
_HARMLESS = re.compile(
    r"(?:[\w.\-]+\s*(?:\[[^]]*\]\s*)?@\s*)?(?:git\+)?(?:https?|file|ssh|git\+ssh)://(?:(?<=ssh://)[\w.\-]+@)?"
    r"[\w.\-]*(?::\d+)?(?:/[^:]*)?"
)
_NAME = re.compile(r"[^\s/@]+@")
_SCHEME = re.compile(r"(?:https?|git\+ssh|ssh|git|file):/*", re.IGNORECASE)


class UnusableRequirement(ConfigError, ValueError):
    """The text is no requirement that secretsync can follow; *reason* is a sentence, with the remedy.

    *requirement* is the text less what may be a credential of it.
    """

    code = "unusable_requirement"

    def __init__(self, requirement: str, reason: str) -> None:
        self.requirement, self.reason = without_credentials(requirement), reason
        super().__init__(self.requirement, reason)

    def __str__(self) -> str:
        return f"requirement {self.requirement!r}: {self.reason}"


class CredentialsInRequirement(UnusableRequirement):
    """A URL holds a password or a token; the message holds neither."""

    code = "credentials_in_requirement"

    def __init__(self, requirement: str) -> None:
        super().__init__(
            requirement,
            "a URL must not hold credentials, they would end up in logs and labels; "
            "name the file or the environment variable that holds them under 'access' of the package",
        )


def without_credentials(text: str) -> str:
    """*text* less all that stands before an '@', where it is not certain what that is, and less queries."""
    if len(text) > LONGEST:
        return "…"
    if not _HARMLESS.fullmatch(re.split("[?#]", text, maxsplit=1)[0]):
        text = _without_names(text)
    text = re.sub(r"(;[^;=?#/\s]*=)[^?#/]*", r"\1…", text)
    text = re.sub(r"\?[^#]*", "?…", text)
    text = re.sub(r"#(?!(?:subdirectory|egg|sha256)=[^&]*$).*", "#…", text, flags=re.DOTALL)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _without_names(text: str) -> str:
    """*text* less all between its scheme and the first '@' behind that, and what stands before each later one.

    A password that is not percent-encoded may hold '/', '?', '#' and spaces.
    """
    scheme = _SCHEME.search(text)
    start = scheme.end() if scheme else len("git+") if text.startswith("git+") else 0
    before, at, behind = text[start:].partition("@")
    masked = f"…@{_NAME.sub('…@', behind)}" if at else before
    return _NAME.sub("…@", text[:start]) + masked
