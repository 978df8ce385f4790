"""What git said on stderr, told apart: each failure a class with its remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from secretsync.core.errors import SourceError
from secretsync.core.escape import visible
from secretsync.sources import certificates
from secretsync.sources.cache import CacheFailed


@dataclass(eq=False)
class GitFailed(SourceError):
    """Git could not do what was asked at *url*; *detail* is the cause as git, ssh or the server printed it.

    *sent* says which credential was sent, where that matters; never its value.
    """

    code = "git_failed"
    remedy = "run 'git ls-remote' on this URL by hand to see more"

    url: str
    detail: str
    sent: str = ""

    def __str__(self) -> str:
        return "; ".join(filter(None, (f"{self.url}: {self.detail}", self.sent, self.remedy)))


class Unreachable(GitFailed):
    """The host of the repository could not be reached."""

    code = "unreachable"
    remedy = "check the host's name, the network and HTTPS_PROXY"


class AccessRefused(GitFailed):
    """The server did not accept the credentials, or wants some."""

    code = "access_refused"
    remedy = (
        "authentication failed: check 'access' of the package or target, "
        "whose token, password or key may be missing, wrong or expired, or may not read this repository"
    )


class RepositoryNotFound(GitFailed):
    """The server has no such repository, or does not show it to these credentials."""

    code = "repository_not_found"
    remedy = "check the URL; servers answer like this too when the credentials may not see the repository"


class ProxyWantsPassword(GitFailed):
    """The proxy answered 407: it wants a user and a password."""

    code = "proxy_wants_password"
    remedy = "the proxy wants a user and a password: put them into HTTPS_PROXY"


class ProxyUnusable(GitFailed):
    """HTTPS_PROXY is no URL of a proxy; curl repeats the part of it that it cannot read, which may be its password."""

    code = "proxy_unusable"
    category = "configuration"
    remedy = "name the proxy in HTTPS_PROXY as http://host:port; in its password, write '/' as %2F and '@' as %40"


class ProxyRefused(GitFailed):
    """The proxy does not connect to this host."""

    code = "proxy_refused"
    remedy = "the proxy refuses this: ask its administrator, or name the host in NO_PROXY"


class CertificateNotTrusted(GitFailed):
    """No trusted authority signed the server's certificate."""

    code = "certificate_not_trusted"
    remedy = certificates.UNKNOWN_AUTHORITY.remedy


class CertificateExpired(CertificateNotTrusted):
    """The server's certificate has expired."""

    code = "certificate_expired"
    remedy = certificates.EXPIRED.remedy


class CertificateNotYetValid(CertificateNotTrusted):
    """The server's certificate is not valid yet, or the clock here is late."""

    code = "certificate_not_yet_valid"
    remedy = certificates.NOT_YET_VALID.remedy


class CertificateOfAnotherName(CertificateNotTrusted):
    """The server's certificate is for another host name."""

    code = "certificate_of_another_name"
    remedy = certificates.ANOTHER_NAME.remedy


class CertificateFileUnusable(GitFailed):
    """A file with a certificate or a key, named in the configuration, cannot be used."""

    code = "certificate_file_unusable"
    category = "configuration"
    remedy = "correct the files that 'access.ca', 'clientCertificate' and 'clientKey' of the package or target name"


class HostKeyUnknown(GitFailed):
    """The SSH server's host key is not among the known hosts."""

    code = "host_key_unknown"
    remedy = "put the server's key into the file that 'access.knownHosts' names (ssh-keyscan shows it; verify it first)"


class HostKeyChanged(GitFailed):
    """The SSH server's host key differs from the known one."""

    code = "host_key_changed"
    remedy = (
        "this may be an attack: ask the server's administrator for its key's fingerprint "
        "before you replace it in 'access.knownHosts'"
    )


class HostKeyRevoked(GitFailed):
    """The known hosts say that the SSH server's key is revoked."""

    code = "host_key_revoked"
    remedy = (
        "somebody who has this key may stand in for the server: ask its administrator for the new one, and replace it "
        "in 'access.knownHosts' once the server shows that"
    )


class NoCommonAlgorithm(GitFailed):
    """SSH client and server have no algorithm in common."""

    code = "no_common_algorithm"
    remedy = "the server offers only what this ssh refuses as unsafe: have it renewed (a host key of ed25519), or use https://"


class KeyNotLoaded(GitFailed):
    """ssh cannot load the private key."""

    code = "key_not_loaded"
    category = "configuration"
    remedy = "write the private key that 'access.sshKey' means into its file as ssh-keygen made it"


class PassphraseRefused(GitFailed):
    """The passphrase does not open the private key."""

    code = "passphrase_refused"
    category = "configuration"
    remedy = "correct 'access.sshPassphrase' of the package or target"


class KeyRejected(GitFailed):
    """The SSH server does not accept the key."""

    code = "key_rejected"
    remedy = (
        "check 'access.sshKey' of the package or target, and that its public half is a deploy key of the repository"
    )


