"""A small stub of the Kubernetes API: objects in memory, resourceVersions, server-side apply to a pod template.

It knows nothing of admission, permissions or controllers; the same contract runs on a real API server.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from secretsync.core.kinds import KINDS
from secretsync.core.kinds.kind import plural
from tests.applied import applied, written
from tests.servers import kubernetes_minors
from tests.servers.http import Answer, Request

Object = dict[str, Any]
_PATH = re.compile(
    r"/apis?/(?P<group>(?:[a-z.0-9]+/)?v1[a-z0-9]*)/namespaces/(?P<namespace>[^/]+)/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?$"
)
_SELECTOR = re.compile(r"(\w+=\w+,?)*")
_LIMIT = 1024 * 1024


_OWN = frozenset(kind.api_version for kind in KINDS.values() if not kind.optional)
"""The apiVersions of Kubernetes' own workloads."""
_EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_REVIEWS: dict[str, Object] = {
    "selfsubjectrulesreviews": {"resourceRules": [_EVERYTHING], "incomplete": False},
    "selfsubjectaccessreviews": {"allowed": True},
}
"""What an account is told that may do everything."""


@dataclass
class StubApi:
    """*page* is how many objects a list gives at once; *optional_kinds* those that it has beyond Kubernetes' own.

    It plays Kubernetes 1.*minor*.
    """

    minor: int = kubernetes_minors.NEWEST
    namespaces: set[str] = field(default_factory=lambda: {"rucio"})
    page: int = 500
    optional_kinds: set[str] = field(default_factory=set)
    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    _versions: Any = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, manifest: Object) -> None:
        """What somebody else writes, and his manager with it."""
        with self._lock:
            metadata = manifest["metadata"]
            key = metadata["namespace"], plural(manifest["kind"]), metadata["name"]
            uid = self.objects[key]["metadata"]["uid"] if key in self.objects else str(uuid.uuid4())
            self._store(key, {**manifest, "metadata": {"uid": uid, **metadata}}, "somebody")

    def remove(self, namespace: str, kind: str, name: str) -> None:
        del self.objects[namespace, plural(kind), name]

    def answer(self, request: Request) -> Answer:
        url = urlsplit(request.path)
        if resources := self._discovery(url.path.removeprefix("/apis/")):
            return _answer({"kind": "APIResourceList", "resources": [{"name": name} for name in resources]})
        if (review := url.path.removeprefix("/apis/authorization.k8s.io/v1/")) in _REVIEWS:
            return _answer({"kind": "Review", "status": _REVIEWS[review]})
        place = _PATH.match(url.path)
        if place is None or not self._serves(place["group"]):
            return _status(404, "NotFound", "page")
        key = place["namespace"], place["resource"], place["name"] or ""
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = json.loads(request.body) if request.body else {}
        with self._lock:
            return getattr(self, f"_{request.method.lower()}")(key, query, body)  # type: ignore[no-any-return]

    def _serves(self, api_version: str) -> bool:
        return kubernetes_minors.serves(self.minor, api_version) or bool(self._discovery(api_version))

    def _discovery(self, api_version: str) -> list[str]:
        """The workloads of *api_version*; none where this minor does not serve it."""
        if api_version in _OWN and not kubernetes_minors.serves(self.minor, api_version):
            return []
        return [
            kind.resource
            for kind in KINDS.values()
            if kind.api_version == api_version and (not kind.optional or kind.name in self.optional_kinds)
        ]

    def _get(self, key: tuple[str, str, str], query: dict[str, str], body: Object) -> Answer:
        if key[2]:
            return _answer(self.objects[key]) if key in self.objects else _status(404, "NotFound", key[1])
        if not _SELECTOR.fullmatch(query.get("labelSelector", "")):
            return _status(400, "BadRequest", key[1])
        wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
        only = query.get("fieldSelector", "").removeprefix("metadata.name=")
        items = [
            {field: value for field, value in found.items() if field not in ("kind", "apiVersion")}
            for (namespace, resource, name), found in sorted(self.objects.items())
            if (namespace, resource) == key[:2] and wanted.items() <= found["metadata"].get("labels", {}).items()
            if only in ("", name)
        ]
        start, size = int(query.get("continue", 0)), min(self.page, int(query.get("limit", self.page)))
        more = {"continue": str(start + size)} if start + size < len(items) else {}
        return _answer({"kind": "List", "metadata": more, "items": items[start : start + size]})

    def _post(self, key: tuple[str, str, str], query: dict[str, str], body: Object) -> Answer:
        key = *key[:2], body["metadata"]["name"]
        if key[0] not in self.namespaces:
            return _status(404, "NotFound", "namespaces")
        if key in self.objects:
            return _status(409, "AlreadyExists", key[1])
        return self._written(key, {**body, "metadata": {**body["metadata"], "uid": str(uuid.uuid4())}}, query, 201)

    def _put(self, key: tuple[str, str, str], query: dict[str, str], body: Object) -> Answer:
        if key not in self.objects:
            return _status(404, "NotFound", key[1])
        # without one, the API server takes the write whatever is there
        version = self.objects[key]["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion", version) != version:
            return _status(409, "Conflict", key[1])
        return self._written(key, body, query, 200)

    def _delete(self, key: tuple[str, str, str], query: dict[str, str], body: Object) -> Answer:
        if key not in self.objects:
            return _status(404, "NotFound", key[1])
        metadata = self.objects[key]["metadata"]
        if any(metadata[name] != value for name, value in body.get("preconditions", {}).items()):
            return _status(409, "Conflict", key[1])
        del self.objects[key]
        return _answer({"kind": "Status", "status": "Success"})

    def _patch(self, key: tuple[str, str, str], query: dict[str, str], body: Object) -> Answer:
        """Server-side apply to a pod template, at the version that is named, if one is."""
        if key not in self.objects:
            return _status(409, "Conflict", key[1])
        live = self.objects[key]
        if live["metadata"]["uid"] != body["metadata"].get("uid", live["metadata"]["uid"]):
            return _status(422, "Invalid", key[1], field="metadata.uid")
        if body["metadata"].get("resourceVersion", version := live["metadata"]["resourceVersion"]) != version:
            return _status(409, "Conflict", key[1])
        if told := body["metadata"].get("managedFields"):
            changed = {**live, "metadata": {**live["metadata"], "managedFields": told}}
        else:
            changed = applied(live, body["spec"]["template"], query["fieldManager"])
        changed["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[key] = changed
        return _answer(changed)

    def _written(self, key: tuple[str, str, str], body: Object, query: dict[str, str], status: int) -> Answer:
        if sum(len(value) * 3 // 4 for value in (body.get("data") or {}).values()) > _LIMIT:
            words = kubernetes_minors.too_long(self.minor, _LIMIT)
            return _status(422, "Invalid", key[1], field="data", cause="FieldValueTooLong", message=words)
        if query.get("dryRun"):
            return _answer(body, status)
        self._store(key, body, query["fieldManager"])
        return _answer(self.objects[key], status)

    def _store(self, key: tuple[str, str, str], stored: Object, manager: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = written(stored) if "template" in stored.get("spec", {}) else {"f:data": {}}
        metadata = {
            "creationTimestamp": now,
            **stored["metadata"],
            "resourceVersion": str(next(self._versions)),
            "managedFields": [{"manager": manager, "operation": "Update", "time": now, "fieldsV1": fields}],
        }
        self.objects[key] = kubernetes_minors.with_fields_of(self.minor, {**stored, "metadata": metadata})


def _answer(content: Object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def _status(
    code: int, reason: str, kind: str, field: str = "", cause: str = "FieldValueInvalid", message: str = ""
) -> Answer:
    causes = [{"reason": cause, "field": field, "message": message}] if field else []
    content = {"kind": "Status", "status": "Failure", "reason": reason, "details": {"kind": kind, "causes": causes}}
    return _answer({**content, "message": message, "code": code}, code)
