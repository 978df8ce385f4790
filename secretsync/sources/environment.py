"""The environment of the programs that sources start: made for them, so that nothing of ours goes along by chance."""

from __future__ import annotations

import os

_PASSED_ON = (
    # where programs, their libraries and temporary files are
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "GIT_EXEC_PATH"),
    *("LANG", "LANGUAGE", "LC_ALL"),
    # how the network and its authorities are reached
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    # ssh's agent, and Kerberos, which ssh and curl may use
    *("SSH_AUTH_SOCK", "KRB5CCNAME", "KRB5_CONFIG", "GNUPGHOME"),
)


def passed_on() -> dict[str, str]:
    """The variables of ours that git, ssh and gpg need. Credentials reach them by other ways."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
