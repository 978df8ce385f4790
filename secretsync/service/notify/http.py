"""A POST that ends: repeated a few times, bounded in time, and never sent on to somebody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from secretsync.config import credentials
from secretsync.config.access import Access
from secretsync.config.notify.http import HttpChannel, IncomingWebhook
from secretsync.config.notify.message import Message
from secretsync.config.notify.webhook import WebhookReceiver
from secretsync.core.errors import SecretSyncError
from secretsync.core.http_patience import all_within
from secretsync.sources.http import client_certificate

TIMEOUT = (5, 10)
"""Seconds to connect, and to wait for the answer; with the repetitions about a minute at the very worst."""

RETRIES = Retry(
    total=2,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
    # nobody is worth waiting for as long as they like
    respect_retry_after_header=False,
)


@dataclass(eq=False)
class NotSent(SecretSyncError):
    """Whoever should be told did not take it; *host* alone is named, as the rest of a URL may be a credential."""

    code = "not_sent"

    host: str
    reason: str

    def __str__(self) -> str:
        return f"{self.host} {self.reason}"


def send(settings: HttpChannel, base: Path, message: Message, text: str) -> None:
    """Send *message* to a channel that takes JSON. Raises NotSent, NoCredential, CredentialsOverPlainHttp."""
    url, access = _address(settings, base)
    body = json.dumps(settings.payload(message, text), sort_keys=True).encode()
    post(url, body, {"Content-Type": "application/json"}, access, base)


def post(url: str, body: bytes, headers: Mapping[str, str], access: Access, base: Path) -> None:
    """Send *body* to *url*. Raises NotSent, NoCredential, CredentialsOverPlainHttp."""
    host = _host(url)
    credentials.refuse_unusable_certificates(access, base)
    allowed = credentials.authorization(access, url, base, default_user="")
    authorized = {**headers, "Authorization": allowed.header} if allowed else headers
    # given with the request, as requests lets REQUESTS_CA_BUNDLE win over the session's (psf/requests#3829)
    trusted = str(base / access.ca) if access.ca else None
    try:
        with all_within(sum(TIMEOUT)), _session(access, base) as session:
            # not a byte of the answer's body is read: nobody cares, and it could drip in for ever
            response = session.post(
                url, data=body, headers=authorized, timeout=TIMEOUT, allow_redirects=False, verify=trusted, stream=True
            )
    except requests.exceptions.SSLError:
        raise NotSent(host, "has a certificate that is not trusted; see 'access: {ca: …}'") from None
    except requests.Timeout:
        raise NotSent(host, "did not answer in time") from None
    except (requests.RequestException, OSError) as error:
        raise NotSent(host, f"cannot be reached ({type(error).__name__}); check the URL and HTTPS_PROXY") from None
    if response.is_redirect:
        raise NotSent(host, f"answered {response.status_code} and names another place: correct the URL")
    if not response.ok:
        raise NotSent(host, f"answered {response.status_code}")


def _address(settings: HttpChannel, base: Path) -> tuple[str, Access]:
    """Where the POST goes, and who it says that it is. Raises NotSent, NoCredential."""
    if isinstance(settings, WebhookReceiver):
        return settings.url, settings.access
    assert isinstance(settings, IncomingWebhook)  # noqa: S101 - there are these two
    url = credentials.read(settings.url, base, "notify.url")
    if not url.startswith("https://"):
        raise NotSent("the incoming webhook's URL", "is not one that begins with https://")
    return url, Access()


def _session(access: Access, base: Path) -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
    session.cert = client_certificate(access, base)
    return session


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        raise NotSent("the URL", "cannot be read") from None
