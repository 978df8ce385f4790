"""Landlock: the kernel lets a process give up files, TCP and signals for good, without any privilege.

https://docs.kernel.org/userspace-api/landlock.html. The standard library alone: it runs where foreign programs start.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

# linux/landlock.h; these system calls have the same numbers on all architectures
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ACCESSES = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access to files each version of the kernel's interface knows; later ones know those of 5."""
_BIND_TCP, _CONNECT_TCP, _TCP_SINCE = 1, 2, 4
_ABSTRACT_SOCKETS, _SIGNALS, _SCOPES_SINCE = 1, 2, 6

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of the kernel's interface; 0 where it has none, or a container's profile refuses it."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)))


def restrict(*, readable: Iterable[str], writable: Iterable[str], with_network: bool) -> bool:
    """Leave this process and its children *readable* and *writable* paths alone, and whether that could be done.

    They can no more look into processes outside (their environment in ``/proc`` is that), send signals there, or,
    without *with_network*, use TCP, where the kernel knows how. "No new privileges" must be set before.
    """
    known = version()
    if not known:
        return False
    handled = (1 << _ACCESSES[min(known, 5)]) - 1
    tcp = 0 if with_network or known < _TCP_SINCE else _BIND_TCP | _CONNECT_TCP
    scopes = 0 if known < _SCOPES_SINCE else _ABSTRACT_SOCKETS | _SIGNALS
    attributes = struct.pack("=QQQ", handled, tcp, scopes)
    # an older kernel takes a longer structure where the rest of it is zero
    rules = _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(rules, path, _READ & handled)
        for path in writable:
            _allow(rules, path, handled)
        return bool(_libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, accesses: int) -> None:
    """Allow *accesses* at and below *path*; nothing where there is no such path."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not Path(path).is_dir():
            accesses &= _OF_FILES
        _libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", accesses, opened), 0)
    finally:
        os.close(opened)
