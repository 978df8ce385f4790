"""The verbs of a directory of manifests on a branch, and the proposal that makes of what changed a commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import structlog

from secretsync.cluster import kustomization
from secretsync.cluster.directory import DirectoryCluster
from secretsync.cluster.encryption import Encryption
from secretsync.cluster.encryption.encryption import KeepingProposed
from secretsync.cluster.encryption.sops import CONFIGURATION
from secretsync.cluster.repository.errors import BranchMissing
from secretsync.cluster.repository.forge import Forge
from secretsync.cluster.repository.git import GitRepository
from secretsync.cluster.repository.layout import Layout
from secretsync.cluster.repository.proposal import Message, OpenRequest, Proposal, Proposed
from secretsync.core import packing
from secretsync.core.model import Manifest, Secret, Workload
from secretsync.core.secret_codec import OURS

log = structlog.get_logger()


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
        encryption: Callable[[Path], Encryption | None] | None = None,
    ) -> None:
        self._repository, self._branch, self._directory, self._scratch = repository, branch, directory, scratch
        self._paths, self._by_digest, self._history, self._encryption = tuple(files), by_digest, history, encryption
        self._request = (
            OpenRequest(repository, proposal_branch, branch, forge, scratch / "request.json")
            if proposal_branch
            else None
        )
        self._base = self._proposed = ""
        self._layout: Layout | None = None
        self._open: DirectoryCluster | None = None
        self._proposed_files: Mapping[str, bytes] | None = None

    def begin(self) -> None:
        """Forget what was read: the next verb asks the server what the branch is now."""
        if self._layout:
            self._layout.close()
        self._layout = self._open = self._proposed_files = None

    def read_file(self, path: str) -> bytes | None:
        """One of *files* as it is now; None where it is not there."""
        place = self._files().root / path
        return place.read_bytes() if place.is_file() else None

    def write_file(self, path: str, text: str) -> None:
        """Change one of *files*."""
        self._changed()
        place = self._files().root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # the file itself is shared with other passes
        place.write_bytes(text.encode())

    def proposed(self, key: str) -> Proposal | None:
        """The request that is open, if it brings what was published with *key* to the branch as it is now."""
        self._files()
        return self._request.known(self._proposed, self._base, key) if self._request else None

    def waiting(self) -> Proposed | None:
        """What the branch of the request would bring to the branch; None where there is nothing."""
        self._files()
        if not self._request or not self._proposed:
            return None
        self._repository.fetch(self._base, self._branch)
        return self._request.proposed(self._proposed, self._base)

    @property
    def proposes(self) -> bool:
        """Whether changes are proposed for somebody to merge."""
        return self._request is not None

    @property
    def branch(self) -> str:
        """The branch that people's tools apply."""
        return self._branch

    def publish(self, message: Message, description: str, key: str = "") -> Proposal:
        """Make a commit of all that was written since `begin`, and push or propose it. Nothing written, nothing made.

        *description* is the Markdown below the request; `proposed` knows what was published by *key*.
        Raises Conflict where the branch moved, PushRefused, BranchOfOthers, ForgeRefused.
        """
        try:
            return self._publish(message, description, key)
        finally:
            self.begin()

    def _publish(self, message: Message, description: str, key: str) -> Proposal:
        repository, request, tree = self._repository, self._request, self._tree(self._files().changes())
        if request and tree:
            return request.bring(self._proposed, self._base, tree, message, description, key)
        if request:
            return request.withdraw(self._proposed, self._base)
        if not tree:
            return Proposal("nothing", self._branch)
        commit = repository.commit(tree, self._base, str(message))
        repository.push(commit, self._branch, self._base)
        log.info("pushed", repository=repository.url, branch=self._branch, commit=commit[:12])
        return Proposal("pushed", self._branch, commit)

    def _tree(self, changes: Mapping[str, bytes | None]) -> str:
        """The tree of the branch with *changes*; empty where nothing differs."""
        if not changes:
            return ""
        self._repository.fetch(self._base, self._branch)
        return self._repository.tree(self._base, changes)

    def _files(self) -> Layout:
        """The files of the branch as it is now. Raises BranchMissing, GitFailed."""
        if self._layout is None:
            branch = self._request.branch if self._request else ""
            now = self._repository.branches(*filter(None, (self._branch, branch)))
            if self._branch not in now:
                raise BranchMissing(self._repository.url, self._branch)
            self._base, self._proposed = now[self._branch], now.get(branch, "")
            paths = (self._directory, *self._paths, *self._rules)
            self._layout = Layout(self._base, paths, self._scratch, self._files_of_base)
        return self._layout

    def _files_of_base(self, *paths: str) -> Mapping[str, bytes]:
        self._repository.fetch(self._base, self._branch)
        self._repository.refuse_detours(self._base, (self._directory, *self._paths))
        return self._repository.files(self._base, *paths)

    def _manifests(self) -> DirectoryCluster:
        """The manifests as they are now."""
        if self._open is None:
            self._open = self._opened(self._files().root)
        return self._open

    def _changed(self) -> DirectoryCluster:
        """The manifests, to be changed: not those that other passes read."""
        files = self._files()
        if not files.changing:
            root = files.change()
            encryption = self._encryption(root) if self._encryption else None
            kept = KeepingProposed(encryption, self._proposed_text) if encryption else None
            self._open = self._opened(root, kept)
        return self._manifests()

    def _opened(self, root: Path, encryption: Encryption | None = None) -> DirectoryCluster:
        origin = f" on branch {self._branch} of {self._repository.url}"
        return DirectoryCluster(root / self._directory, encryption, Path(self._directory), origin)

    def _proposed_text(self, path: Path) -> str | None:
        """The file at *path* as the request's branch has it."""
        if not self._proposed or not self._request:
            return None
        if self._proposed_files is None:
            self._repository.fetch(self._proposed, self._request.branch)
            self._proposed_files = self._repository.files(self._proposed, self._directory)
        found = self._proposed_files.get(path.relative_to(self._files().root).as_posix())
        return found.decode(errors="replace") if found else None

    @property
    def _rules(self) -> tuple[str, ...]:
        """Where rules of encryption may stand, from the root of the repository down to *directory*."""
        if self._encryption is None:
            return ()
        folders = PurePosixPath(self._directory).parents
        return tuple((folder / CONFIGURATION).as_posix() for folder in folders)

    # The verbs of Cluster, on the files that were laid out.

    def secret(self, namespace: str, name: str) -> Secret | None:
        """The Secret as the branch holds it; None where there is none."""
        return self._manifests().secret(namespace, name)

    def create(self, secret: Secret, *, manager: str) -> Secret:
        """Write the Secret's file; it is pushed with the others. Raises Conflict."""
        return self._changed().create(secret, manager=manager)

    def dry_run(self, secret: Secret, live: Secret | None, *, manager: str) -> Secret | None:
        """What the manifests' directory makes of the write. Raises UnusableManifest."""
        manifests = self._manifests()
        folders = PurePosixPath(self._directory), PurePosixPath(self._directory, secret.namespace)
        kustomizations = [(folder / name).as_posix() for folder in folders for name in kustomization.NAMES]
        self._repository.fetch(self._base, self._branch)
        self._repository.refuse_detours(self._base, kustomizations)
        return manifests.dry_run(secret, live, manager=manager)

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        """Write the Secret's file anew. Raises Conflict."""
        return self._changed().replace(secret, live, manager=manager)

    def delete(self, live: Secret) -> None:
        """Delete the Secret's file. Raises Conflict."""
        self._changed().delete(live)

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
        """Stamp the workload's file. Raises Conflict."""
        return self._changed().annotate(workload, annotations, manager=manager)

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
