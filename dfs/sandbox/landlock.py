"""
One more wall around files: reading everywhere, writing in few places, whatever mounts say.

Decides how the kernel is asked for it (Landlock).  Must not know what is where.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable

from dfs.sandbox.kernel import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_DEVICE = _READ_FILE | _WRITE_FILE

#: For each version of Landlock, all that it knows of files: a set of bits.
_EVERYTHING = {1: (1 << 13) - 1, 2: (1 << 14) - 1}
_NEWEST = (1 << 15) - 1


def version() -> int:
    """Which Landlock the kernel has; 0 if none."""
    try:
        return syscall(_CREATE_RULESET, "landlock", None, ctypes.c_size_t(0), _ASK_VERSION)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
            return 0
        raise


def restrict(writable: Iterable[str], devices: Iterable[str]) -> None:
    """
    Let this process read files, and write below some folders and to some files only.

    @raise OSError: the kernel refused; nothing happens where it has no Landlock at all.
    """
    known = version()
    if not known:
        return
    everything = _EVERYTHING.get(known, _NEWEST)
    attributes = struct.pack("=Q", everything)
    ruleset = syscall(_CREATE_RULESET, "landlock", attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        _allow(ruleset, "/", _READ)
        for folder in writable:
            _allow(ruleset, folder, everything)
        for device in devices:
            _allow(ruleset, device, _DEVICE)
        syscall(_RESTRICT_SELF, "landlock", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, what: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", what, place)
        syscall(_ADD_RULE, f"landlock {path}", ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(place)
