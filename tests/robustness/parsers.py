"""Every parser of a stranger's bytes that no archive or index has: each with a real input, and what reads it.

Those of archives, indexes and reports are in `tests.sources.readers`.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from secretsync.core.model import Ref, Secret
from secretsync.plan.state import Hold, PackageState, Result, State, to_secret
from tests.sources.wheels import record as record_of

Read = Callable[[bytes], object]

NAMESPACE, NAME = "rucio", "site-policy"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
METADATA = {"name": NAME, "namespace": NAMESPACE, "uid": "u-1", "resourceVersion": "7"}

CONFIG = b"""packages:
- moduleName: my_policy
  requirement: git+https://git.example.org/a/policy.git@v1.0
  check: {fail: warning}
targets:
- cluster: {context: production, kubeconfig: kubeconfig}
  namespace: rucio
  selector: app=rucio
  wire: true
  rollout: {timeout: 5m, settle: 10, waves: [{selector: app=judge}]}
interval: 300
"""
KUBECONFIG = yaml.safe_dump(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443", "insecure-skip-tls-verify": True}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "rucio"}}],
        "users": [{"name": "u", "user": {"token": "abc", "as": "jane", "as-groups": ["a", "b"]}}],
    }
).encode()
STATE = to_secret(
    State(
        {
            NAME: PackageState(
                secrets=(NAME,),
                revision_number=1700,
                restarts={"Deployment/rucio/server": 3},
                hold=Hold("rejected", f"{NAME}-history-0", since=1700000000),
                kept={f"{NAME}-history-0": "a" * 64},
            )
        },
        {NAME: Result("current", 1700000000)},
    ),
    "secretsync",
    NAMESPACE,
).data["state.json"]
LEASE = json.dumps(
    {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            **METADATA,
            "managedFields": [{"time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:renewTime": {}}}}],
        },
        "spec": {
            "holderIdentity": "host/1",
            "leaseDurationSeconds": 30,
            "renewTime": "2026-01-01T00:00:00.000000Z",
            "leaseTransitions": 4,
        },
    }
).encode()
WORKLOAD = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {**METADATA, "generation": 3, "annotations": {"secretsync/write": "1700000000000"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "rucio"}},
        "template": {
            "metadata": {"labels": {"app": "rucio"}},
            "spec": {
                "containers": [
                    {
                        "name": "rucio",
                        "image": "rucio:38.5.5",
                        "env": [{"name": "PYTHONPATH", "value": "/opt"}],
                        "volumeMounts": [{"name": "p", "mountPath": "/opt/my_policy"}],
                    }
                ],
                "volumes": [{"name": "p", "secret": {"secretName": NAME}}],
            },
        },
    },
    "status": {"observedGeneration": 3, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
}
WORKLOADS = json.dumps(
    {"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {}, "items": [WORKLOAD]}
).encode()
STATUS = json.dumps(
    {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        "reason": "Forbidden",
        "details": {
            "name": "server",
            "kind": "deployments",
            "causes": [{"field": "spec.template", "reason": "FieldValue"}],
        },
        "code": 403,
    }
).encode()
ANNOTATIONS = json.dumps(
    {
        "secretsync/revision": "commit:" + "a" * 40,
        "secretsync/source": "https://git.example.org/a.git",
        "secretsync/ref": "refs/heads/main",
        "secretsync/digest": "b" * 64,
        "secretsync/directory": ".",
        "secretsync/recipe": "c" * 16,
        "secretsync/write": "1700000000000",
        "secretsync/layout": "directories",
    }
).encode()
COMMIT = b"""tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
author A <a@example.org> 1700000000 +0100
committer A <a@example.org> 1700000000 +0100
gpgsig -----BEGIN SSH SIGNATURE-----
 U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg
 -----END SSH SIGNATURE-----

Subject of the commit
"""
TAG = b"""object 4b825dc642cb6eb9a060e54bf8d69288fbee4904
type commit
tag v1.0
tagger A <a@example.org> 1700000000 +0100

Release
-----BEGIN PGP SIGNATURE-----

