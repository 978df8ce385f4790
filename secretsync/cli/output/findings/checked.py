"""What every format is given: a package, what was found in it, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.core.escape import visible
from secretsync.rucio.check import Finding
from secretsync.rucio.check.actions import ActionRow
from secretsync.rucio.check.against_generic import AgainstGeneric
from secretsync.rucio.check.policy_diff import PolicyDiff


@dataclass(frozen=True)
class Proven:
    """On which Rucio and Python a proof ran, and its verdict."""

    rucio: str
    python: str
    verdict: str


@dataclass(frozen=True)
class Checked:
    """What was found in one package, named *package* where it is spoken of.

    *diff* compares it with what is live, *against_generic* with Rucio's own permissions, *actions* says who decides on
    what, where that was asked for. *rucio* are the versions that it was checked for. *directory* is where the package's
    *files* lie, relative to the repository's root.
    """

    package: str
    findings: tuple[Finding, ...]
    diff: PolicyDiff | None = None
    against_generic: tuple[AgainstGeneric, ...] = ()
    rucio: tuple[str, ...] = ()
    directory: str = ""
    files: tuple[str, ...] = ()
    actions: tuple[ActionRow, ...] = ()
    proofs: tuple[Proven, ...] = ()

    def path_of(self, finding: Finding) -> str:
        """The file that the finding speaks of, as the repository has it; for one that is absent, one that is there.

        A forge drops what it cannot show beside a line.
        """
        folder = self.directory or self.package.partition(" ")[0]
        present = [name for name in (finding.path, "__init__.py", *self.files) if name in self.files]
        name = present[0] if present else finding.path or "__init__.py"
        return visible(name if folder == "." else f"{folder}/{name}")

    def versions_of(self, finding: Finding) -> str:
        """``Rucio 38.5.5, 41.5.1``; empty where no version was named."""
        versions = finding.rucio or self.rucio
        return f"Rucio {', '.join(versions)}" if versions else ""


def sentence(text: str) -> str:
    """Capital letter and full stop, unless it begins with a name from the code."""
    first = text.partition(" ")[0]
    capitalized = text if "_" in first or "." in first else text[:1].upper() + text[1:]
    return capitalized if capitalized.endswith((".", "…")) else f"{capitalized}."


def message(finding: Finding) -> str:
    """What Rucio does and the way out, on one line: a package's own words are in it."""
    return visible(f"{sentence(finding.effect)} {sentence(finding.remedy)}")
