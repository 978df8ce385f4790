"""Where a policy package is to run: which Rucio, in which images, and what is live there today."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.model import Bundle


@dataclass(frozen=True)
class Situation:
    """What the rules must know beside the package itself.

    *rucio* are the versions in use (image tags as they are), none: the newest that is known. *images* are the kinds of
    image whose pods mount the package. *vo* is set where Rucio serves several VOs. *mounted* are the package's
    directories that the pods mount (``""`` is its own), None where that is not known. *mounted_files* are the files
    of its own directory that every workload has which mounts file by file, None where none does. *environment* are the
    variables that all those pods set, None where that is not known. *live* is the package as it is
    deployed now. *accepted* are guarded changes that the operator wants: a rule, a thing, or ``rule:thing``.
    """

    rucio: tuple[str, ...] = ()
    images: tuple[str, ...] = ("server", "daemons")
    vo: str = ""
    mounted: frozenset[str] | None = None
    live: Bundle | None = None
    accepted: frozenset[str] = frozenset()
    environment: frozenset[str] | None = None
    mounted_files: frozenset[str] | None = None
