"""One call to the API: the official client's configuration, authentication and transport, with plain dicts.

The client's typed API costs 0.8 s and 20 MiB more at the start, prints Secret values in its ``repr`` and neither
retries nor times out; ``call_api`` raises nothing by itself, so the answer's status is checked here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
import urllib3
import yaml
from urllib3 import BaseHTTPResponse, HTTPHeaderDict
from urllib3.exceptions import HTTPError, InsecureRequestWarning, MaxRetryError, ReadTimeoutError
from urllib3.util.retry import Retry

from secretsync import __version__
from secretsync.cluster import answers
from secretsync.cluster.answers import NotAnObject
from secretsync.cluster.errors import Call, NotFound, NotKubernetes, Refusal, Unreachable, UnusableCluster
from secretsync.cluster.refusals import refusal
from secretsync.cluster.slim_client import (
    ApiClient,
    ApiException,
    ConfigException,
    Configuration,
    load_incluster_config,
)
from secretsync.core import shutdown
from secretsync.core.http_patience import PatientRetry, TooManyPieces, all_within, pieces_of
from secretsync.core.instrumentation import CallEnded, emit
from secretsync.core.kinds import KINDS, resource_of
from secretsync.core.kinds.kind import Kind, plural
from secretsync.core.log import API_CALL
from secretsync.core.model import Manifest
from secretsync.core.times import http_time

log = structlog.get_logger()

_RETRIES = PatientRetry(
    total=5,
    allowed_methods=None,
    status_forcelist=(429, 500, 502, 503, 504),
    backoff_factor=0.4,
    backoff_jitter=0.2,
    backoff_max=8,
    retry_after_max=30,
)
_WORKLOADS = frozenset(resource_of(kind) for kind in KINDS)
CALLS_AT_ONCE = 8
"""Calls that may be under way: beyond, a server of our sites' size answers each of them later, and no more in all."""

_LARGEST_ANSWER = 64 * 1024 * 1024
T = TypeVar("T")

_DISCOVERED: dict[tuple[str, str], frozenset[str]] = {}
"""The resources that were found, by the server and the apiVersion; a pass opens its connections anew."""
_DISCOVERING = threading.Lock()


@dataclass(frozen=True)
class Timeouts:
    """How long one call may take, in seconds, and how often it is tried again.

    Every verb may be repeated: a PUT carries the resourceVersion, a DELETE the uid, an apply is what it was, and a POST
    that took place answers AlreadyExists the second time (Reply.repeated then says that it may be our own).
    """

    connect: float = 5
    read: float = 20
    total: float = 60
    retries: Retry = _RETRIES


BRISK = Timeouts(connect=3, read=4, total=4, retries=Retry(total=0))
"""For what is asked again in a moment anyway."""


