"""The verbs of a directory of manifests on a branch, and the proposal that makes of what changed a commit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import structlog

from secretsync.cluster.directory import DirectoryCluster
from secretsync.cluster.encryption import Encryption
from secretsync.cluster.encryption.encryption import KeepingProposed
from secretsync.cluster.encryption.sops import CONFIGURATION
from secretsync.cluster.repository.errors import BranchMissing, BranchOfOthers
from secretsync.cluster.repository.forge import Forge
from secretsync.cluster.repository.git import GitRepository
from secretsync.core import packing
from secretsync.core.files import write_atomically
from secretsync.core.model import Manifest, Secret, Workload
from secretsync.core.secret_codec import OURS

log = structlog.get_logger()

TRAILER = "Secretsync-Target"
"""The trailer of our commits: a branch whose newest commit lacks it was pushed to by others."""


PLAN_TRAILER = "Secretsync-Plan"
"""The trailer that has the id of the plan, as ``secretsync plan --out`` prints it for this target."""


@dataclass(frozen=True)
class Message:
    """A commit's message; its *title* is also that of the request."""

    title: str
    body: str
    trailers: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.title}\n\n{self.body}\n\n" + "".join(f"{key}: {value}\n" for key, value in self.trailers.items())


@dataclass(frozen=True)
class Proposal:
    """What became of a change: the *commit* on *branch*, and the *url* of its request (empty: pushed, no request).

    *state* ``nothing`` says that the branch holds everything already, ``unchanged`` that the request brings it.
    """

    state: Literal["pushed", "proposed", "updated", "unchanged", "closed", "nothing"]
    branch: str
    commit: str = ""
    url: str = ""


