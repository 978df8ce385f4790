"""Certificates that are refused: expired, too young, of another name and of another authority are told apart."""

from __future__ import annotations

import pytest

from secretsync.sources.certificates import ANOTHER_NAME, EXPIRED, NOT_YET_VALID, UNKNOWN_AUTHORITY, Fault, fault


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("certificate verify failed: certificate has expired (_ssl.c:1006)", EXPIRED),
        ("server verification failed: certificate has expired. (CAfile: x CRLfile: none)", EXPIRED),
        ("certificate verify failed: certificate is not yet valid", NOT_YET_VALID),
        ("certificate verify failed: Hostname mismatch, certificate is not valid for 'h'.", ANOTHER_NAME),
        ("certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.1'.", ANOTHER_NAME),
        ("SSL: certificate subject name (a) does not match target host name 'b'", ANOTHER_NAME),
        ("certificate verify failed: unable to get local issuer certificate", UNKNOWN_AUTHORITY),
        ("SSL certificate problem: self-signed certificate in certificate chain", UNKNOWN_AUTHORITY),
        ("no words of its own", UNKNOWN_AUTHORITY),
    ],
)
def test_a_certificates_fault_is_known_by_the_librarys_words(words: str, expected: Fault) -> None:
    assert fault(words) is expected


def test_only_an_unknown_authority_asks_for_its_file() -> None:
    assert [one for one in (EXPIRED, NOT_YET_VALID, ANOTHER_NAME) if "access.ca" in one.remedy] == []
