"""A requirement in pip's forms, as Rucio's charts and pip's command line take it, read into what it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from secretsync.core.errors import ConfigError

GIT_SCHEMES = ("https", "http", "ssh", "file")

_HASH_OPTION = re.compile(r"\s--hash=(\S*)")
_SHA256 = re.compile(r"sha256[:=]([0-9a-fA-F]{64})")
_DIGEST = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512)=([0-9a-fA-F]+)")
_DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_LONGEST = 2_000
"""Characters of a requirement: a reader of requirements takes half a minute for some of 200,000."""
_LONGEST_SHOWN = 200
_USER_INFO = re.compile(r"[^\s/@]*:[^\s/@]*@")
# A URL whose host is plain, where an '@' of the path stands before a ref; ssh's user name is no secret.
_HARMLESS = re.compile(
    r"(?:[\w.\-]+\s*(?:\[[^]]*\]\s*)?@\s*)?(?:git\+)?(?:https?|file|ssh|git\+ssh)://(?:(?<=ssh://)[\w.\-]+@)?"
    r"[\w.\-]*(?::\d+)?(?:/[^:]*)?"
)
_SECRET_KEY = re.compile(r"token|secret|passw|key|sig|auth|cred", re.IGNORECASE)
_DIRECT_REFERENCE = re.compile(r"(?P<name>[A-Za-z0-9][\w.\-]*)\s*(?:\[[^]]*\]\s*)?@\s*(?P<url>[a-z+]+:.*)", re.DOTALL)
_SCP_LIKE = re.compile(r"(?:git\+)?[^/:@\s]+@[^/:@\s]+:(?!//).*")
_HOST_WITH_PATH = re.compile(r"@?([^/:@]+):([A-Za-z~][^/:@]*)(?:/|$)")
_HELPER = re.compile(r"(?:git\+)?([a-z][a-z0-9+.-]*)::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What git itself refuses in a ref's name (git check-ref-format).
_NO_REF = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|\.$|\.lock$|^@$")


@dataclass(frozen=True, slots=True)
class GitRequirement:
    """A repository; *ref* is empty for its default branch, *subdirectory* for its root."""

    url: str
    ref: str = ""
    subdirectory: str = ""


@dataclass(frozen=True, slots=True)
class IndexRequirement:
    """A distribution of an index, or, where *url* is not empty, one file of it.

    *hashes* are sha256 in hex, of which the file must have one; *digests* are pairs of an algorithm and a digest in hex
    that its URL gives, all of which it must have.
    """

    name: str
    specifier: str = ""
    url: str = ""
    hashes: tuple[str, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DirectoryRequirement:
    """A local directory, as it was written: relative to whatever names it."""

    path: str


@dataclass(frozen=True, slots=True)
class FileRequirement:
    """One file by its URL and its hash (sha256 in hex); *source* is the key of FILE_SOURCES that reads it."""

    source: str
    name: str
    url: str
    sha256: str


Requirement = GitRequirement | IndexRequirement | DirectoryRequirement | FileRequirement

FILE_SOURCES: Mapping[str, re.Pattern[str]] = {
    "archive": re.compile(r"(?!.*-v?\d).+\.tar\.gz"),  # the name of an sdist ends with its version
}
"""Sources of one file, ``name @ https://…#sha256=…``: which file names are theirs. The key is the module of
``sources/`` whose ``Source`` reads such a file; what is nobody's is a file as an index has it."""


class UnusableRequirement(ConfigError, ValueError):
    """The text is no requirement that secretsync can follow; *reason* is a sentence, with the remedy.

    *requirement* is the text less what may be a credential of it.
    """

    code = "unusable_requirement"

    def __init__(self, requirement: str, reason: str) -> None:
        self.requirement, self.reason = _without_credentials(requirement), reason
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


def _without_credentials(text: str) -> str:
    """*text* less all that stands before an '@', where it is not certain what that is, and less queries."""
    if len(text) > _LONGEST:
        return "…"
    text = re.sub(r"\?[^#]*", "?…", text)
    text = re.sub(r"#(?!(?:subdirectory|egg|sha256)=).*", "#…", text, flags=re.DOTALL)
    if not _HARMLESS.fullmatch(text.partition("#")[0].removesuffix("?…")):
        text = re.sub(r"[^\s/@]+@", "…@", text)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def parse(requirement: str) -> Requirement:
    """Read *requirement*. Raises UnusableRequirement, with what to write instead."""
    text = requirement.strip()
    _refuse_what_no_requirement_holds(text)
    text, hashes = _split_hashes(text)
    if direct := _DIRECT_REFERENCE.fullmatch(text):
        target = direct["url"].strip()
        if target.startswith("git+"):
            return _git(target)
        if target.startswith(("https:", "http:")):
            return _file(direct["name"], target, hashes, text)
    if text.startswith("git+"):
        return _git(text)
    if text.startswith(("https:", "http:")):
        return _file_of_an_index(text, hashes)
    if _is_path(text):
        return _directory(text)
    return _index(text, hashes)


