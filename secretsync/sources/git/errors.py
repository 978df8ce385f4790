"""What git said on stderr, told apart: each failure a class with its remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from secretsync.core.errors import SourceError
from secretsync.sources.cache import CacheFailed


@dataclass(eq=False)
class GitFailed(SourceError):
    """Git could not do what was asked at *url*; *detail* is its own last word, without credentials."""

    code = "git_failed"
    remedy = "run 'git ls-remote' on this URL by hand to see more"

    url: str
    detail: str

    def __str__(self) -> str:
        return f"{self.url}: {self.detail}; {self.remedy}"


class Unreachable(GitFailed):
    code = "unreachable"
    remedy = "check the host's name, the network and HTTPS_PROXY"


class AccessRefused(GitFailed):
    code = "access_refused"
    # git's own word is often that nobody was there to be asked for a name
    remedy = (
        "the server does not let in who asks: check 'access' of the package, "
        "whose token or password may be missing, wrong or expired"
    )


class RepositoryNotFound(GitFailed):
    code = "repository_not_found"
    remedy = "check the URL; servers answer like this too when the credentials may not see the repository"


class CertificateNotTrusted(GitFailed):
    code = "certificate_not_trusted"
    remedy = "name the certificate authority's file under 'access.ca' of the package"


class HostKeyUnknown(GitFailed):
    code = "host_key_unknown"
    remedy = "put the server's key into the file that 'access.knownHosts' names (ssh-keyscan shows it; verify it first)"


class HostKeyChanged(GitFailed):
    code = "host_key_changed"
    remedy = (
        "somebody may be listening in: ask the server's administrator for its key's fingerprint "
        "before you replace it in 'access.knownHosts'"
    )


class KeyRejected(GitFailed):
    code = "key_rejected"
    remedy = "check 'access.sshKey' of the package, and that its public half is a deploy key of the repository"


class RepositoryMoved(GitFailed):
    code = "repository_moved"
    remedy = "write the new URL into the requirement; credentials do not follow a redirect"


class CommitNotServed(GitFailed):
    code = "commit_not_served"
    remedy = "check that the commit was pushed and is reachable from a branch or a tag"


class DiskFull(GitFailed, CacheFailed):
    code = "disk_full"
    why = "the disk is full"
    remedy = "make room where the cache is, or name another folder with 'cache'"


class BrokenAnswer(GitFailed):
    code = "broken_answer"
    remedy = "the server or a proxy on the way cut the answer short; the next run tries again"


# The first that matches decides; the words are git's, curl's and OpenSSH's in the C locale.
_MEANINGS: tuple[tuple[re.Pattern[str], type[GitFailed]], ...] = (
    (re.compile(r"No space left on device|Disk quota exceeded"), DiskFull),
    (re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED"), HostKeyChanged),
    (re.compile(r"Host key verification failed|No .* host key is known"), HostKeyUnknown),
    (re.compile(r"Permission denied \(|Load key .*: |Too many authentication failures"), KeyRejected),
    (re.compile(r"SSL certificate|server certificate verification|CAfile|SSL peer certificate"), CertificateNotTrusted),
    (
        re.compile(r"unable to update url base from redirection|error: 30[1278]|Maximum \(\d+\) redirects"),
        RepositoryMoved,
    ),
    (re.compile(r"could not read (Username|Password)|Authentication failed|error: 40[13]|HTTP 40[13]"), AccessRefused),
    (
        re.compile(r"epository .*not found|does not appear to be a git repository|error: 404|does not exist"),
        RepositoryNotFound,
    ),
    (
        re.compile(
            r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref|"
            r"remote did not send all necessary objects"
        ),
        CommitNotServed,
    ),
    (
        re.compile(
            r"Could not resolve|Failed to connect|Connection (refused|timed out|reset)|No route to host|"
            r"Network is unreachable|unable to connect|error: 5\d\d"
        ),
        Unreachable,
    ),
    (
        re.compile(
            r"early EOF|unexpected disconnect|invalid index-pack|index-pack failed|RPC failed|hung up|protocol error|"
            r"bad line length|invalid server response|not valid: is this a git repository|bad pack header|"
            r"non-properly terminated|unexpected eof|Empty reply|transfer closed"
        ),
        BrokenAnswer,
    ),
)


def explain(url: str, complaint: str) -> GitFailed:
    """The error that *complaint*, git's stderr, means."""
    for words, meaning in _MEANINGS:
        if words.search(complaint):
            return meaning(url, _last_word(complaint))
    return GitFailed(url, _last_word(complaint))


def _last_word(complaint: str) -> str:
    """The line that says it: the last fatal one, else the last one."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines or ["it failed without a word"]
    word = telling[-1].removeprefix("fatal:").removeprefix("error:").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in word)[:300]
