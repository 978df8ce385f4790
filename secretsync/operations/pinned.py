"""A requirement that means, for pip and for ever, what a package was resolved to. A calculation."""

from __future__ import annotations

from dataclasses import dataclass

from secretsync.config.requirement import DirectoryRequirement, FileRequirement, GitRequirement, parse
from secretsync.core.errors import SecretSyncError
from secretsync.core.model import Bundle


@dataclass(eq=False)
class NotForPip(SecretSyncError):
    """A local directory is not there while an image is built."""

    code = "not_for_pip"

    module: str
    path: str

    def __str__(self) -> str:
        return (
            f"{self.module} comes from the directory {self.path}, which is not there while an image is built: "
            "push it to a repository or an index, or copy what 'secretsync export --to DIR' writes into the image"
        )


def pinned(requirement: str, bundle: Bundle) -> str:
    """*requirement* in pip's form, narrowed to what *bundle* is. Raises NotForPip.

    It holds neither blanks nor commas, at which Rucio's Dockerfiles split their build argument.
    """
    parsed, value = parse(requirement), bundle.revision.id.partition(":")[2]
    if isinstance(parsed, DirectoryRequirement):
        raise NotForPip(bundle.module, parsed.path)
    if isinstance(parsed, GitRequirement):
        below = f"#subdirectory={parsed.subdirectory}" if parsed.subdirectory else ""
        return _in_one_piece(f"git+{parsed.url}@{value}{below}")
    if isinstance(parsed, FileRequirement):
        return _in_one_piece(f"{parsed.name}@{parsed.url}#sha256={value}")
    if parsed.url:
        return _in_one_piece(f"{parsed.url}#sha256={value}")
    return f"{parsed.name}=={bundle.version}"


def _in_one_piece(url: str) -> str:
    return url.replace(",", "%2C").replace(" ", "%20")
