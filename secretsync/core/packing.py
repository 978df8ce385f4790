"""A bundle becomes Secrets: one for each directory, or one that holds the package as a zip.

The same bundle gives the same Secrets on any machine: nothing here reads a clock, a locale or a disk.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from secretsync.core import revision_numbers
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle, File, Placement, Revision, Secret, digest
from secretsync.core.package_zip import UnreadableZip, members, zip_bytes
from secretsync.core.secret_codec import OURS

LIMIT = 1024 * 1024
"""Decoded bytes that Kubernetes takes in one Secret (https://kubernetes.io/docs/concepts/configuration/secret/)."""

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTALLATION = OURS + "installation"
MODULE = OURS + "module"
DIRECTORY = OURS + "directory"
LAYOUT = OURS + "layout"
VERSION = OURS + "version"
SOURCE = OURS + "source"
REF = OURS + "ref"
REVISION = OURS + "revision"
SUBJECT = OURS + "subject"
RECIPE = OURS + "recipe"
DIGEST = OURS + "digest"
REVISION_NUMBER = OURS + "write"
ENCRYPTION = OURS + "encryption"

DESCRIBING = (LAYOUT, VERSION, SOURCE, REF, REVISION, SUBJECT, RECIPE, ENCRYPTION)
"""Annotations that describe the bundle, beside its digest: the same on all Secrets of a write."""

UNKNOWN_DIGEST = "unknown"
"""The digest of encrypted files that tell none: it equals no other."""

FOUND = "found in the cluster"
"""The source of what somebody else had put into Secrets that were taken over."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_NAME_LIMIT = 253
_PATH_LIMIT = 4096
_PACKING = 1  # part of every recipe: raise it when the same bundle is packed differently


@dataclass(eq=False)
class SecretTooLarge(SecretSyncError):
    """A Secret would hold more than Kubernetes takes; sizes in bytes."""

    code = "secret_too_large"

    name: str
    size: int
    largest: str

    def __str__(self) -> str:
        return (
            f"Secret {self.name!r} would hold {self.size:,} bytes; Kubernetes takes {LIMIT:,}. "
            f"Its largest file is {self.largest}: exclude it, or choose 'layout: zip'"
        )


@dataclass(eq=False)
class FileNameNotAKey(SecretSyncError):
    """A file's name cannot be the key of a Secret."""

    code = "file_name_not_a_key"

    path: str

    def __str__(self) -> str:
        return (
            f"the file {self.path!r} has a name that no key of a Secret can have (letters, digits, '-', '_' and '.', "
            f"at most {_NAME_LIMIT}, not starting with '..'): exclude it, or choose 'layout: zip'"
        )


@dataclass(eq=False)
class SecretNameClash(SecretSyncError):
    """Two directories of a package would share a Secret."""

    code = "secret_name_clash"

    name: str
    directories: Sequence[str]

    def __str__(self) -> str:
        directories = " and ".join(repr(directory or ".") for directory in self.directories)
        return (
            f"the directories {directories} would both be the Secret {self.name!r}: rename or exclude one, "
            "or choose 'layout: zip'"
        )


@dataclass(eq=False)
class SecretNameTooLong(SecretSyncError):
    """A directory's path is too long for a Secret's name."""

    code = "secret_name_too_long"

    name: str
    directory: str

    def __str__(self) -> str:
        return (
            f"the directory {self.directory!r} would be a Secret with a name of {len(self.name)} characters; "
            f"Kubernetes takes {_NAME_LIMIT}: exclude the directory, or choose 'layout: zip'"
        )


def pack(bundle: Bundle, placement: Placement, recipe: str) -> tuple[Secret, ...]:
    """The Secrets that *bundle* becomes, the package's own directory first.

    Raises FileNameNotAKey, SecretTooLarge, SecretNameClash and SecretNameTooLong.
    """
    data = _zipped(bundle) if placement.layout == "zip" else _by_directory(bundle.files)
    top_placement = replace(placement, secret=_top(bundle, placement))
    _refuse_bad_names(top_placement, data)
    common = _annotations(bundle, placement, recipe)
    secrets = tuple(
        Secret(
            namespace=placement.namespace,
            name=secret_name(top_placement, directory),
            data=data[directory],
            labels=labels(placement),
            annotations={**common, DIRECTORY: directory or "."},
            immutable=placement.wired,
        )
        for directory in sorted(data)
    )
    _refuse_large(secrets)
    return secrets


def directory_of(secret: Secret) -> str:
    """The directory that a Secret says to hold, ``.`` for the package's own, and for what is no directory of one."""
    directory = secret.annotations.get(DIRECTORY, ".")
    return directory if _is_relative(directory) else "."


def _is_relative(path: str) -> bool:
    """Whether a path leads nowhere but down, as those of a package do."""
    return len(path) <= _PATH_LIMIT and path.isprintable() and not {"", ".", ".."} & set(path.split("/"))


def unpack(secrets: Iterable[Secret]) -> tuple[File, ...]:
    """The files that Secrets hold: the inverse of pack. What `pack` would not write keeps its key and whole path."""
    files: list[File] = []
    for secret in secrets:
        directory = directory_of(secret)
        prefix = "" if directory == "." else directory + "/"
        if secret.annotations.get(LAYOUT) == "zip":
            files.extend(_unzipped(secret))
        else:
            files.extend(File(prefix + key, value) for key, value in secret.data.items())
    return tuple(sorted(files))


def drop_emptied(live: Sequence[Secret]) -> tuple[Secret, ...]:
    """Live Secrets less those of sub-directories that have gone, which are kept empty while something needs them.

    Each says a directory, also where somebody took that annotation away.
    """
    return tuple(
        replace(secret, annotations={**secret.annotations, DIRECTORY: directory_of(secret)})
        for secret in live
        if _is_needed(secret)
    )


def _is_needed(secret: Secret) -> bool:
    return bool(secret.data) or directory_of(secret) == "."


def description(secrets: Iterable[Secret]) -> str:
    """A short digest of what the annotations of a package's Secrets say of it, beside the digest of its files."""
    facts = sorted({tuple(secret.annotations.get(key, "") for key in DESCRIBING) for secret in secrets})
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def misplaced(live: Sequence[Secret], placement: Placement) -> tuple[Secret, ...]:
    """Live Secrets that hold another directory than their names stand for: their pods find it where it does not belong.

    Of encrypted ones that is not known.
    """
    if not live or is_encrypted(live):
        return ()
    tops = [replace(placement, secret=top) for top in (placement.secret, _named_by_digest(live, placement.secret))]
    return tuple(
        secret
        for secret in filter(_is_needed, live)
        if secret.name not in [secret_name(top, directory_of(secret).removeprefix(".")) for top in tops]
    )


def _named_by_digest(live: Sequence[Secret], secret: str) -> str:
    """The name that the first of *live* Secrets has where they never change."""
    return f"{secret}-{live_bundle(live).digest[:12]}{_suffix(live[0].annotations.get(LAYOUT))}"


def newest_revision(live: Sequence[Secret]) -> tuple[Secret, ...]:
    """Of all live Secrets of a package, those that hold what was written last.

    Those that change in place are one write; those that are named by their digest are one for each name, and count
    only when all of it is there: a write that was cut off has not taken place.
    """
    in_place = [secret for secret in live if not _never_changes(secret)]
    by_package: dict[tuple[str, str], list[Secret]] = defaultdict(list)
    for secret in live:
        if _never_changes(secret):
            by_package[secret.annotations.get(DIGEST, ""), secret.annotations.get(LAYOUT, "")].append(secret)
    writes = [secrets for secrets in by_package.values() if is_intact(secrets)]
    if not writes or any(secret.data for secret in in_place):
        writes.append(in_place)
    return tuple(max(writes, key=_write))


def _never_changes(secret: Secret) -> bool:
    """Whether a Secret is named by its digest: somebody may have made another one immutable."""
    return secret.immutable and secret.annotations.get(DIGEST, "")[:12] in secret.name


def _write(secrets: Iterable[Secret]) -> int:
    return max((revision_numbers.parse(secret.annotations.get(REVISION_NUMBER)) for secret in secrets), default=-1)


def live_bundle(secrets: Sequence[Secret]) -> Bundle:
    """The package that live Secrets hold, as they tell it themselves; those of others tell no revision."""
    first, files = secrets[0], () if is_encrypted(secrets) else unpack(secrets)
    annotations = first.annotations
    if REVISION in annotations:
        stated = (annotations.get(SOURCE, ""), annotations.get(REF, ""), annotations[REVISION])
        revision = Revision(*stated, subject=annotations.get(SUBJECT, ""))
    else:
        revision = Revision(FOUND, "", f"sha256:{digest(files)}")
    return Bundle(
        first.labels.get(MODULE, ""),
        annotations.get(VERSION, ""),
        revision,
        files,
        encrypted_digest=annotations.get(DIGEST, UNKNOWN_DIGEST) if is_encrypted(secrets) else "",
    )


def is_encrypted(secrets: Iterable[Secret]) -> bool:
    """Whether the files of live Secrets cannot be read here: their annotations alone tell what they hold."""
    return any(secret.encrypted for secret in secrets)


def has_same_files(live: Secret, desired: Secret) -> bool:
    """Whether two Secrets hold the same files; of encrypted ones the digest of the whole package decides."""
    if live.encrypted or desired.encrypted:
        keys = (DIGEST, LAYOUT, DIRECTORY)
        same_metadata = all(live.annotations.get(name) == desired.annotations.get(name) for name in keys)
        return same_metadata and DIGEST in live.annotations and live.data.keys() == desired.data.keys()
    return live.data == desired.data


def with_directory_of(live: Secret, desired: Secret) -> Secret:
    """*live*, and where nobody of ours made it, with the directory that its name stands for."""
    if DIRECTORY in live.annotations or REVISION in live.annotations:
        return live
    return replace(live, annotations={**live.annotations, DIRECTORY: desired.annotations[DIRECTORY]})


def secret_name(placement: Placement, directory: str) -> str:
    """``NAME`` for the package's own directory, ``NAME-algorithms`` for its ``algorithms/``."""
    if not directory:
        return placement.secret
    return f"{placement.secret}-{re.sub('[^a-z0-9]', '-', directory.lower()).strip('-') or 'x'}"


def stamp_key(secret: str) -> str:
    """The pod template's annotation that tells which revision of the package in *secret* its pods carry."""
    return OURS + secret


def labels(placement: Placement) -> dict[str, str]:
    """What says that a Secret is ours, and whose; and what the site wants it to say."""
    return {**dict(placement.labels), **owner_labels(placement)}


def owner_labels(placement: Placement) -> dict[str, str]:
    """What says whose a Secret is; a Secret that was written before the site wanted more labels is ours as well."""
    return {MANAGED_BY: "secretsync", INSTALLATION: placement.installation, MODULE: placement.module}


def recipe(requirement: str, version: str, include: Sequence[str], exclude: Sequence[str], layout: str) -> str:
    """A short digest of all that decides, beside the revision, what the Secrets hold.

    Where it and the revision are those that are live, the source need not be read again.
    """
    facts = json.dumps([_PACKING, requirement, version, list(include), list(exclude), layout])
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _zipped(bundle: Bundle) -> dict[str, dict[str, bytes]]:
    return {"": {f"{bundle.module}.zip": zip_bytes(bundle)}}


def _unzipped(secret: Secret) -> Iterable[File]:
    """The files of a zip; what is no zip that we write, or not of the package, is told by its key."""
    module = secret.labels.get(MODULE, "")
    for key, value in secret.data.items():
        try:
            files = members(secret.name, value)
        except UnreadableZip:
            yield File(key, value)
            continue
        for name, data in files:
            path = name.removeprefix(f"{module}/")
            belongs = key == f"{module}.zip" and path != name and _is_relative(path)
            yield File(path if belongs else f"{key}/{name}", data)


def _by_directory(files: Iterable[File]) -> dict[str, dict[str, bytes]]:
    data: dict[str, dict[str, bytes]] = defaultdict(dict)
    data[""]  # the package's own directory has its Secret even when all files lie below it
    for file in files:
        if not _KEY.fullmatch(file.name) or len(file.name) > _NAME_LIMIT or file.name.startswith(".."):
            raise FileNameNotAKey(file.path)
        data[file.directory][file.name] = file.data
    return dict(data)


def _top(bundle: Bundle, placement: Placement) -> str:
    """The name of the Secret for the package's own directory; one that never changes is named by what it holds."""
    if not placement.wired:
        return placement.secret
    return f"{placement.secret}-{bundle.digest[:12]}{_suffix(placement.layout)}"


def _suffix(layout: str | None) -> str:
    return ".zip" if layout == "zip" else ""


def _refuse_bad_names(placement: Placement, directories: Iterable[str]) -> None:
    by_name: dict[str, list[str]] = defaultdict(list)
    for directory in sorted(directories):
        name = secret_name(placement, directory)
        if len(name) > _NAME_LIMIT:
            raise SecretNameTooLong(name, directory)
        by_name[name].append(directory)
    for name, sharing in by_name.items():
        if len(sharing) > 1:
            raise SecretNameClash(name, sharing)


def _refuse_large(secrets: Iterable[Secret]) -> None:
    for secret in secrets:
        if secret.size > LIMIT:
            largest = max(secret.data, key=lambda key: len(secret.data[key]))
            directory = secret.annotations[DIRECTORY]
            raise SecretTooLarge(secret.name, secret.size, largest if directory == "." else f"{directory}/{largest}")


def _annotations(bundle: Bundle, placement: Placement, recipe: str) -> Mapping[str, str]:
    annotations = {
        LAYOUT: placement.layout,
        VERSION: bundle.version,
        SOURCE: bundle.revision.source,
        REF: bundle.revision.ref,
        REVISION: bundle.revision.id,
        SUBJECT: bundle.revision.subject,
        RECIPE: recipe,
        DIGEST: bundle.digest,
        ENCRYPTION: placement.encryption,
    }
    return {**dict(placement.annotations), **{key: value for key, value in annotations.items() if value}}


def matches_source(live: Sequence[Secret], revision: Revision, recipe: str, placement: Placement) -> bool:
    """Whether live Secrets hold exactly what *revision* packed by *recipe* is, and say so: nothing is left to read.

    What is encrypted cannot be written anew from what is live, so its source is always read.
    """
    if is_encrypted(live) or placement.encryption:
        return False
    written = {
        (secret.annotations.get(REVISION), secret.annotations.get(RECIPE), secret.annotations.get(DIGEST))
        for secret in live
        if labels(placement).items() <= secret.labels.items()
        and dict(placement.annotations).items() <= secret.annotations.items()
    }
    return bool(live) and written == {(revision.id, recipe, digest(unpack(live)))} and not misplaced(live, placement)


def is_intact(live: Sequence[Secret]) -> bool:
    """Whether live Secrets hold the very bytes whose digest they tell."""
    digests = {secret.annotations.get(DIGEST) for secret in live}
    return len(digests) == 1 if is_encrypted(live) else digests == {digest(unpack(live))}


def with_revision_number(secrets: Iterable[Secret], revision_number: int) -> tuple[Secret, ...]:
    """The same Secrets, carrying the id of the write that brings them."""
    return tuple(
        replace(secret, annotations={**secret.annotations, REVISION_NUMBER: str(revision_number)}) for secret in secrets
    )
