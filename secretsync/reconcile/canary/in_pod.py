"""Runs the probe in a pod as its image's entrypoint would run Rucio, and tells the outcome as termination message.

The standard library alone, Python 3.9 and later:

    python3 in_pod.py PROBE SECONDS [--vo VO]

First it does what the entrypoints of Rucio's images do (https://github.com/rucio/containers): it merges the
configuration, here into a file of its own, and applies the patches. Then it runs the probe as the web server's user.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

MERGE = Path("/usr/local/rucio/tools/merge_rucio_configs.py")
DEFAULTS = "/tmp/rucio.config.default.cfg"  # noqa: S108 - where the images keep it
PATCHES = Path("/patch")
MESSAGE = Path("/dev/termination-log")
LONGEST = 4096
"""Bytes that Kubernetes keeps of a termination message."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a report that are read."""

HUNG = -1000


def main(probe: str, seconds: str, *options: str) -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    report = folder / "report.json"
    report.touch()
    report.chmod(0o666)
    environment = {**os.environ, "HOME": str(folder), **merged_configuration(folder)}
    apply_patches()
    command = [sys.executable, probe, str(report), "--files", *options]
    ended = run(command, environment, float(seconds))
    tell(ended, read(report))


def merged_configuration(folder: Path) -> dict[str, str]:
    """The environment that names the merged configuration; nothing where one is mounted or nothing merges."""
    mounted = Path(os.environ.get("RUCIO_CONFIG") or "/opt/rucio/etc/rucio.cfg")
    if mounted.exists() or not MERGE.exists():
        return {}
    made = folder / "rucio.cfg"
    overrides = os.environ.get("RUCIO_OVERRIDE_CONFIGS", "").split()
    quiet(["python3", str(MERGE), "-s", DEFAULTS, *overrides, "--use-env", "-d", str(made)])
    made.chmod(0o644)
    return {"RUCIO_CONFIG": str(made)}


def apply_patches() -> None:
    if not PATCHES.is_dir():
        return
    from importlib.util import find_spec

    rucio = find_spec("rucio")
    folder = str(Path(rucio.origin).parent) if rucio and rucio.origin else "."
    for patch in sorted(PATCHES.iterdir()):
        if patch.is_file():
            quiet(["patch", "--forward", "-p3", "-d", folder, "-i", str(patch)])


def quiet(command: list[str]) -> None:
    """What it prints may hold the configuration's passwords."""
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def run(command: list[str], environment: dict[str, str], seconds: float) -> int:
    """The exit code, negative for a signal, HUNG where the time was up."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=become_web_server,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return HUNG


def become_web_server() -> None:
    """Files that ``apache`` may not read are lost to Rucio, whoever else may."""
    if os.getuid() != 0:
        return
    try:
        user = pwd.getpwnam("apache")
    except KeyError:
        return
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def read(report: Path) -> dict[str, Any]:
    """The probe's report; empty where the package's code left something else in its place."""
    if report.is_symlink() or not report.is_file() or report.stat().st_size > LARGEST:
        return {}
    try:
        told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        if "files" in told:
            told["digest"] = digest(told.pop("files"))
    except (ValueError, TypeError, AttributeError, RecursionError, OSError):
        return {}
    return told


def digest(files: dict[str, Any]) -> str:
    """One digest of all files, as secretsync makes it of a bundle."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{files[path]}  {path}\n".encode())
    return total.hexdigest()


def tell(ended: int, report: dict[str, Any]) -> None:
    """As much of the report as fits; what Rucio logged gives way first."""
    message = encoded({"ended": ended, "report": report})
    for part in ("logged", "answers"):
        if len(message) > LONGEST and part in report:
            report[part] = []
            message = encoded({"ended": ended, "report": report})
    MESSAGE.write_bytes(message[:LONGEST])


def encoded(told: dict[str, Any]) -> bytes:
    return base64.b64encode(zlib.compress(json.dumps(told).encode(), 9))


if __name__ == "__main__":
    main(*sys.argv[1:])