class UserUnknown(GitFailed):
    """The user id of this process has no name, which ssh needs."""

    code = "user_unknown"
    remedy = "ssh needs an entry in /etc/passwd for the user that it runs as: add one, or install nss_wrapper"


class RepositoryMoved(GitFailed):
    """The server redirects to another place."""

    code = "repository_moved"
    remedy = (
        "write the new URL into the requirement; a redirect to another server is followed only without credentials, "
        "and where 'redirectsTo' of 'access' names its host"
    )


class NotAGitServer(GitFailed):
    """The answer is a web page and not that of a git server."""

    code = "not_a_git_server"
    remedy = (
        "what answers is a web page (a sign-in page?), not a git server: check the URL, "
        "and whether a proxy on the way wants a sign-in"
    )


class PlainFiles(GitFailed):
    """The server has only git's dumb HTTP protocol, which cannot fetch a part of a repository."""

    code = "plain_files"
    remedy = "the server gives out the repository's plain files alone: serve it by git http-backend, a forge, or ssh"


class TooManyRequests(GitFailed):
    """The server answered 429: a rate limit was reached."""

    code = "too_many_requests"
    remedy = "too many requests (rate limit): raise 'interval', or give 'access' a token of its own"


class HttpRefused(GitFailed):
    """The server answered with another status of 400 or more."""

    code = "http_refused"
    remedy = "the server refuses this request: ask its administrator why"


class ServerFailed(GitFailed):
    """The server, or a proxy before it, answered that it failed."""

    code = "git_server_failed"
    remedy = "this is the server's fault, or a proxy's: the next run tries again; ask its administrator if it goes on"


class NoTls(GitFailed):
    """What answers at a port of https:// does not speak TLS."""

    code = "no_tls"
    remedy = certificates.NO_TLS.remedy


class UnsafeTls(GitFailed):
    """TLS came to no agreement: the server has only what the library here refuses."""

    code = "unsafe_tls"
    remedy = "the server's TLS is of a kind that is refused as unsafe here: ask its administrator to renew it"


class SshMissing(GitFailed):
    """There is no ssh command."""

    code = "ssh_missing"
    remedy = "there is no 'ssh' on PATH: install OpenSSH's client, or use https://"


class CommitNotServed(GitFailed):
    """The server does not hand out this commit."""

    code = "commit_not_served"
    remedy = "check that the commit was pushed and is reachable from a branch or a tag"


class DiskFull(GitFailed, CacheFailed):
    """There is no space left where the cache is."""

    code = "disk_full"
    reason = "the disk is full"
    remedy = "make room where the cache is, or name another folder with 'cache'"


class BrokenAnswer(GitFailed):
    """The connection ended before the answer was complete."""

    code = "broken_answer"
    remedy = "the server or a proxy on the way cut the answer short; the next run tries again"


_SILENT = "Could not read from remote repository"
"""What git adds where ssh ended: it says nothing."""

