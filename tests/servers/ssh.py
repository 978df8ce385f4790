"""A real sshd on a high port of loopback, with host keys of its own, that serves git repositories."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.http import free_port


@dataclass
class SshServer:
    """*address* is what ssh:// URLs begin with; *host_key* is the public one: type and base64."""

    folder: Path
    port: int
    host_key: str = ""

    @property
    def address(self) -> str:
        return f"ssh://{getpass.getuser()}@localhost:{self.port}"

    def known_hosts(self) -> Path:
        path = self.folder / "known_hosts"
        path.write_text(f"[localhost]:{self.port} {self.host_key}\n")
        return path

    def allow(self, public_key: Path) -> None:
        (self.folder / "authorized").write_text(public_key.read_text())
        (self.folder / "authorized").chmod(0o600)


def make_key(path: Path, passphrase: str = "") -> Path:
    """An Ed25519 key pair; the private half's path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    arguments = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(arguments, check=True, capture_output=True)
    return path


@contextmanager
def serve(folder: Path, port: int = 0) -> Iterator[SshServer]:
    """Run sshd with fresh host keys in *folder*; nobody may enter until *allow* names a key."""
    sshd = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
    if not sshd:
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    key = make_key(folder / "host_key")
    (folder / "authorized").touch(mode=0o600)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {key}\nPidFile none\nAuthorizedKeysFile {folder}/authorized\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n"
        "PermitRootLogin prohibit-password\n"
    )
    if os.geteuid() == 0:
        # Only root's sshd changes into it, and then wants it to be there.
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        _wait_until_it_listens(port)
        yield SshServer(folder, port, " ".join(Path(f"{key}.pub").read_text().split()[:2]))
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("sshd did not start")
