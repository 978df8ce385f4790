"""Why a server's certificate was refused: told apart by the words of the TLS libraries, each with its remedy."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


@dataclass(frozen=True)
class Fault:
    """Why TLS does not come about; *pattern* is the pattern by which OpenSSL's and GnuTLS's texts are known."""

    pattern: str
    remedy: str
    detail: str = "its certificate is not trusted"


EXPIRED = Fault(
    r"certificate has expired|expired certificate|certificate expired",
    "the server's certificate has expired: ask its administrator to renew it",
)
NOT_YET_VALID = Fault(
    r"certificate is not yet valid|not yet activated",
    "the server's certificate is not valid yet: compare the clocks of this machine and of the server",
)
ANOTHER_NAME = Fault(
    r"does not match target host|no alternative certificate subject name|[Hh]ostname mismatch|IP address mismatch|"
    r"doesn't match",
    "the server's certificate is for another name: use the name that it is for in the URL",
)
NO_TLS = Fault(
    r"unexpected TLS packet|packet length too long|wrong version number|WRONG_VERSION_NUMBER|record layer failure|"
    r"unknown protocol|HTTP_REQUEST",
    "what answers there does not speak TLS: correct the port, or the proxy on the way",
    "it cannot be reached",
)
ANOTHER_KEY = Fault(
    r"KEY_VALUES_MISMATCH|key values mismatch",
    "'access.clientKey' is not the key of 'access.clientCertificate': correct them",
    "the client certificate cannot be shown",
)
UNKNOWN_AUTHORITY = Fault(
    r"SSL certificate|certificate verif|CAfile|SSL peer certificate|self[- ]signed|local issuer certificate",
    "name the certificate authority's file under 'access.ca' of the package or target",
)
_LONGEST = 10.0
_FAULTS = (NO_TLS, ANOTHER_KEY, NOT_YET_VALID, EXPIRED, ANOTHER_NAME, UNKNOWN_AUTHORITY)


def fault(text: str) -> Fault:
    """What *text*, a TLS library's, say is wrong; an authority that nobody knows where they say nothing else."""
    return next((fault for fault in _FAULTS if re.search(fault.pattern, text)), UNKNOWN_AUTHORITY)


def handshake_problem(url: str, ca: Path | None, timeout: float) -> str:
    """What OpenSSL says of the certificate of *url*'s host; empty where it says nothing or cannot be asked.

    GnuTLS, with which Debian builds git's curl, names no cause.
    """
    parts = urlsplit(url)
    if "https" in getproxies() and not proxy_bypass(parts.hostname or ""):
        return ""
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), min(timeout, _LONGEST)) as connection,
            context.wrap_socket(connection, server_hostname=parts.hostname),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (OSError, ValueError):
        return ""
