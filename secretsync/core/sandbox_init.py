"""Runs one command of strangers apart from this machine, as far as the kernel lets this user; started by `sandbox`.

    python3 sandbox_init.py FOLDER NETWORK COMMAND...

The standard library alone. In namespaces of their own the command and what it starts see no other process and no
network (unless NETWORK is "network"), and write to FOLDER alone; the kernel ends all of them with the first. Where
namespaces are refused, what is left behind is found by its parent and killed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType

# linux/sched.h, linux/prctl.h, linux/mount.h, linux/fcntl.h
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS, _NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_SUBREAPER, _NO_NEW_PRIVILEGES, _DIES_WITH_PARENT, _DROP_CAPABILITY = 36, 38, 1, 24
_NOSUID_NODEV_NOEXEC, _BIND, _RECURSIVE, _PRIVATE = 0xE, 0x1000, 0x4000, 0x40000
_MOUNT_SETATTR, _HERE, _AT_RECURSIVE, _READ_ONLY = 442, -100, 0x8000, 1
_LARGEST_FILE = 1024**3
_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: Sequence[str]) -> None:
    folder, network, command = arguments[0], arguments[1], list(arguments[2:])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    _libc.prctl(_SUBREAPER, 1)
    is_apart = enter_namespaces(with_network=network == "network")
    outcome, pipe = os.pipe()
    if (first := os.fork()) == 0:
        os.close(outcome)
        _libc.prctl(_DIES_WITH_PARENT, signal.SIGKILL)
        status = run(command, folder if is_apart else "")
        os.write(pipe, str(status).encode())
        os._exit(0)
    signal.signal(signal.SIGTERM, partial(_end_all, first))
    os.close(pipe)
    os.waitpid(first, 0)
    written = os.read(outcome, 20)
    kill_descendants()
    end_as(int(written) if written else signal.SIGKILL)


def enter_namespaces(*, with_network: bool) -> bool:
    """Whether this process could leave the machine's namespaces; its next child is the first of its own."""
    user, group = os.getuid(), os.getgid()
    flags = _NEW_USER | _NEW_MOUNTS | _NEW_IPC | _NEW_PIDS
    if _libc.unshare(flags if with_network else flags | _NEW_NETWORK) != 0:
        return False
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def run(command: list[str], folder: str) -> int:
    """The wait status of *command*; what it left behind has ended with this process where that is a namespace's."""
    if folder:
        hide_machine(folder.encode())
    if (started := os.fork()) == 0:
        for capability in range(_CAPABILITIES):
            _libc.prctl(_DROP_CAPABILITY, capability)
        _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        try:
            os.execvpe(command[0], command, os.environ)  # noqa: S606 - without a shell, that is
        except OSError:
            os._exit(127)
    while True:
        pid, status = os.wait()
        if pid == started:
            return status


def hide_machine(folder: bytes) -> None:
    """Own processes alone in /proc, and nothing to write but *folder*. What the kernel refuses is left as it is."""
    _libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None)
    if _libc.mount(b"proc", b"/proc", b"proc", _NOSUID_NODEV_NOEXEC, None) != 0:
        _libc.mount(b"none", b"/proc", b"tmpfs", _NOSUID_NODEV_NOEXEC, None)
    if _libc.mount(folder, folder, None, _BIND | _RECURSIVE, None) == 0:
        _set_attributes(b"/", set_flags=_READ_ONLY, cleared_flags=0)
        _set_attributes(folder, set_flags=0, cleared_flags=_READ_ONLY)
        with suppress(OSError):
            os.chdir(folder)


def _set_attributes(path: bytes, *, set_flags: int, cleared_flags: int) -> None:
    attributes = (ctypes.c_uint64 * 4)(set_flags, cleared_flags, 0, 0)
    _libc.syscall(_MOUNT_SETATTR, _HERE, path, _AT_RECURSIVE, attributes, ctypes.sizeof(attributes))


def kill_descendants() -> None:
    """End all that came to be below this process, which orphans have for their parent."""
    while True:
        for child in _children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    own_pid = str(os.getpid())
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            # after the name, which may hold anything, stand the state and the parent
            if (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1] == own_pid:
                pids.append(int(folder.name))
    return pids


def end_as(status: int) -> None:
    """Exit as the command did, by a signal where it was one."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(OSError, ValueError):  # SIGKILL has no handler
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF if os.WIFEXITED(status) else 1)


def _end_all(first: int, _number: int, _frame: FrameType | None) -> None:
    with suppress(ProcessLookupError):
        os.kill(first, signal.SIGKILL)
    kill_descendants()
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
