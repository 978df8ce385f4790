"""Writes the config.json of a runtime bundle, as strict as a cluster may be: BUNDLE WRITABLE UID COMMAND…

Read-only root, no capabilities, no new privileges, a uid that the image does not know; WRITABLE of the host is /cache.
"""

import json
import subprocess
import sys
from pathlib import Path


def strict(spec: dict, writable: Path, uid: int, command: list[str]) -> dict:
    """*spec*, as ``runc spec`` wrote it, for *command* under *uid*."""
    spec["root"]["readonly"] = True
    spec["mounts"].append(
        {"destination": "/cache", "type": "bind", "source": str(writable), "options": ["bind", "rw"]},
    )
    spec["process"] |= {
        "terminal": False,
        "user": {"uid": uid, "gid": 0},
        "args": command,
        "env": ["PATH=/opt/secretsync/bin:/usr/bin:/bin", "HOME=/cache", "XDG_CACHE_HOME=/cache"],
        "cwd": "/cache",
        "capabilities": {},
        "noNewPrivileges": True,
    }
    return spec


if __name__ == "__main__":
    bundle, writable, uid, *command = sys.argv[1:]
    config = Path(bundle) / "config.json"
    config.unlink(missing_ok=True)
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    spec = strict(json.loads(config.read_text()), Path(writable).resolve(), int(uid), command)
    config.write_text(json.dumps(spec))
