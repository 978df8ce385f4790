"""Who holds a Lease: this very process, as no other can be called by, and whether it is still there."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LONGEST = 120


@dataclass(frozen=True)
class Process:
    """A process of a host. *pid* means something only in one pid namespace of one boot: *namespace* names both.

    *started* tells two processes apart that had the same number; *run* is drawn for each turn. *namespace* is empty
    where the system does not tell, and in identities of earlier releases.
    """

    host: str
    pid: int
    namespace: str = ""
    started: str = ""
    run: str = ""

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.namespace}/{self.started}/{self.run}"


def this_process() -> Process:
    """This process, for one turn."""
    return Process(socket.gethostname(), os.getpid(), _namespace(), _started(os.getpid()), uuid.uuid4().hex[:12])


def parse(identity: str) -> Process | None:
    """The inverse of str(); None for what nobody of ours wrote."""
    parts = identity.split("/")
    if len(parts) != 5 or not parts[1].isascii() or not parts[1].isdigit() or len(parts[1]) > 10:
        return None
    host, pid, namespace, started, run = parts
    return Process(host, int(pid), namespace, started, run)


def readable(identity: str) -> str:
    """An identity as people read it: ``host/pid``."""
    process = parse(identity)
    text = f"{process.host}/{process.pid}" if process else identity
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST])


def is_dead(identity: str) -> bool:
    """Whether the holder was a process of this host that is no longer there: no need to wait for it.

    The same host name and pid in another pid namespace is another process, of which nothing is known here.
    """
    process = parse(identity)
    if process is None or not process.namespace or process.host != socket.gethostname():
        return False
    if process.namespace != _namespace():
        return False
    started = _started(process.pid)
    return process.started != started if started else not _exists(process.pid)


def _namespace() -> str:
    """The pid namespace of this boot; empty where the system does not tell."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}.{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    """Whether there is such a process here, also where /proc hides those of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return _state(pid) not in ("Z", "X")


def _state(pid: int) -> str:
    return next(iter(_stat(pid)), "")


def _started(pid: int) -> str:
    """When a process started, in ticks since the boot (proc(5)); empty where that cannot be read, or it has ended."""
    stat = _stat(pid)
    # a zombie has ended, and only its parent does not know yet
    return stat[19] if len(stat) > 19 and stat[0] not in ("Z", "X") else ""


def _stat(pid: int) -> list[str]:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
