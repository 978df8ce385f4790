"""A URL in a requirement: its parts, its digests, and that it holds no credential."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from secretsync.config.requirement.errors import CredentialsInRequirement, UnusableRequirement

DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
"""Of a digest in hex, by the algorithm's name in a URL's fragment (https://pip.pypa.io/en/stable/topics/secure-installs/)."""

_HEX = re.compile(r"[0-9a-fA-F]+")
_SECRET_KEY = re.compile(r"token|secret|passw|key|sig|auth|cred", re.IGNORECASE)
_PARAMETER = re.compile(r"[?&;#]([^?&;#=/]*)=")
"""Of a query, a fragment, or a part of the path."""
_NO_HOST = re.compile(r"[\s%]")
_HOST_WITH_PATH = re.compile(r"@?([^/:@]+):([A-Za-z~][^/:@]*)(?:/|$)")


def split_url(url: str, requirement: str) -> SplitResult:
    """The URL's parts; refuses credentials, except the user's name of ssh, which is not secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        if scp := _HOST_WITH_PATH.search(url):
            # a password that holds a '/' looks the same: what may be one is not repeated
            host, path = (
                (scp[1], f"{scp[2]}…") if scp[0].startswith("@") or "@" not in url[scp.end() :] else ("host", "path")
            )
            hint = f"a path begins with '/' in a URL: write {host}/{path} instead of {host}:{path}"
            raise UnusableRequirement(requirement, hint) from None
        raise UnusableRequirement(requirement, "is not a URL: its host or port cannot be read") from None
    if any(_SECRET_KEY.search(unquote(key)) for key in _PARAMETER.findall(url)):
        raise CredentialsInRequirement(requirement)
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise CredentialsInRequirement(requirement)
    if _NO_HOST.search(parts.netloc.rpartition("@")[2].partition("[")[0]):
        raise UnusableRequirement(requirement, "is not a URL: its host holds a blank or a '%'")
    if port == 0:
        raise UnusableRequirement(requirement, "0 is no port")
    if not (parts.hostname or parts.scheme == "file"):
        raise UnusableRequirement(requirement, "is not a URL: no host follows '://'")
    return parts


def file_name(parts: SplitResult) -> str:
    """The last part of the path."""
    return unquote(parts.path.rpartition("/")[2])


def digests(fragment: str, requirement: str) -> tuple[tuple[str, str], ...]:
    """The algorithms and digests of a URL's fragment, as pip takes them: ``sha256=…&egg=…``."""
    parts = [part for part in fragment.split("&") if part and not part.startswith(("egg=", "subdirectory="))]
    return tuple(_digest(part, requirement) for part in parts)


def _digest(part: str, requirement: str) -> tuple[str, str]:
    algorithm, _, digest = part.partition("=")
    if len(digest) == DIGITS.get(algorithm) and _HEX.fullmatch(digest):
        return algorithm, digest.lower()
    known = ", ".join(DIGITS)
    raise UnusableRequirement(requirement, f"what follows '#' is no digest: there are {known}, each with '=' and hex")
