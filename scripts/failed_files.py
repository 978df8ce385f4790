"""The files of the tests that failed in pytest's last run, one a line: a journey is run again whole, as its tests go on
with one another's site. Exits 1 where none is recorded, so that a run that broke otherwise is not called green."""

import json
import sys
from pathlib import Path

LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def failed_files(last_failed: str) -> list[str]:
    """The distinct files in pytest's record *last_failed*, which is JSON, in order."""
    return sorted({test.partition("::")[0] for test in json.loads(last_failed)})


if __name__ == "__main__":
    files = failed_files(LAST_FAILED.read_text()) if LAST_FAILED.exists() else []
    sys.stdout.write("".join(f"{file}\n" for file in files))
    sys.exit(not files)