# The first that matches decides; the words are git's, curl's (with OpenSSL or GnuTLS) and OpenSSH's in the C locale,
# and those of GitHub, GitLab, Bitbucket, Azure DevOps, Gitea, Gerrit and gitolite.
_MEANINGS: tuple[tuple[str, type[GitFailed]], ...] = (
    (r"No space left on device|Disk quota exceeded", DiskFull),
    (r"cannot run ssh|ssh: (command )?not found", SshMissing),
    (r"REVOKED HOST KEY|marked as revoked", HostKeyRevoked),
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", HostKeyChanged),
    (r"Host key verification failed|No .* host key is known", HostKeyUnknown),
    (r"no matching (host key type|key exchange method|cipher|MAC) found|no mutual signature", NoCommonAlgorithm),
    (r"No user exists for uid|[Yy]ou don't exist", UserUnknown),
    (r"Load key .*: ", KeyNotLoaded),
    (
        r"Permission denied \(|Too many authentication failures|Public key authentication failed|"
        r"(key|Key) (is|has) (expired|been revoked|invalid)|sign_and_send_pubkey",
        KeyRejected,
    ),
    (r"(response|error:|HTTP code) 407|Proxy Authentication Required", ProxyWantsPassword),
    (r"Unsupported proxy (syntax|scheme)", ProxyUnusable),
    (r"CONNECT tunnel failed|from proxy after CONNECT|Proxy CONNECT aborted", ProxyRefused),
    (certificates.NOT_YET_VALID.pattern, CertificateNotYetValid),
    (certificates.EXPIRED.pattern, CertificateExpired),
    (certificates.ANOTHER_NAME.pattern, CertificateOfAnotherName),
    (
        r"could not load PEM client certificate|unable to set private key|error (reading|setting|adding) .*[Cc]ert|"
        r"unable to load client key|error reading ca cert",
        CertificateFileUnusable,
    ),
    (certificates.UNKNOWN_AUTHORITY.pattern, CertificateNotTrusted),
    (r"unable to update url base from redirection|error: 30[12378]|Maximum \(\d+\) redirects", RepositoryMoved),
    (
        r"error: 429|too many (times|requests)|[Rr]ate limit|requested too many|Too Many Requests",
        TooManyRequests,
    ),
    (
        r"epository .*(not found|does not exist)|does not appear to be a git repository|error: (404|410)|"
        r"[Pp]roject .*(not found|could not be found)|does not exist|not found or you do not have",
        RepositoryNotFound,
    ),
    (r"Received HTTP/0\.9", NotAGitServer),
    (
        r"could not read (Username|Password)|Authentication failed|error: 40[13]|HTTP 40[13]|Unauthorized|DENIED|"
        r"[Aa]ccess denied|[Pp]ermission (to .* )?denied|not authorized|not allowed|forbidden|blocked|"
        r"account .*(locked|disabled|suspended|not available)|remote error: access",
        AccessRefused,
    ),
    (
        r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref|"
        r"remote did not send all necessary objects",
        CommitNotServed,
    ),
    (
        r"Could not resolve|Failed to connect|Connection (refused|timed out|reset|closed)|No route to host|"
        r"Network is unreachable|unable to connect|Operation timed out|Broken pipe",
        Unreachable,
    ),
    (r"error: (5\d\d|408)", ServerFailed),
    (certificates.NO_TLS.pattern, NoTls),
    (
        r"legacy renegotiation|key too small|md too weak|no protocols available|unsupported protocol|"
        r"[Hh]andshake fail|signature verification has failed",
        UnsafeTls,
    ),
    (r"dumb http transport does not support", PlainFiles),
    (
        r"not valid: is this a git repository|invalid server response; got|bad line length character: <|"
        r"invalid content-type|<!DOCTYPE|<html",
        NotAGitServer,
    ),
    (
        r"early EOF|unexpected disconnect|invalid index-pack|index-pack failed|RPC failed|hung up|protocol error|"
        r"bad line length|bad pack header|non-properly terminated|unexpected eof|Empty reply|transfer closed|"
        r"SSL_(read|connect|write)|gnutls_handshake|HTTP/2 stream|(Send|Recv) failure|getpeername",
        BrokenAnswer,
    ),
    (r"error: [1-9]\d\d", HttpRefused),
    # ssh reached the server, which said no in words of its own, or in none
    (_SILENT, AccessRefused),
)
_UNASKED = re.compile(r"could not read (Username|Password)")
"""What git says of a server that wants credentials: that nobody was there to be asked for a name."""
_BOILERPLATE = re.compile(
    rf"{_SILENT}|Please make sure you have the correct access|and the repository exists|Warning: Permanently added|"
    r"post-quantum|store now, decrypt later|may need to be upgraded|^\W*$"
)
_LONGEST_WORD = 300
_LAST_LINES = 3


def explain(url: str, complaint: str) -> GitFailed:
    """The error that *complaint*, git's stderr, means."""
    lines = [line for line in map(_unprefixed, complaint.splitlines()) if not _BOILERPLATE.search(line)]
    for phrase, meaning in _MEANINGS:
        if re.search(phrase, complaint):
            if meaning is AccessRefused and _UNASKED.search(complaint):
                return AccessRefused(url, "it wants credentials, or other ones")
            if meaning is ProxyUnusable:
                return ProxyUnusable(url, "the proxy on the way to it cannot be used")
            matching = [line for line in lines if re.search(phrase, line)]
            detail = matching[0] if matching else _shown_lines(lines, complaint)
            return meaning(url, visible(_after_the_servers_words(complaint, detail))[:_LONGEST_WORD])
    return GitFailed(url, visible(_shown_lines(lines, complaint))[:_LONGEST_WORD])


def _after_the_servers_words(complaint: str, detail: str) -> str:
    """*detail*, git's own word, after those of the server, which name the cause where git has but a status."""
    words = [_unprefixed(line) for line in complaint.splitlines() if line.startswith("remote:")]
    shown = " ".join([word for word in words if not _BOILERPLATE.search(word)][:_LAST_LINES])
    return f"{shown} ({detail})" if shown and detail not in shown else detail


def _unprefixed(line: str) -> str:
    """A line without what git puts before each line of the server's, and before its own."""
    return re.sub(r"^(remote: ?|fatal: |error: |@ +)+", "", line.strip()).strip(" @")


def _shown_lines(lines: Sequence[str], complaint: str) -> str:
    """Git's last fatal word where it has one, else the last lines of whoever spoke."""
    fatal = [line for line in lines if f"fatal: {line}" in complaint or f"error: {line}" in complaint]
    shown = fatal[-1:] or lines[-_LAST_LINES:]
    return " ".join(shown) or (f"{_SILENT}." if _SILENT in complaint else "it failed without a word")
