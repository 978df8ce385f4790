"""Runs one command of strangers apart from this machine, as far as the kernel lets this user; started by `sandbox`.

    python3 sandbox_init.py FOLDER NETWORK COMMAND...

The standard library alone. By Landlock the command and what it starts read the system's programs and what their
environment names, write to FOLDER alone, and look into no other process. In namespaces of their own they see no other
process and no network (unless NETWORK is "network"); the kernel ends all of them with the first. Where namespaces are
refused, what is left behind is found by its parent and killed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType

sys.path.append(str(Path(__file__).resolve().parents[2]))

from secretsync.core import landlock

# linux/sched.h, linux/prctl.h, linux/mount.h, linux/fcntl.h
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS, _NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_SUBREAPER, _NO_NEW_PRIVILEGES, _DIES_WITH_PARENT, _DROP_CAPABILITY = 36, 38, 1, 24
_NOSUID_NODEV_NOEXEC, _BIND, _RECURSIVE, _PRIVATE = 0xE, 0x1000, 0x4000, 0x40000
_MOUNT_SETATTR, _HERE, _AT_RECURSIVE, _READ_ONLY = 442, -100, 0x8000, 1
_LARGEST_FILE = 1024**3
_MOST_PROCESSES = 1024
_OF_LINUX_5_19 = 2
"""Landlock's version."""


_OF_THE_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix", "/proc", "/sys/devices/system"),
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"),
    *("/etc/ld.so.conf.d", "/etc/alternatives", "/etc/crypto-policies", "/etc/ca-certificates", "/etc/ssl/certs"),
    *("/etc/ssl/openssl.cnf", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/pki/tls/cert.pem"),
    *("/etc/pki/tls/openssl.cnf", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/run/systemd/resolve"),
)
"""What a program of strangers may read; what is not there is passed over."""
_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: Sequence[str]) -> None:
    """Confine this process as *arguments* say, run the command that follows them, and exit as it does."""
    folder, network, command = arguments[0], arguments[1], list(arguments[2:])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    _libc.prctl(_SUBREAPER, 1)
    is_apart = enter_namespaces(with_network=network == "network")
    outcome, pipe = os.pipe()
    if (first := os.fork()) == 0:
        os.close(outcome)
        _libc.prctl(_DIES_WITH_PARENT, signal.SIGKILL)
        status = run(command, folder, is_apart=is_apart, with_network=network == "network")
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


def run(command: list[str], folder: str, *, is_apart: bool, with_network: bool) -> int:
    """The wait status of *command*; what it left behind has ended with this process where that is a namespace's."""
    if is_apart:
        hide_machine(folder.encode())
        limit_processes()
    if (started := os.fork()) == 0:
        for capability in range(_CAPABILITIES):
            _libc.prctl(_DROP_CAPABILITY, capability)
        _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        landlock.restrict(
            readable=readable(command), writable=(folder, "/dev/null", "/dev/tty"), with_network=with_network
        )
        try:
            os.execvpe(command[0], command, os.environ)  # noqa: S606 - without a shell, that is
        except OSError:
            os._exit(127)
    while True:
        pid, status = os.wait()
        if pid == started:
            return status


def readable(command: Sequence[str]) -> Iterator[str]:
    """The system's programs, the command's own files, and what the environment, which was made for it, names."""
    yield from _OF_THE_SYSTEM
    yield from _configuration_for_all()
    yield str(Path(__file__).resolve().parents[1])
    for argument in (*command, sys.executable):
        if Path(argument).is_absolute():
            yield argument
    for program in (command[0], sys.executable):
        # a virtual environment, and the Python that it was made from
        for path in (program, os.path.realpath(program)):
            if (prefix := str(Path(path).parent.parent)) != "/":
                yield prefix
    for value in os.environ.values():
        for path in value.removeprefix("file://").split(os.pathsep):
            if Path(path).is_absolute() and path != "/":
                yield path


def _configuration_for_all() -> Iterator[str]:
    """The files right in /etc that every user of the machine may read; what is mounted there may be a credential."""
    folder = Path("/etc")
    for path in folder.iterdir():
        with suppress(OSError):
            found = path.stat()
            if stat.S_ISREG(found.st_mode) and found.st_mode & stat.S_IROTH and found.st_dev == folder.stat().st_dev:
                yield str(path)


def hide_machine(folder: bytes) -> None:
    """Own processes alone in /proc, and nothing to write but *folder*. What the kernel refuses is left as it is."""
    _libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None)
    if _libc.mount(b"proc", b"/proc", b"proc", _NOSUID_NODEV_NOEXEC, None) != 0:
        _libc.mount(b"none", b"/proc", b"tmpfs", _NOSUID_NODEV_NOEXEC, None)
    hide_sockets(Path(os.fsdecode(folder)))
    if _libc.mount(folder, folder, None, _BIND | _RECURSIVE, None) == 0:
        _set_attributes(b"/", set_flags=_READ_ONLY, cleared_flags=0)
        _set_attributes(folder, set_flags=0, cleared_flags=_READ_ONLY)
        with suppress(OSError):
            os.chdir(folder)


def limit_processes() -> None:
    """From Linux 5.14 on those of a user namespace are counted by themselves; root is never bound by it."""
    if landlock.version() >= _OF_LINUX_5_19:
        _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        most = _MOST_PROCESSES if hard == resource.RLIM_INFINITY else min(hard, _MOST_PROCESSES)
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def hide_sockets(folder: Path) -> None:
    """Have nothing in /run to connect to: a socket there may be an engine's or a bus's; but names are resolved."""
    names = Path("/etc/resolv.conf").resolve().parent  # of systemd-resolved, resolvconf or NetworkManager
    for path in (*Path("/run").glob("*"), *Path("/run/systemd").glob("*")):
        if path.is_symlink() or any(kept.is_relative_to(path) for kept in (folder, names)):
            continue
        if path.is_dir():
            _libc.mount(b"none", bytes(path), b"tmpfs", _NOSUID_NODEV_NOEXEC, None)
        else:
            _libc.mount(b"/dev/null", bytes(path), None, _BIND, None)


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