def _refuse_what_no_requirement_holds(text: str) -> None:
    if not text:
        raise UnusableRequirement(text, "is empty")
    if len(text) > _LONGEST:
        raise UnusableRequirement(text, f"has more than {_LONGEST:,} characters")
    if _USER_INFO.search(text) and not _is_local(text):
        raise CredentialsInRequirement(text)
    if text.startswith("-"):
        raise UnusableRequirement(text, "begins with '-', which is an option of pip; write what follows it")
    if _CONTROL.search(text):
        raise UnusableRequirement(text, "holds a line break or another control character")
    if helper := _HELPER.match(text):
        raise UnusableRequirement(text, f"'{helper[1]}::' runs a command instead of naming a repository")
    if _SCP_LIKE.fullmatch(text):
        raise UnusableRequirement(text, "write git+ssh://git@host/path instead of git@host:path, as for pip")
    if re.match(r"(hg|svn|bzr)\+", text):
        raise UnusableRequirement(text, "of version control systems, only git is supported")


def _is_local(text: str) -> bool:
    """A path, in which ':' and '@' are letters like others."""
    return text.startswith((".", "/", "file:", "git+file:"))


def _split_hashes(text: str) -> tuple[str, tuple[str, ...]]:
    written = _HASH_OPTION.findall(text)
    return _HASH_OPTION.sub("", text).strip(), tuple(_sha256(value, text) for value in written)


def _sha256(value: str, requirement: str) -> str:
    if match := _SHA256.fullmatch(value):
        return match[1].lower()
    raise UnusableRequirement(requirement, f"{value!r} is no hash: it must be sha256 and 64 hexadecimal digits")


def _is_path(text: str) -> bool:
    """As pip decides: a path has a separator or begins with a dot."""
    return text.startswith((".", "/", "file:")) or ("/" in text and "@" not in text)


def _git(text: str) -> GitRequirement:
    parts = _split_url(text.removeprefix("git+"), text)
    if parts.scheme not in GIT_SCHEMES:
        known = ", ".join(f"git+{scheme}" for scheme in GIT_SCHEMES)
        raise UnusableRequirement(text, f"'git+{parts.scheme}' is not supported: there are {known}")
    path, at, ref = parts.path.rpartition("@")
    if not at:
        path, ref = parts.path, ""
    elif _NO_REF.search(ref) or not ref:
        raise UnusableRequirement(text, f"{ref!r} after '@' cannot be the name of a branch or a tag, nor a commit id")
    _refuse_odd_addresses(parts, path, text)
    if parts.scheme in ("http", "https"):
        path = path.replace(" ", "%20")  # as forges show it, and curl does not take it
    return GitRequirement(f"{parts.scheme}://{parts.netloc}{path}", ref, _subdirectory(parts.fragment, text))


def _split_url(url: str, requirement: str) -> SplitResult:
    """The URL's parts; refuses credentials, except the user's name of ssh, which is not secret."""
    try:
        parts = urlsplit(url)
        port_is_a_number = parts.port is None or parts.port > 0
    except ValueError:
        if scp := _HOST_WITH_PATH.search(url):
            hint = f"a path begins with '/' in a URL: write {scp[1]}/{scp[2]}… instead of {scp[1]}:{scp[2]}…"
            raise UnusableRequirement(requirement, hint) from None
        raise UnusableRequirement(requirement, "is not a URL") from None
    if any(_SECRET_KEY.search(key) for key, _ in parse_qsl(parts.query)):
        raise CredentialsInRequirement(requirement)
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise CredentialsInRequirement(requirement)
    if not port_is_a_number or not (parts.hostname or parts.scheme == "file"):
        raise UnusableRequirement(requirement, "is not a URL: no host follows '://'")
    return parts