iQ==
-----END PGP SIGNATURE-----
"""
GPG = b"""[GNUPG:] NEWSIG
[GNUPG:] GOODSIG 0123456789ABCDEF A <a@example.org>
[GNUPG:] VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567 2026-01-01 1700000000 0 4 0 22 8 00
"""
BLOBS = b"a" * 40 + b" blob 6\nx = 1\n\n" + b"b" * 40 + b" blob 0\n\n"
TREE = b"100644 blob " + b"a" * 40 + b"\tmy_policy/__init__.py\0120000 blob " + b"b" * 40 + b"\tmy_policy/link\0"
REFS = b"a" * 40 + b"\tHEAD\n" + b"a" * 40 + b"\trefs/heads/main\n" + b"b" * 40 + b"\trefs/tags/v1.0\n"
COMPLAINT = (
    b"remote: GitLab: The project you were looking for could not be found.\n"
    b"fatal: Could not read from remote repository.\n"
)
REQUEST = {
    "iid": 7,
    "number": 7,
    "web_url": "https://git.example.org/a/-/merge_requests/7",
    "html_url": "https://git.example.org/a/pulls/7",
    "head": {"ref": "ours"},
    "base": {"ref": "main"},
}
REQUESTS = json.dumps([REQUEST]).encode()
PUSH = json.dumps({"ref": "refs/heads/main", "after": "a" * 40, "repository": {"full_name": "a/policy"}}).encode()
WHEEL = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
DIST_INFO = "my_policy-1.0.dist-info"
IN_WHEEL = {"my_policy/__init__.py": b"", f"{DIST_INFO}/METADATA": b"Name: my-policy\n", f"{DIST_INFO}/WHEEL": WHEEL}
RECORD = record_of(IN_WHEEL, DIST_INFO)
CREDENTIAL = json.dumps(
    {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "abc"}}
).encode()
MANIFESTS = yaml.safe_dump_all(
    [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "data": {"a": "eA=="},
        },
        {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "b"}}]},
    ]
).encode()
VALUES = b"secretMounts:\n- volumeName: gridca\n  secretFullName: ca\n  mountPath: /etc/grid\nconfig: {policy: {}}\n"
KUSTOMIZATION = b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- a.yaml\n- ./b.yaml\n"


PLAN = json.dumps(
    {
        "targets": [
            {
                "target": "production",
                "namespace": NAMESPACE,
                "packages": [
                    {
                        "module": "my_policy",
                        "secret": NAME,
                        "source": "https://git.example.org/a.git",
                        "ref": "refs/heads/main",
                        "commit": "a" * 40,
                        "digest": "b" * 64,
                        "revision": 1700000000000,
                        "secrets": [],
                    }
                ],
                "restarts": [[{"workload": "Deployment/server", "live": "c" * 64, "change": "d" * 64}]],
                "workloads": ["Deployment/server"],
                "findings": [],
                "policy": [],
            }
        ]
    }
).encode()


def config(data: bytes) -> object:
    from secretsync.config import from_text

    return from_text(data.decode(errors="replace"), Path("secretsync.yaml"))


def kubeconfig(data: bytes) -> object:
    from secretsync.cluster.api import in_context

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return in_context("test", Path(file.name))


def state(data: bytes) -> object:
    from secretsync.plan.state import from_secret

    return from_secret(Secret(NAMESPACE, "secretsync-state", {"state.json": data}))


def annotations(data: bytes) -> object:
    """What a live Secret and a pod template say of themselves."""
    from secretsync.core import packing, revision_numbers

    try:
        written = {str(key): str(value) for key, value in json.loads(data).items()}
    except (ValueError, AttributeError, RecursionError):
        written = {"secretsync/write": data.decode(errors="replace"), "secretsync/directory": str(data)}
    live = [Secret(NAMESPACE, NAME, {"__init__.py": b""}, {}, written)]
    numbers = [revision_numbers.of_stamp(value) for value in written.values()]
    return packing.live_bundle(live), packing.newest_revision(live), packing.is_intact(live), numbers


def lease(data: bytes) -> object:
    from secretsync.cluster import lease
    from secretsync.cluster.answers import NotAnObject, named_object_in

    try:
        found = named_object_in(data)
    except NotAnObject:
        return None
    return lease.seconds_left(found, NOW, 30), lease.acquired(found, "me", 30, NOW), lease.released(found, NOW)


def answer(data: bytes) -> object:
    """A list of workloads, and what is asked of each."""
    from secretsync.cluster import answers
    from secretsync.core.model import Workload
    from secretsync.plan.rollout_status import status

    try:
        items, _ = answers.items_in(data)
        found = [answers.workload(answers.stored(item, NAMESPACE)) for item in items]
    except answers.NotAnObject:
        return None
    workloads = [Workload(Ref("Deployment", NAMESPACE, item["metadata"]["name"]), item) for item in found]
    return [status(workload) for workload in workloads]


def refusal(data: bytes) -> object:
    from secretsync.cluster.errors import Call
    from secretsync.cluster.refusals import refusal

    sent = {"data": {"a": base64.b64encode(b"a secret line\n").decode()}}
    return [str(refusal(Call("update", "Secret", NAMESPACE, NAME), code, data, sent)) for code in (400, 403, 404, 500)]


def webhook(data: bytes) -> object:
    """One body, and one value of every header that proves something."""
    from secretsync.service.webhook import _PROOFS, By, proven_by

    text = data.decode("latin-1")
    headers = [{header: text} for header in _PROOFS]
    timed = {"webhook-id": text, "webhook-timestamp": text, "webhook-signature": text}
    basic = {"authorization": f"Basic {base64.b64encode(data).decode()}"}
    found = [proven_by(sent, data, "c2VjcmV0", 1.7e9) for sent in (*headers, timed, basic)]
    assert set(found) == {By.REFUSED}
    return found


def exec_credential(data: bytes) -> object:
    from secretsync.cluster.exec_plugin import _status

    return _status("plugin", "client.authentication.k8s.io/v1", data)


def commit(data: bytes) -> object:
    from secretsync.sources.git.commit import committed_at, subject_of
    from secretsync.sources.git.signature import split_commit

    return committed_at(data), split_commit(data), subject_of(data)


def tag(data: bytes) -> object:
    from secretsync.sources.git.signature import confirm_tag_name, split_tag

    signed = split_tag(data)
    confirm_tag_name("v1.0", signed)
    return signed


def signature_status(data: bytes) -> object:
    from secretsync.sources.git.signature import _check_openpgp_status

    return _check_openpgp_status("commit a", 0, data.decode(errors="replace"))  # type: ignore[func-returns-value]


def _of_git(read: Callable[[], object]) -> object:
    """What its callers make a damaged cache of."""
    try:
        return read()
    except ValueError:
        return None


def cat_file(data: bytes) -> object:
    from secretsync.sources.git import batch

    return _of_git(lambda: list(batch.blobs(data, ["a" * 40, "b" * 40])))


def ls_tree(data: bytes) -> object:
    from secretsync.sources.git import batch

    return _of_git(lambda: batch.tree(data))


def ls_remote(data: bytes) -> object:
    from secretsync.sources.git import batch, refs

    found = batch.refs(data)
    return refs.find("https://git.example.org/a.git", "main", found), refs.find_newest_tag("u", ">=1", "", found)


def complaint(data: bytes) -> object:
    from secretsync.sources.git.errors import explain

    return str(explain("https://git.example.org/a.git", data.decode(errors="replace")))


def forge(name: str) -> Read:
    from importlib import import_module

    from secretsync.cluster.repository.forge.rest import Answer, Api
    from secretsync.config.access import Access

    class Canned(Api):
        body = b""

        def send(self, method: str, path: str, action: str, **arguments: Any) -> Answer:
            return Answer(200, self.body)

    def read(data: bytes) -> object:
        api = Canned("https://git.example.org", {}, Access(), Path())
        object.__setattr__(api, "body", data)
        opened = import_module(f"secretsync.cluster.repository.forge.{name}").Forge(api, "a/policy")
        return opened.find("ours", "main")

    return read


def record(data: bytes) -> object:
    return _wheel({**IN_WHEEL, f"{DIST_INFO}/RECORD": data})


def wheel_file(data: bytes) -> object:
    files = {**IN_WHEEL, f"{DIST_INFO}/WHEEL": data}
    return _wheel({**files, f"{DIST_INFO}/RECORD": record_of(files, DIST_INFO)})


def _wheel(files: dict[str, bytes]) -> object:
    from secretsync.sources.wheel import read_wheel
    from tests.sources.wheels import archive

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my_policy-1.0-py3-none-any.whl"
        path.write_bytes(archive(files))
        return read_wheel(path, most_bytes=1 << 20)


def manifests(data: bytes) -> object:
    from secretsync.cluster.manifest_files import ManifestFolder

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_bytes(data)
        return ManifestFolder(Path(folder)).find(NAMESPACE, ["Secret"])


def values(data: bytes) -> object:
    from secretsync.core.yaml_edit import CannotEdit
    from secretsync.rucio.charts.site_values import read

    try:
        return read(data.decode(errors="replace"))
    except CannotEdit as error:
        return str(error)


def kustomization(data: bytes) -> object:
    from secretsync.cluster.kustomization import NotEditable, with_resource

    try:
        return with_resource(data.decode(errors="replace"), "c.yaml")
    except NotEditable as error:
        return str(error)


def plan(data: bytes) -> object:
    from secretsync.cli.approved import read_plan

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_plan(Path(file.name))


PARSERS: dict[str, tuple[bytes, Read]] = {
    "RECORD of a wheel": (RECORD, record),
    "WHEEL of a wheel": (WHEEL, wheel_file),
    "configuration": (CONFIG, config),
    "kubeconfig": (KUBECONFIG, kubeconfig),
    "answer of an exec plugin": (CREDENTIAL, exec_credential),
    "state object": (STATE, state),
    "annotations": (ANNOTATIONS, annotations),
    "Lease": (LEASE, lease),
    "list of workloads": (WORKLOADS, answer),
    "refusal of the API": (STATUS, refusal),
    "webhook: body and headers": (PUSH, webhook),
    "answer of GitHub": (REQUESTS, forge("github")),
    "answer of GitLab": (REQUESTS, forge("gitlab")),
    "answer of Gitea": (REQUESTS, forge("gitea")),
    "git cat-file": (BLOBS, cat_file),
    "git ls-tree": (TREE, ls_tree),
    "git ls-remote": (REFS, ls_remote),
    "complaint of git": (COMPLAINT, complaint),
    "commit and its signature": (COMMIT, commit),
    "tag and its signature": (TAG, tag),
    "status lines of gpg": (GPG, signature_status),
    "manifests of a directory": (MANIFESTS, manifests),
    "values of a chart": (VALUES, values),
    "kustomization": (KUSTOMIZATION, kustomization),
    "approved plan": (PLAN, plan),
}
