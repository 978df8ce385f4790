"""Whether a version of a distribution is another file than the one that is live. A calculation."""

from __future__ import annotations

from secretsync.core.model import Bundle
from secretsync.sources.index.errors import ReleaseReplaced

_FILE = "sha256:"


def judge_replaced_release(now: Bundle, live: Bundle, policy: str) -> tuple[str, ...]:
    """A warning where *now* is the version that *live* is, of the same index, as another file.

    *policy* is that for tags that moved. Raises ReleaseReplaced where it is ``refuse``.
    """
    is_of_an_index = now.revision.source.startswith(("https://", "http://")) and now.revision.id.startswith(_FILE)
    is_the_same = (live.revision.source, live.version) == (now.revision.source, now.version)
    if not is_of_an_index or not is_the_same or live.revision.id == now.revision.id or policy == "allow":
        return ()
    before, after = (bundle.revision.id.removeprefix(_FILE) for bundle in (live, now))
    replaced = ReleaseReplaced(now.revision.source, now.version, before, after)
    if policy == "refuse":
        raise replaced
    return (str(replaced),)
