"""A directory of manifests as a cluster: one object a file, deterministic text, fit for a GitOps repository.

It honours the same contract as the API; a file's own digest stands for the resourceVersion, and there are no field
managers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from secretsync.cluster import kustomization
from secretsync.cluster.encryption import Encryption
from secretsync.cluster.encryption.encryption import KINDS as KINDS_OF_SECRETS
from secretsync.cluster.encryption.encryption import dump, read_secret
from secretsync.cluster.encryption.errors import ContentEncrypted
from secretsync.cluster.errors import Conflict, WorkloadGone
from secretsync.cluster.manifest_files import LocatedManifest, ManifestFolder
from secretsync.cluster.nothing_runs import NothingRuns
from secretsync.cluster.selector import selects
from secretsync.core import packing
from secretsync.core.kinds import KINDS, SPAWNERS
from secretsync.core.model import Manifest, Ref, Secret, Workload
from secretsync.core.revision_numbers import has_newer_stamp
from secretsync.core.secret_codec import replacement_manifest, to_manifest
from secretsync.core.template_annotations import NotEditable, annotated

log = structlog.get_logger()


class DirectoryCluster(NothingRuns):
    """The verbs of Manifests on the files below *root*; Secrets that ask for it are kept by *encryption*.

    *named* and *origin* are how people know *root*, where that is a copy.
    """

    def __init__(
        self, root: Path, encryption: Encryption | None = None, named: Path | None = None, origin: str = ""
    ) -> None:
        self._folder, self._encryption = ManifestFolder(root, named, origin), encryption

    def secret(self, namespace: str, name: str) -> Secret | None:
        """The Secret that a file of *namespace* holds, or None."""
        return next(map(_secret, self._secrets(namespace, name)), None)

    def secrets(self, namespace: str) -> Sequence[Secret]:
        """All Secrets of a namespace."""
        return list(map(_secret, self._folder.find(namespace, KINDS_OF_SECRETS)))

    def create(self, secret: Secret, *, manager: str) -> Secret:
        """Write a new file, and list it in the kustomization. Raises Conflict where the Secret or its file exists."""
        path = self._folder.root / secret.namespace / f"secret-{secret.name}.yaml"
        with self._folder.locked():
            if self._secrets(secret.namespace, secret.name):
                raise Conflict(secret.ref, "was created by someone else")
            if os.path.lexists(path):
                raise self._folder.unusable(path, f"holds something else, and {secret.ref} goes there: move it")
            self._write(path, secret, None)
            return self._written(secret)

    def replace(self, secret: Secret, live: Secret, *, manager: str) -> Secret:
        """Write the file anew. Raises Conflict where *live* was deleted or changed since it was read."""
        desired_manifest = replacement_manifest(live, secret)
        with self._folder.locked():
            located = self._own_file(live, "was deleted")
            self._write(located.path, desired_manifest, located.manifest)
            return self._written(desired_manifest)

    def delete(self, live: Secret) -> None:
        """Delete the file and its entry in the kustomization. Raises Conflict where *live* was changed."""
        with self._folder.locked():
            if self._secrets(live.namespace, live.name):
                path = self._own_file(live, "was deleted").path
                self._change_kustomization(path, kustomization.without_resource, "must not list")
                self._folder.delete(path)

    def workloads(self, namespace: str, selector: str = "") -> Sequence[Workload]:
        """The workloads in the directory's files that the label *selector* takes; empty takes all."""
        located = [item for item in self._folder.find(namespace, tuple(KINDS)) if _has_template(item)]
        return [workload for workload in map(self._workload, located) if selects(selector, workload.labels)]

    def spawners(self, namespace: str) -> Sequence[Manifest]:
        """The objects in the directory's files that can start pods."""
        return [located.manifest for located in self._folder.find(namespace, tuple(SPAWNERS))]

    def annotate(self, workload: Workload, annotations: Mapping[str, str], *, manager: str) -> Workload:
        """Write the annotations into the file of the workload. Raises Conflict where it carries a newer stamp."""
        with self._folder.locked():
            located = self._live_workload(workload.ref)
            if has_newer_stamp(self._workload(located).template_annotations, annotations):
                raise Conflict(workload.ref, "was restarted for a newer revision")
            try:
                self._folder.write(located.path, annotated(located.text, located.document, located.steps, annotations))
            except NotEditable as error:
                raise self._folder.unusable(located.path, f"{workload.ref} cannot be annotated: {error}") from None
            return self._workload(self._live_workload(workload.ref))

    def wire(self, workload: Workload, part: Manifest, *, manager: str) -> Workload:
        """There are no field managers here who could take back what was applied; always an UnusableManifest."""
        path = self._live_workload(workload.ref).path
        raise self._folder.unusable(
            path, f"{workload.ref} cannot be wired in a file: write the mounts and variables there"
        )

    def _write(self, path: Path, secret: Secret, previous: Manifest | None) -> None:
        self._folder.write(path, self._text(secret, path, previous))
        self._change_kustomization(path, kustomization.with_resource, "must list")

    def _change_kustomization(self, path: Path, change: Callable[[str, str], str], must: str) -> None:
        """Make the nearest kustomization at or above *path* list it, or not; where that cannot be, say so."""
        kustomization_path = self._kustomization_of(path)
        if kustomization_path is None:
            return
        name = path.relative_to(kustomization_path.parent).as_posix()
        shown = self._folder.shown(kustomization_path)
        text = self._folder.read(kustomization_path)
        try:
            changed = change(text, name)
        except kustomization.NotEditable as error:
            log.warning(
                f"the kustomization {must} this file; change it by hand",
                file=shown,
                resource=name,
                why=str(error),
            )
            return
        if changed != text:
            self._folder.write(kustomization_path, changed)
            log.info("the kustomization's resources were changed", file=shown, resource=name)

    def _kustomization_of(self, path: Path) -> Path | None:
        folders = (folder for folder in path.parents if folder.is_relative_to(self._folder.root))
        paths = (folder / name for folder in folders for name in kustomization.NAMES)
        return next((path for path in paths if os.path.lexists(path)), None)

    def _secrets(self, namespace: str, name: str) -> list[LocatedManifest]:
        located = self._folder.find(namespace, KINDS_OF_SECRETS, name)
        if len(located) > 1:
            raise self._folder.unusable(
                located[1].path,
                f"Secret {name!r} is in {self._folder.shown(located[0].path)} as well: remove one of them",
            )
        return located

    def _live_workload(self, ref: Ref) -> LocatedManifest:
        located = self._folder.find(ref.namespace, (ref.kind,), ref.name)
        if not located:
            raise WorkloadGone(ref)
        return located[0]

    def _workload(self, located: LocatedManifest) -> Workload:
        manifest, metadata = located.manifest, located.manifest["metadata"]
        workload = Workload(Ref(manifest["kind"], metadata["namespace"], metadata["name"]), manifest)
        if not isinstance((manifest.get("spec") or {}).get("template"), dict):
            raise self._folder.unusable(located.path, f"{workload.ref} has no spec.template: correct or remove it")
        return workload

    def _written(self, secret: Secret) -> Secret:
        stored = _secret(self._secrets(secret.namespace, secret.name)[0])
        return replace(stored, data=secret.data, encrypted=False) if stored.encrypted else stored

    def _own_file(self, live: Secret, when_gone: str) -> LocatedManifest:
        """The file that holds *live*, unchanged since it was read, and nothing else."""
        located = next(iter(self._secrets(live.namespace, live.name)), None)
        if located is None:
            raise Conflict(live.ref, when_gone)
        if located.version != live.metadata["resourceVersion"]:
            raise Conflict(live.ref, "was changed by someone else")
        if not located.alone:
            raise self._folder.unusable(
                located.path, f"holds other objects beside {live.ref}: move each to a file of its own"
            )
        return located

    def _text(self, secret: Secret, path: Path, previous: Manifest | None) -> str:
        """The manifest of *secret*. Raises ContentEncrypted, and what encryption may raise."""
        if secret.encrypted:
            raise ContentEncrypted(secret.namespace, secret.name)
        clear_text = replace(
            secret, metadata={key: value for key, value in secret.metadata.items() if key != "resourceVersion"}
        )
        if self._encryption and packing.ENCRYPTION in secret.annotations:
            return self._encryption.encrypt(clear_text, path, previous)
        return dump(to_manifest(clear_text))


def _secret(located: LocatedManifest) -> Secret:
    secret = read_secret(located.manifest)
    return replace(secret, metadata={**secret.metadata, "resourceVersion": located.version})


def _has_template(located: LocatedManifest) -> bool:
    return KINDS[located.manifest["kind"]].has_template(located.manifest)