@dataclass(frozen=True)
class Reply:
    """The API's answer, *date* by its clock; *repeated* when an earlier try of the call may have taken place.

    *server* is the address that answered, *media_type* what it says that the body is, *sent* the object that was sent.
    """

    call: Call
    status: int
    body: bytes = field(repr=False)
    repeated: bool = False
    date: str = ""
    server: str = ""
    media_type: str = ""
    sent: Manifest | None = field(default=None, repr=False)

    @property
    def absent(self) -> bool:
        """Whether the API says that this object is not there; a missing namespace or a proxy's 404 is an error."""
        return self.status == HTTPStatus.NOT_FOUND and isinstance(self.refusal(), NotFound)

    def refusal(self) -> Refusal:
        """What an answer that is an error stands for."""
        return refusal(self.call, self.status, self.body, self.sent)

    def content(self) -> Manifest:
        """The object in the answer, which has a name. Raises a Refusal where the answer is an error, NotKubernetes."""
        return self._read(answers.named_object_in)

    def stored(self) -> Manifest:
        """The object that the call names, as it is stored. Raises a Refusal, NotKubernetes."""
        return self._read(self._stored_object)

    def _stored_object(self, body: bytes) -> Manifest:
        manifest = answers.named_object_in(body)
        if plural(manifest["kind"]) != self.call.resource.partition(".")[0]:
            raise NotAnObject("an object of another kind")
        return self._whole(manifest, self.call.name)

    def items(self) -> tuple[list[Manifest], str]:
        """The stored objects of a list, and where it goes on. Raises a Refusal, NotKubernetes."""
        return self._read(self._stored_items)

    def _stored_items(self, body: bytes) -> tuple[list[Manifest], str]:
        items, continue_token = answers.items_in(body)
        return [self._whole(item) for item in items], continue_token

    def _whole(self, manifest: Manifest, name: str = "") -> Manifest:
        """*manifest* with all that the API's schema promises of it. Raises NotAnObject."""
        value = answers.stored(manifest, self.call.namespace, name)
        return answers.workload(value) if self.call.resource in _WORKLOADS else value

    def resources(self) -> frozenset[str]:
        """The resources that discovery lists. Raises a Refusal where the answer is an error, NotKubernetes."""
        return self._read(answers.resources_in)

    def review(self) -> Manifest:
        """The ``status`` of a review of this account's, which has no name. Raises a Refusal, NotKubernetes."""
        status = self._read(answers.object_in).get("status")
        if not isinstance(status, dict):
            raise NotKubernetes(self.call, self.server, "a review without a status")
        return status

    def check(self) -> None:
        """Raises a Refusal where the answer is an error, NotKubernetes where it is none of the API's."""
        self._read(answers.object_in)

    def _read(self, read: Callable[[bytes], T]) -> T:
        if 300 <= self.status < 400:
            raise NotKubernetes(self.call, self.server, f"HTTP {self.status}, a redirect")
        if not 200 <= self.status < 300:
            raise self.refusal()
        try:
            return read(self.body)
        except NotAnObject as error:
            description = self.media_type if self.media_type and "json" not in self.media_type else str(error)
            raise NotKubernetes(self.call, self.server, description) from None


def _ended(call: Call, path: str, code: str) -> None:
    emit(CallEnded(call.verb, call.resource, code))
    resolved_path = path.replace("{namespace}", call.namespace).replace("{name}", call.name)
    log.debug(API_CALL, verb=call.verb, path=resolved_path, status=code)


class _TooMuch(HTTPError):
    """More bytes than an API server has to say."""