class RepositoryCluster:
    """A branch of *repository*, read and written below *scratch*; *directory* holds the manifests.

    *proposal_branch* is empty where changes are pushed to the branch itself. *files* are paths beside *directory* that
    change as well. With *by_digest* Helm makes the workloads: none is looked for, and *history* earlier Secrets stay.
    Secrets that ask for it are kept by *encryption*, and written anew only where they changed.
    """

    runs_pods = False
    calls_at_once = 1

    def __init__(
        self,
        repository: GitRepository,
        branch: str,
        directory: str,
        scratch: Path,
        *,
        files: Sequence[str] = (),
        proposal_branch: str = "",
        forge: Callable[[], Forge] | None = None,
        by_digest: bool = False,
        history: int = 5,
        encryption: Encryption | None = None,
    ) -> None:
        self._repository, self._branch, self._directory, self._scratch = repository, branch, directory, scratch
        self._paths, self._proposal_branch, self._forge = tuple(files), proposal_branch, forge
        self._by_digest, self._history, self._encryption = by_digest, history, encryption
        self._base = self._proposed = ""
        self._live: dict[str, bytes] = {}
        self._open: DirectoryCluster | None = None

    def begin(self) -> None:
        """Forget what was read: the next verb asks the server what the branch is now."""
        self._open = None

    def read_file(self, path: str) -> str | None:
        """One of *files* as it is now; None where it is not there."""
        self._manifests()
        file = self._root / path
        return file.read_bytes().decode() if file.is_file() else None

    def write_file(self, path: str, text: str) -> None:
        """Change one of *files*."""
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())

    def publish(self, message: Message, description: str) -> Proposal:
        """Make a commit of all that was written since `begin`, and push or propose it. Nothing written, nothing made.

        *description* is the Markdown below the request.
        Raises Conflict where the branch moved, PushRefused, BranchOfOthers, ForgeRefused.
        """
        self._manifests()
        changes = self._changes()
        repository, base_branch = self._repository, self._proposal_branch or self._branch
        tree = repository.tree(self._base, changes) if changes else ""
        if not self._proposal_branch:
            return self._push(tree, str(message)) if tree else Proposal("nothing", base_branch)
        if not tree:
            return self._withdraw()
        if self._is_proposed(tree):
            return self._request("unchanged", self._proposed, message.title, description)
        commit = repository.commit(tree, self._base, str(message))
        repository.push(commit, base_branch, self._proposed)
        log.info("pushed", repository=repository.url, branch=base_branch, commit=commit[:12])
        previous, self._proposed = self._proposed, commit
        return self._request("updated" if previous else "proposed", commit, message.title, description)

    def _push(self, tree: str, message: str) -> Proposal:
        commit = self._repository.commit(tree, self._base, message)
        self._repository.push(commit, self._branch, self._base)
        log.info("pushed", repository=self._repository.url, branch=self._branch, commit=commit[:12])
        return Proposal("pushed", self._branch, commit)

    def _is_proposed(self, tree: str) -> bool:
        """Whether the branch of the request brings this very change. Raises BranchOfOthers."""
        if not self._proposed:
            return False
        repository = self._repository
        self._refuse_commit_of_others()
        parents = repository.parents(self._proposed)
        proposed = repository.changed(parents[0], self._proposed) if parents else ""
        return bool(proposed) and proposed == repository.changed(self._base, tree)

    def _refuse_commit_of_others(self) -> None:
        """Raises BranchOfOthers where the newest commit of the request's branch is not ours."""
        self._repository.fetch(self._proposed, self._proposal_branch)
        author, message = self._repository.author(self._proposed)
        if f"\n{TRAILER}: " not in message:
            raise BranchOfOthers(self._proposal_branch, self._proposed, author)

    def _withdraw(self) -> Proposal:
        """The branch holds everything already: a request that is still open is closed, and its branch deleted."""
        if not self._proposed:
            return Proposal("nothing", self._proposal_branch)
        self._refuse_commit_of_others()
        url = ""
        forge = self._forge() if self._forge else None
        if forge and (request := forge.find(self._proposal_branch, self._branch)):
            forge.close(request, "The branch holds all of this already: nothing is left to propose.")
            url = request.url
        self._repository.push("", self._proposal_branch, self._proposed)
        self._remember(None)
        return Proposal("closed", self._proposal_branch, url=url)

    def _request(
        self, state: Literal["proposed", "updated", "unchanged"], commit: str, title: str, body: str
    ) -> Proposal:
        """Open or update the request for *commit*; one that is known to be there is not asked for again."""
        if not self._forge:
            return Proposal(state, self._proposal_branch, commit)
        remembered = self._remembered()
        if state == "unchanged" and remembered.get("commit") == commit:
            return Proposal(state, self._proposal_branch, commit, remembered.get("url", ""))
        forge = self._forge()
        request = forge.find(self._proposal_branch, self._branch)
        if request is None:
            request = forge.open(self._proposal_branch, self._branch, title, body)
        else:
            forge.update(request, title, body)
        self._remember({"commit": commit, "url": request.url})
        return Proposal(state, self._proposal_branch, commit, request.url)

    @property
    def _root(self) -> Path:
        return self._scratch / "files"

    @property
    def _memory(self) -> Path:
        return self._scratch / "request.json"

    def _remembered(self) -> dict[str, str]:
        try:
            content = json.loads(self._memory.read_text())
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}

    def _remember(self, request: Mapping[str, str] | None) -> None:
        if request is None:
            self._memory.unlink(missing_ok=True)
        else:
            write_atomically(self._memory, json.dumps(request))

    def _manifests(self) -> DirectoryCluster:
        """The files of the branch as it is now, laid out below *scratch*. Raises BranchMissing, GitFailed."""
        if self._open is not None:
            return self._open
        names = filter(None, (self._branch, self._proposal_branch))
        now = self._repository.branches(*names)
        if self._branch not in now:
            raise BranchMissing(self._repository.url, self._branch)
        base = now[self._branch]
        self._proposed = now.get(self._proposal_branch, "") if self._proposal_branch else ""
        if base != self._base:
            self._repository.fetch(base, self._branch)
            paths = (self._directory, *self._paths, *self._rules)
            self._live = {name: data for path in paths for name, data in self._repository.files(base, path).items()}
            self._base = base
        shutil.rmtree(self._root, ignore_errors=True)
        for name, data in self._live.items():
            (self._root / name).parent.mkdir(parents=True, exist_ok=True)
            (self._root / name).write_bytes(data)
        kept = KeepingProposed(self._encryption, self._proposed_text) if self._encryption else None
        self._open = DirectoryCluster(self._root / self._directory, kept)
        return self._open

    def _proposed_text(self, path: Path) -> str | None:
        """The file at *path* as the request's branch has it."""
        if not self._proposed:
            return None
        self._repository.fetch(self._proposed, self._proposal_branch)
        name = path.relative_to(self._root).as_posix()
        content = self._repository.files(self._proposed, name).get(name)
        return content.decode(errors="replace") if content else None

    @property
    def _rules(self) -> tuple[str, ...]:
        """Where rules of encryption may stand, from the root of the repository down to *directory*."""
        if self._encryption is None:
            return ()
        folders = PurePosixPath(self._directory).parents
        return tuple((folder / CONFIGURATION).as_posix() for folder in folders)

    def _changes(self) -> dict[str, bytes | None]:
        now = {
            path.relative_to(self._root).as_posix(): path.read_bytes()
            for path in self._root.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        changed: dict[str, bytes | None] = {name: data for name, data in now.items() if self._live.get(name) != data}
        deleted = [name for name in self._live if name not in now and not Path(name).name.startswith(".")]
        return {**changed, **dict.fromkeys(deleted)}

    # The verbs of Cluster, on the files that were laid out.

    def secret(self, namespace: str, name: str) -> Secret | None:
        """The Secret as the branch holds it; None where there is none."""
        return self._manifests().secret(namespace, name)

    def create(self, secret: Secret, *, manager: str) -> Secret:
        """Write the Secret into the work tree; it is pushed with the others. Raises Conflict."""
        return self._manifests().create(secret, manager=manager)

    def dry_run(self, secret: Secret, live: Secret | None, *, manager: str) -> Secret | None:
        """What the manifests' directory makes of the write."""
        return self._manifests().dry_run(secret, live, manager=manager)

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        """Write the Secret's file in the work tree anew. Raises Conflict."""
        return self._manifests().replace(secret, live, manager=manager)

    def delete(self, live: Secret) -> None:
        """Delete the Secret's file in the work tree. Raises Conflict."""
        self._manifests().delete(live)

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        """The workloads of the branch; none where their charts restart them by the Secret's digest."""
        return () if self._by_digest else self._manifests().workloads(namespace, selector)

    def spawners(self, namespace: str) -> Sequence[Manifest]:
        """What is there and, for each earlier Secret that a revert of a commit would need, that revert."""
        manifests = self._manifests()
        return [*manifests.spawners(namespace), *(_revert(secret) for secret in self._earlier(manifests, namespace))]

    def _earlier(self, manifests: DirectoryCluster, namespace: str) -> Sequence[Secret]:
        if not self._by_digest:
            return ()
        own_secrets = [
            secret for secret in manifests.secrets(namespace) if secret.immutable and OURS + "module" in secret.labels
        ]
        newest = sorted({_revision_number(secret) for secret in own_secrets}, reverse=True)[: self._history]
        return [secret for secret in own_secrets if _revision_number(secret) in newest]

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        """Stamp the workload's file in the work tree. Raises Conflict."""
        return self._manifests().annotate(workload, annotations, manager=manager)

    def __getattr__(self, verb: str) -> object:
        """All other verbs are those of the directory: nothing runs in a repository."""
        if verb.startswith("_"):
            raise AttributeError(verb)
        return getattr(self._manifests(), verb)


def _revision_number(secret: Secret) -> int:
    text = secret.annotations.get(packing.REVISION_NUMBER, "0")
    return int(text) if text.isdigit() and len(text) < 10 else 0


def _revert(secret: Secret) -> Manifest:
    """What a revert of a commit would start: pods that mount an earlier Secret."""
    volume = {"name": "policy", "secret": {"secretName": secret.name}}
    return {
        "kind": "Revert",
        "metadata": {"namespace": secret.namespace, "name": f"to-revision-{_revision_number(secret)}"},
        "spec": {"template": {"spec": {"volumes": [volume]}}},
    }
