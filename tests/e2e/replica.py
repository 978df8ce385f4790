"""Stands for the image's entrypoint where several pods share a host: a port that is taken becomes another.

It tells its process id and its ports in the first line of its log, and becomes secretsync.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import yaml


def main(arguments: list[str]) -> None:
    at = arguments.index("--config") + 1
    told = yaml.safe_load(Path(arguments[at]).read_text())
    for key in {"health", "webhook"} & told.keys():
        told[key]["port"] = free(told[key]["port"])
    own = Path("/cache/replica.yaml")
    own.write_text(yaml.safe_dump(told))
    ports = {key: told[key]["port"] for key in ("health", "webhook") if key in told}
    print(json.dumps({"pid": os.getpid(), "user": os.getuid(), **ports}), file=sys.stderr, flush=True)
    arguments[at] = str(own)
    os.execv(sys.executable, [sys.executable, "-m", "secretsync", *arguments])


def free(port: int) -> int:
    """*port*, or any other where it is taken."""
    with socket.socket() as mine:
        try:
            mine.bind(("", port))
        except OSError:
            mine.bind(("", 0))
        return int(mine.getsockname()[1])


if __name__ == "__main__":
    main(sys.argv[1:])
