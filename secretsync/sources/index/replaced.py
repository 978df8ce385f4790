"""Whether a version of a distribution is another file than the one that is live. A calculation."""

from __future__ import annotations

from secretsync.core.model import Bundle
from secretsync.sources.index.errors import ReleaseReplaced

_FILE = "sha256:"


def check_replaced_release(current: Bundle, live: Bundle, policy: str) -> tuple[str, ...]:
    """A warning where *current* is the version that *live* is, of the same index, as another file.

    *policy* is that for tags that moved. Raises ReleaseReplaced where it is ``refuse``.
    """
    is_of_an_index = current.revision.source.startswith(("https://", "http://")) and current.revision.id.startswith(
        _FILE
    )
    is_the_same = (live.revision.source, live.version) == (current.revision.source, current.version)
    if not is_of_an_index or not is_the_same or live.revision.id == current.revision.id or policy == "allow":
        return ()
    previous_id, current_id = (bundle.revision.id.removeprefix(_FILE) for bundle in (live, current))
    replaced = ReleaseReplaced(current.revision.source, current.version, previous_id, current_id)
    if policy == "refuse":
        raise replaced
    return (str(replaced),)