def _refuse_odd_addresses(parts: SplitResult, path: str, requirement: str) -> None:
    # ssh and git would read a leading '-' as one of their options.
    if parts.netloc.startswith("-") or (parts.hostname or "").startswith("-") or path.startswith(("-", "/-")):
        raise UnusableRequirement(requirement, "neither host nor path may begin with '-'")
    if parts.query:
        raise UnusableRequirement(requirement, "a repository's URL has no '?'")
    if not path.strip("/"):
        raise UnusableRequirement(requirement, "names a host and no repository")


def _subdirectory(fragment: str, requirement: str) -> str:
    # unlike a query, a fragment has no '+' for a space
    pairs = (pair.partition("=") for pair in fragment.split("&") if pair)
    options = {unquote(key): unquote(value) for key, _, value in pairs}
    subdirectory = options.pop("subdirectory", "").strip("/")
    options.pop("egg", None)
    if options:
        raise UnusableRequirement(requirement, f"'#{next(iter(options))}=' is not known; there is '#subdirectory='")
    if ".." in subdirectory.split("/"):
        raise UnusableRequirement(requirement, "the subdirectory leads out of the repository")
    return "/".join(part for part in subdirectory.split("/") if part not in ("", "."))


def _file(name: str, url: str, hashes: tuple[str, ...], requirement: str) -> FileRequirement | IndexRequirement:
    parts = _split_url(url, requirement)
    file = unquote(parts.path.rpartition("/")[2])
    source = next((source for source, names in FILE_SOURCES.items() if names.fullmatch(file)), "")
    if not source:
        return _file_of_an_index(url, hashes, requirement)
    known = {*hashes, *(digest for algorithm, digest in _digests(parts.fragment, requirement) if algorithm == "sha256")}
    if len(known) != 1:
        raise UnusableRequirement(requirement, f"{file} needs one hash, as nothing else says what it is: #sha256=…")
    return FileRequirement(source, name, parts._replace(fragment="").geturl(), known.pop())


def _file_of_an_index(url: str, hashes: tuple[str, ...], requirement: str = "") -> IndexRequirement:
    parts = _split_url(url, requirement or url)
    file = unquote(parts.path.rpartition("/")[2])
    if not file.endswith((".whl", ".tar.gz", ".zip")):
        raise UnusableRequirement(
            requirement or url, "names no wheel or source archive; a repository's URL begins with 'git+'"
        )
    digests = _digests(parts.fragment, requirement or url)
    hashes += tuple(digest for algorithm, digest in digests if algorithm == "sha256")
    # A wheel's name begins with the distribution's; an archive's ends with the version (PEP 427, PEP 625).
    name = file.split("-")[0] if file.endswith(".whl") else file.rpartition("-")[0]
    further = tuple(pair for pair in digests if pair[0] != "sha256")
    return IndexRequirement(name, url=parts._replace(fragment="").geturl(), hashes=hashes, digests=further)


def _digests(fragment: str, requirement: str) -> tuple[tuple[str, str], ...]:
    """The algorithms and digests of a URL's fragment, as pip takes them: ``sha256=…&egg=…``."""
    parts = [part for part in fragment.split("&") if part and not part.startswith(("egg=", "subdirectory="))]
    return tuple(_digest(part, requirement) for part in parts)


def _digest(part: str, requirement: str) -> tuple[str, str]:
    match = _DIGEST.fullmatch(part)
    if match and len(match[2]) == _DIGITS[match[1]]:
        return match[1], match[2].lower()
    known = ", ".join(_DIGITS)
    raise UnusableRequirement(requirement, f"what follows '#' is no digest: there are {known}, each with '=' and hex")


def _directory(text: str) -> DirectoryRequirement:
    if not text.startswith("file:"):
        return DirectoryRequirement(text)
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise UnusableRequirement(text, "a file: URL has three slashes: file:///path")
    return DirectoryRequirement(unquote(parts.path))


def _index(text: str, hashes: tuple[str, ...]) -> IndexRequirement:
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    try:
        parsed = Parsed(text)
    except InvalidRequirement:
        raise UnusableRequirement(
            text, "is none of name==1.4.0, git+https://host/repo@ref#subdirectory=dir, ./path, name @ https://…whl"
        ) from None
    if parsed.marker:
        raise UnusableRequirement(text, "has a condition after ';': policy packages run in Rucio's images alone")
    if parsed.url:
        raise UnusableRequirement(text, "what follows '@' is neither git+…, https://… nor http://…")
    return IndexRequirement(parsed.name, str(parsed.specifier), hashes=hashes)