class Connection:
    """Sends calls, patiently, and gives back what was answered."""

    def __init__(
        self, client: ApiClient, patience: Timeouts | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._patience = patience or Timeouts()
        self._clock = clock
        self._server_time: tuple[datetime, float] | None = None
        self._preparing = threading.Lock()
        self._calls = threading.BoundedSemaphore(CALLS_AT_ONCE)
        client.user_agent = f"secretsync/{__version__}"

    def server_time(self) -> datetime:
        """What time it is by the clock of the API server, as its last answer told; by the host's where none did."""
        if self._server_time is None:
            return datetime.now(UTC)
        at, then = self._server_time
        return at + timedelta(seconds=self._clock() - then)

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
        """Send *call* and return the answer, be it an error. Raises Unreachable, UnusableCluster, NotKubernetes."""
        try:
            return self._send_patiently(call, method, path, dict(query or {}), body, content_type)
        except (HTTPError, ApiException) as error:
            raise Unreachable(call, self._client.configuration.host, _reason(error)) from None
        except RecursionError:  # the client serializes what it was given, managedFields included
            raise NotKubernetes(call, self._client.configuration.host, "an object nested too deeply") from None
        except (ConfigException, OSError) as error:
            raise UnusableCluster("the credentials for the API server", _first_line(error)) from None

    def serves(self, kind: Kind) -> bool:
        """Whether the API server has *kind*, by discovery, which is asked once in the life of this process."""
        key = self._client.configuration.host, kind.api_version
        with _DISCOVERING:
            if key not in _DISCOVERED:
                _DISCOVERED[key] = self._discover(kind.api_version)
        return kind.resource in _DISCOVERED[key]

    def _discover(self, api_version: str) -> frozenset[str]:
        """The resources of *api_version*; none where it is absent or may not be asked for."""
        reply = self.send(Call("get", api_version, ""), "GET", f"/apis/{api_version}")
        if reply.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
            return frozenset()
        return reply.resources()

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
            # Serialized anew for each try: this is where the client renews a token that has expired, which is done once
            with self._preparing:
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
                with self._calls, all_within(self._patience.total):
                    response = self._client.call_api(
                        *request, _request_timeout=(self._patience.connect, self._patience.read)
                    ).response
                    content = _body(response)
            except HTTPError as error:
                _ended(call, path, "none")
                retries = retries.increment(method, path, error=error)
            else:
                _ended(call, path, str(response.status))
                if not retries.total or not retries.is_retry(method, response.status):
                    self._remember(response.headers.get("Date", ""))
                    return Reply(
                        call,
                        response.status,
                        content,
                        repeated=bool(retries.history),
                        date=response.headers.get("Date", ""),
                        sent=body,
                        server=self._client.configuration.host,
                        media_type=response.headers.get("Content-Type", "").partition(";")[0].strip()[:60],
                    )
                retries = retries.increment(method, path, response=response)
            # a thread of several that write is not reached by the signal itself
            shutdown.stop_if_asked()
            retries.sleep(response)

    def _remember(self, date: str) -> None:
        if time := http_time(date):
            self._server_time = time, self._clock()


def _body(response: BaseHTTPResponse) -> bytes:
    blocks: list[bytes] = []
    length = 0
    with closing(response):  # a connection whose answer was read to the end has gone back to the pool by then
        for block in pieces_of(response):
            blocks.append(block)
            length += len(block)
            if length > _LARGEST_ANSWER:
                raise _TooMuch(f"the answer has more than {_LARGEST_ANSWER:,} bytes")
    return b"".join(blocks)


_NO_ACCOUNT = "this does not run in a pod that has one; elsewhere, write 'context: NAME' of a kubeconfig"


def in_cluster() -> ApiClient:
    """A client as the service account of the pod that this process runs in. Raises UnusableCluster."""
    configuration = _configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException:
        raise UnusableCluster("the service account ('inCluster: true')", _NO_ACCOUNT) from None
    return _client(configuration, "the service account ('inCluster: true')", ())


def in_context(context: str, path: Path | None = None) -> ApiClient:
    """A client for *context* of the kubeconfig at *path* ($KUBECONFIG, else ~/.kube/config).

    Raises UnusableCluster, ExecPluginFailed.
    """
    # imported here: a pod has no kubeconfig
    from secretsync.cluster import kubeconfig

    configuration = _configuration()
    location = f"context {context!r} of {path or 'the kubeconfig'}"
    try:
        identity = kubeconfig.load(context, path, configuration)
    except (ConfigException, OSError) as error:
        raise UnusableCluster(location, _first_line(error)) from None
    except (yaml.YAMLError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        raise UnusableCluster(location, "the file is not a kubeconfig") from None
    if not configuration.verify_ssl:
        urllib3.disable_warnings(InsecureRequestWarning)  # said once here, not with each request
        log.warning("the API server's certificate is not verified (insecure-skip-tls-verify)", context=context)
    return _client(configuration, location, identity)


def _client(configuration: Configuration, location: str, identity: tuple[tuple[str, str], ...]) -> ApiClient:
    # urllib3 takes SOCKS too, warns, and needs a library that is not there
    if configuration.proxy and urlsplit(configuration.proxy).scheme not in ("http", "https"):
        reason = "its 'proxy-url', or HTTPS_PROXY, does not begin with http:// or https://"
        raise UnusableCluster(location, reason)
    return _Client(configuration, identity)


class _Client(ApiClient):
    """Acts with each request as *identity* says: a header may be there several times."""

    def __init__(self, configuration: Configuration, identity: tuple[tuple[str, str], ...]) -> None:
        super().__init__(configuration)
        self._identity = identity

    def call_api(
        self, method: str, url: str, header_params: Mapping[str, str] | None = None, *further: Any, **named: Any
    ) -> Any:
        headers = HTTPHeaderDict(header_params)
        for name, value in self._identity:
            headers.add(name, value)
        return super().call_api(method, url, headers, *further, **named)


def _configuration() -> Configuration:
    configuration = Configuration()
    configuration.retries = False  # retried here, the reading of the body included, and writes too
    configuration.connection_pool_maxsize = CALLS_AT_ONCE
    return configuration


def _reason(error: Exception) -> str:
    """What failed; of most errors only the class, since their text may quote headers."""
    cause = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, (_TooMuch, TooManyPieces)):
        return str(cause)
    if isinstance(cause, ReadTimeoutError):
        return "it did not answer in time"
    if isinstance(cause, ApiException):  # how the client tells of a fault of TLS, over two lines
        return " ".join(str(cause.reason).split())
    return type(cause).__name__


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
