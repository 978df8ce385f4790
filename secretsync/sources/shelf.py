"""Where fetched things are kept: the configured folder, or a temporary one where that cannot be written to."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp


def usable_folder(cache: Path) -> tuple[Path, tuple[str, ...]]:
    """*cache*, or a folder that lasts as long as this process, and a note that tells so."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=cache) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        folder = Path(mkdtemp(prefix="secretsync-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        why = f"the cache {cache} cannot be used ({error.strerror}); everything is fetched anew each time"
        return folder, (f"{why}. Correct its permissions, or name another folder with 'cache'",)
    return cache, ()
