#!/usr/bin/env python3
"""Runs the probe in a pod where its image would run Rucio, and tells the outcome as termination message.

The standard library alone, Python 3.9 and later:

    in_pod.py PROBE SECONDS [--user NAME] [--vo VO] [--from-directory]

At the end of an image's own entrypoint it lies where Rucio's executable would; the arguments are that one's then, and
its own are in SECRETSYNC_PROOF. Otherwise it first does what the entrypoints of Rucio's images do
(https://github.com/rucio/containers): it merges the configuration, here into a file of its own, and applies the
patches. It runs the probe as NAME, where there is such a user: the web server's for a server.
"""

from __future__ import annotations

import argparse
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
RUN = Path("/secretsync-run")
LONGEST = 4096
"""Bytes that Kubernetes keeps of a termination message."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a report that are read."""

HUNG = -1000
ONLY_ASKED = frozenset({"-t", "-v", "-V", "-M", "-S", "-l", "-L", "-h"})
"""Options with which httpd says something and serves nothing, as entrypoints ask it before they start it."""


def main(*arguments: str) -> None:
    """Prove the package, as the Job's variable says; a call that only asks Rucio for its version is let pass."""
    setting = os.environ.get("SECRETSYNC_PROOF")
    if setting is None:
        prove(arguments, through_entrypoint=False)
    elif not ONLY_ASKED & set(arguments):
        prove(setting.split(), through_entrypoint=True)


def prove(arguments: Any, *, through_entrypoint: bool) -> None:
    """Run the probe as a process of its own, and write its report as the termination message."""
    options, of_probe = parser().parse_known_args(list(arguments))
    if through_entrypoint:
        (RUN / "started").touch()
    folder = Path(tempfile.mkdtemp(dir=RUN if RUN.is_dir() else None))
    folder.chmod(0o755)
    report = folder / "report.json"
    report.touch()
    report.chmod(0o666)
    if options.from_directory:
        here = str(Path.cwd())
        sys.path.insert(1, here)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "HOME": str(folder)}
    if not through_entrypoint:
        environment.update(merged_configuration(folder))
        apply_patches()
    command = [sys.executable, options.probe, str(report), "--files", *of_probe]
    exit_status = run(command, environment, options.seconds, options.user)
    write_report(exit_status, read(report))


def parser() -> argparse.ArgumentParser:
    """The options of this program; the rest is the probe's."""
    options = argparse.ArgumentParser(allow_abbrev=False)
    options.add_argument("probe")
    options.add_argument("seconds", type=float)
    options.add_argument("--user", default="", help="who runs the probe, where there is such a user")
    options.add_argument("--from-directory", action="store_true", help="look in the working directory first")
    return options


def merged_configuration(folder: Path) -> dict[str, str]:
    """The environment that names the merged configuration; nothing where one is mounted or nothing merges."""
    mounted = Path(os.environ.get("RUCIO_CONFIG") or "/opt/rucio/etc/rucio.cfg")
    if mounted.exists() or not MERGE.exists():
        return {}
    merged = folder / "rucio.cfg"
    overrides = os.environ.get("RUCIO_OVERRIDE_CONFIGS", "").split()
    quiet(["python3", str(MERGE), "-s", DEFAULTS, *overrides, "--use-env", "-d", str(merged)])
    merged.chmod(0o644)
    return {"RUCIO_CONFIG": str(merged)}


def apply_patches() -> None:
    """Apply the patches that the image's entrypoint would apply to Rucio. Raises CalledProcessError."""
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


def run(command: list[str], environment: dict[str, str], seconds: float, user: str) -> int:
    """The exit code, negative for a signal, HUNG where the time was up."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: become(user),
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return HUNG


def become(user: str) -> None:
    """Files that the web server's user may not read are lost to Rucio, whoever else may."""
    if os.getuid() != 0 or not user:
        return
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def read(report: Path) -> dict[str, Any]:
    """The probe's report; empty where the package's code left something else in its place."""
    if report.is_symlink() or not report.is_file() or report.stat().st_size > LARGEST:
        return {}
    try:
        content: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        if "files" in content:
            content["paths"] = sorted(content["files"])
            content["digest"] = digest(content.pop("files"))
        content["copies"] = copies(str(content.get("module") or ""))
    except (ValueError, TypeError, AttributeError, RecursionError, OSError):
        return {}
    return content


def copies(module: str) -> list[str]:
    """Where Python finds a package of this name, in the order of its search path; the first is imported."""
    directories = [str(Path(entry) / module) for entry in sys.path[1:] if module]
    return [directory for directory in dict.fromkeys(directories) if Path(directory).is_dir()]


def digest(files: dict[str, Any]) -> str:
    """One digest of all files, as secretsync makes it of a bundle."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{files[path]}  {path}\n".encode())
    return total.hexdigest()


def write_report(exit_status: int, report: dict[str, Any]) -> None:
    """As much of the report as fits; what Rucio logged gives way first."""
    message = encoded({"ended": exit_status, "report": report})
    for key in ("logged", "answers", "copies", "paths"):
        if len(message) > LONGEST and key in report:
            report[key] = []
            message = encoded({"ended": exit_status, "report": report})
    MESSAGE.write_bytes(message[:LONGEST])


def encoded(report: dict[str, Any]) -> bytes:
    """The report as a termination message takes it: JSON, compressed, in base64."""
    return base64.b64encode(zlib.compress(json.dumps(report).encode(), 9))


if __name__ == "__main__":
    main(*sys.argv[1:])
