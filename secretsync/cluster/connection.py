"""One call to the API: the official client's configuration, authentication and transport, with plain dicts.

The client's typed API costs 0.8 s and 20 MiB more at the start, prints Secret values in its ``repr`` and neither
retries nor times out; ``call_api`` raises nothing by itself, so the answer's status is checked here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util.retry import Retry

from secretsync import __version__
from secretsync.cluster.errors import Call, NotFound, Refusal, Unreachable, UnusableCluster
from secretsync.cluster.refusals import refusal
from secretsync.core.instrumentation import CallEnded, emit
from secretsync.core.model import Manifest

_RETRIES = Retry(
    total=5,
    allowed_methods=None,
    status_forcelist=(429, 500, 502, 503, 504),
    backoff_factor=0.4,
    backoff_jitter=0.2,
    backoff_max=8,
    retry_after_max=30,
)
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Patience:
    """How long one call may take, in seconds, and how often it is tried again.

    Every verb may be repeated: a PUT carries the resourceVersion, a DELETE the uid, an apply is what it was, and a POST
    that took place answers AlreadyExists the second time (Reply.repeated then says that it may be our own).
    """

    connect: float = 5
    read: float = 20
    whole: float = 60
    retries: Retry = _RETRIES


BRISK = Patience(connect=3, read=4, whole=4, retries=Retry(total=0))
"""For what is asked again in a moment anyway."""


@dataclass(frozen=True)
class Reply:
    """The API's answer, *date* by its clock; *repeated* when an earlier try of the call may have taken place."""

    call: Call
    status: int
    body: bytes = field(repr=False)
    repeated: bool = False
    date: str = ""

    @property
    def absent(self) -> bool:
        """Whether the API says that this object is not there; a missing namespace or a proxy's 404 is an error."""
        return self.status == HTTPStatus.NOT_FOUND and isinstance(self.refusal(), NotFound)

    def refusal(self) -> Refusal:
        """What an answer that is an error stands for."""
        return refusal(self.call, self.status, self.body)

    def content(self) -> Manifest:
        """The object in the answer. Raises a Refusal where the answer is an error."""
        self.check()
        content: Manifest = json.loads(self.body)
        return content

    def check(self) -> None:
        """Raises a Refusal where the answer is an error."""
        if not 200 <= self.status < 300:
            raise self.refusal()


class _TooSlow(HTTPError):
    """Bytes arrived, but not all of them in time."""


class Connection:
    """Sends calls, patiently, and gives back what was answered."""

    def __init__(
        self, client: ApiClient, patience: Patience | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._patience = patience or Patience()
        self._clock = clock
        self._server_time: tuple[datetime, float] | None = None
        client.user_agent = f"secretsync/{__version__}"

    def server_time(self) -> datetime:
        """What time it is by the clock of the API server, as its last answer told; by the host's where none did."""
        if self._server_time is None:
            return datetime.now(UTC)
        told, then = self._server_time
        return told + timedelta(seconds=self._clock() - then)

    def send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        """Send *call* and return the answer, be it an error. Raises Unreachable, UnusableCluster."""
        try:
            return self._send_patiently(call, method, path, dict(query or {}), body, content_type)
        except (HTTPError, ApiException) as error:
            raise Unreachable(call, self._client.configuration.host, _reason(error)) from None
        except (ConfigException, OSError) as error:
            raise UnusableCluster("the credentials of the kubeconfig", _first_line(error)) from None

    def _send_patiently(
        self,
        call: Call,
        method: str,
        path: str,
        query: dict[str, Any],
        body: Manifest | None,
        content_type: str,
    ) -> Reply:
        retries = self._patience.retries
        while True:
            # Serialized anew for each try: this is where the client renews a token that has expired.
            request = self._client.param_serialize(
                method,
                path,
                path_params={"namespace": call.namespace, "name": call.name},
                query_params=list(query.items()),
                header_params={"Accept": "application/json, */*", "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
            )
            response = None
            try:
                response = self._client.call_api(
                    *request, _request_timeout=(self._patience.connect, self._patience.read)
                ).response
                content = self._read(response)
            except HTTPError as error:
                emit(CallEnded(call.verb, call.resource, "none"))
                retries = retries.increment(method, path, error=error)
            else:
                emit(CallEnded(call.verb, call.resource, str(response.status)))
                if not retries.total or not retries.is_retry(method, response.status):
                    date = response.headers.get("Date", "")
                    self._remember(date)
                    return Reply(call, response.status, content, repeated=bool(retries.history), date=date)
                retries = retries.increment(method, path, response=response)
            retries.sleep(response)

    def _remember(self, date: str) -> None:
        try:
            time = parsedate_to_datetime(date)
        except ValueError:
            return
        self._server_time = (time if time.tzinfo else time.replace(tzinfo=UTC)), self._clock()

    def _read(self, response: Any) -> bytes:
        """The whole body; the read timeout is one block's, so a trickle needs a limit of its own."""
        deadline = self._clock() + self._patience.whole
        blocks = []
        with closing(response):  # a connection whose answer was read to the end has gone back to the pool by then
            while block := response.read1(_BLOCK):
                blocks.append(block)
                if self._clock() > deadline:
                    raise _TooSlow(f"the answer took longer than {self._patience.whole:g} s")
        return b"".join(blocks)


def in_cluster() -> ApiClient:
    """A client as the service account of the pod that this process runs in. Raises UnusableCluster."""
    configuration = _configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        raise UnusableCluster("the service account ('inCluster: true')", f"{error} Does this run in a pod?") from None
    return ApiClient(configuration)


def in_context(context: str, kubeconfig: Path | None = None) -> ApiClient:
    """A client for *context* of *kubeconfig* ($KUBECONFIG, else ~/.kube/config). Raises UnusableCluster."""
    configuration = _configuration()
    place = f"context {context!r} of {kubeconfig or 'the kubeconfig'}"
    try:
        load_kube_config(
            config_file=str(kubeconfig.expanduser()) if kubeconfig else None,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (ConfigException, OSError) as error:
        raise UnusableCluster(place, _first_line(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError):
        raise UnusableCluster(place, "the file is not a kubeconfig") from None
    return ApiClient(configuration)


def _configuration() -> Configuration:
    configuration = Configuration()
    configuration.retries = False  # retried here, the reading of the body included, and writes too
    return configuration


def _reason(error: Exception) -> str:
    """What failed; of most errors only the class, since their text may quote headers."""
    cause = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, _TooSlow):
        return str(cause)
    if isinstance(cause, ApiException):  # how the client tells of a fault of TLS, over two lines
        return " ".join(str(cause.reason).split())
    return type(cause).__name__


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
