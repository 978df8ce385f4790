"""What git, ssh and servers print on stderr: which failure it is, and which of its words the operator reads."""

from __future__ import annotations

import pytest

from secretsync.sources.git import errors
from secretsync.sources.git.errors import GitFailed, explain

_SILENT = (
    "fatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)
_GITLAB = (
    "remote: \nremote: ====\nremote: \nremote: ERROR: The project you were looking for could not be found or you "
    f"do not have permission to view it.\nremote: \nremote: ====\n{_SILENT}"
)


@pytest.mark.parametrize(
    ("complaint", "failure", "words"),
    [
        (_GITLAB, errors.RepositoryNotFound, "The project you were looking for could not be found"),
        (f"ERROR: Repository not found.\n{_SILENT}", errors.RepositoryNotFound, "ERROR: Repository not found."),
        (
            f"FATAL: R any policy alice DENIED by fallthru\n(or you mis-spelled the reponame)\n{_SILENT}",
            errors.AccessRefused,
            "FATAL: R any policy alice DENIED by fallthru",
        ),
        (f"Unauthorized\n{_SILENT}", errors.AccessRefused, "Unauthorized"),
        ("fatal: Project not found: policy\n", errors.RepositoryNotFound, "Project not found: policy"),
        (f"Your account has been blocked.\n{_SILENT}", errors.AccessRefused, "Your account has been blocked."),
        (f"remote: Public key authentication failed.\n{_SILENT}", errors.KeyRejected, "Public key authentication"),
        (
            f"remote: ERROR: This endpoint has been requested too many times. Try again later.\n{_SILENT}",
            errors.TooManyRequests,
            "requested too many times",
        ),
        (
            f"Unable to negotiate with h port 22: no matching host key type found. Their offer: ssh-rsa\n{_SILENT}",
            errors.NoCommonAlgorithm,
            "Their offer: ssh-rsa",
        ),
        (
            f"Unable to negotiate with h port 22: no matching key exchange method found.\n{_SILENT}",
            errors.NoCommonAlgorithm,
            "key exchange",
        ),
        (f'Load key "/k": error in libcrypto\r\n{_SILENT}', errors.KeyNotLoaded, "error in libcrypto"),
        (f"git@h: Permission denied (publickey).\r\n{_SILENT}", errors.KeyRejected, "Permission denied (publickey)"),
        (f"No user exists for uid 4711\r\n{_SILENT}", errors.UserUnknown, "uid 4711"),
        (f"Access to this server ends at noon.\nGo home.\n{_SILENT}", errors.AccessRefused, "ends at noon. Go home."),
        (_SILENT, errors.AccessRefused, "Could not read from remote repository."),
        ("fatal: CONNECT tunnel failed, response 407\n", errors.ProxyWantsPassword, "response 407"),
        ("fatal: CONNECT tunnel failed, response 403\n", errors.ProxyRefused, "403"),
        ("fatal: Received HTTP code 407 from proxy after CONNECT\n", errors.ProxyWantsPassword, "407"),
        ("fatal: SSL certificate problem: certificate has expired\n", errors.CertificateExpired, "has expired"),
        ("fatal: SSL certificate problem: certificate is not yet valid\n", errors.CertificateNotYetValid, "not yet"),
        (
            "fatal: SSL: no alternative certificate subject name matches target host name 'h'\n",
            errors.CertificateOfAnotherName,
            "target host name 'h'",
        ),
        (
            "fatal: server certificate verification failed. CAfile: none CRLfile: none\n",
            errors.CertificateNotTrusted,
            "CAfile",
        ),
        (
            "fatal: unable to access 'https://h/r/': The requested URL returned error: 502\n",
            errors.ServerFailed,
            "error: 502",
        ),
        (
            "@ WARNING: REVOKED HOST KEY DETECTED! @\nThe ED25519 host key for h is marked as revoked.\n"
            f"Host key verification failed.\n{_SILENT}",
            errors.HostKeyRevoked,
            "REVOKED HOST KEY",
        ),
        (
            "remote: Repository 'policy' is disabled.\nremote: Please ask the owner.\n"
            "fatal: unable to access 'https://h/r/': The requested URL returned error: 403\n",
            errors.AccessRefused,
            "Repository 'policy' is disabled. Please ask the owner. (unable to access",
        ),
        (f"sh: 1: ssh: not found\n{_SILENT}", errors.SshMissing, "ssh: not found"),
        ("error: cannot run ssh: No such file or directory\nfatal: unable to fork\n", errors.SshMissing, "cannot run"),
        ("fatal: error:0A00018A:SSL routines::dh key too small\n", errors.UnsafeTls, "dh key too small"),
        ("fatal: gnutls_handshake() failed: Handshake failed\n", errors.UnsafeTls, "Handshake failed"),
        ("fatal: OpenSSL SSL_read: Connection was reset, errno 10054\n", errors.BrokenAnswer, "was reset"),
        ("fatal: Received HTTP/0.9 when not allowed\n", errors.NotAGitServer, "HTTP/0.9"),
        ("fatal: gnutls_handshake() failed: An unexpected TLS packet was received.\n", errors.NoTls, "packet"),
        ("fatal: OpenSSL/3.0: error:0A00010B:SSL routines::wrong version number\n", errors.NoTls, "version number"),
        ("fatal: a sentence that nobody has seen\n", GitFailed, "a sentence that nobody has seen"),
        ("", GitFailed, "without a word"),
    ],
)
def test_a_complaint_is_one_failure_with_its_cause(complaint: str, failure: type[GitFailed], words: str) -> None:
    error = explain("https://h/r", complaint)
    assert type(error) is failure
    assert words in str(error)
    assert error.remedy in str(error)


def test_what_curl_repeats_of_a_proxys_password_is_not_repeated() -> None:
    error = explain(
        "https://h/r", "fatal: unable to access 'https://h/r/': Unsupported proxy syntax in 'user:canary'\n"
    )
    assert type(error) is errors.ProxyUnusable
    assert "canary" not in str(error)
    assert "%2F" in str(error)


def test_what_a_server_sent_reaches_no_terminal_as_a_control_code() -> None:
    error = explain("https://h/r", "remote: \x1b[31mERROR: Repository not found\x07\u202e\n")
    assert str(error).isprintable()
    assert "\\x1b[31mERROR" in str(error)


def test_a_server_that_talks_on_and_on_is_cut_off() -> None:
    assert len(explain("u", "x" * 100_000).detail) <= 300
