"""
What is asked of the Linux kernel that Python 3.11 has no function for.

Decides how each call is made, and that a refusal is an C{OSError} that names the call.  Must not
know what a sandbox is.
"""

from __future__ import annotations

import ctypes
import os
import platform

CLONE_NEWNS = 0x0002_0000
CLONE_NEWCGROUP = 0x0200_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 0x1000, 0x4000, 0x4_0000

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47

_SECCOMP_MODE_FILTER = 2

#: User id 0 is nobody special, for ever.
_NO_ROOT = 0b0010_1111

#: The same numbers on every architecture that is known here.
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442

_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MNT_DETACH = 2
_CAPABILITY_VERSION = 0x2008_0522

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    """
    The result of a call.

    @raise OSError: it failed.
    """
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def syscall(number: int, what: str, *arguments: object) -> int:
    """
    A call that the C library has no function for.

    @raise OSError: it failed.
    """
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def _prctl(option: int, what: str, *values: int) -> None:
    four = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *four), what)


def unshare(flags: int) -> None:
    """Leave namespaces that are shared with others."""
    _checked(_libc.unshare(flags), "a namespace of its own")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount something."""
    words = [word.encode() or None for word in (source, target, kind)]
    more = options.encode() or None
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), more), f"mount on {target}")


def restrict(path: str, flags: int) -> None:
    """Take from a mount, and all below it, what these flags take (read-only, for one)."""
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    where = path.encode()
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    syscall(_MOUNT_SETATTR, f"restrict {path}", _AT_FDCWD, where, _AT_RECURSIVE, attributes, size)


def pivot(root: str) -> None:
    """Make a mount the root, and let go of the old one."""
    os.chdir(root)
    syscall(_PIVOT_ROOT[platform.machine()], "pivot_root", b".", b".")
    _checked(_libc.umount2(b".", _MNT_DETACH), "umount")
    os.chdir("/")


def name_host(name: str) -> None:
    """Name this host."""
    text = name.encode()
    _checked(_libc.sethostname(text, ctypes.c_size_t(len(text))), "sethostname")


def end_with_parent(signal: int, parent: int) -> None:
    """
    Get a signal when the parent ends.

    @param parent: who that has to be; 0 if it is outside.
    @raise OSError: it has ended already.
    """
    _prctl(_PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG", signal)
    if os.getppid() != parent:
        raise OSError(3, "the parent has ended")


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own has ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER", 1)


def be_untouchable() -> None:
    """Let nobody look into this process who may not look into everything."""
    _prctl(_PR_SET_DUMPABLE, "PR_SET_DUMPABLE", 0)


def no_new_privileges() -> None:
    """Gain nothing by running programs, for ever."""
    _prctl(_PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", 1)


def drop_capabilities() -> None:
    """Be nobody special in any namespace, for ever."""
    _prctl(_PR_CAP_AMBIENT, "PR_CAP_AMBIENT", 4)
    _prctl(_PR_SET_SECUREBITS, "PR_SET_SECUREBITS", _NO_ROOT)
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, "PR_CAPBSET_DROP", capability)
        except OSError:
            break  # there are no more
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_calls(program: bytes) -> None:
    """Have every later call of this process, and its children, judged by a program."""
    pointer = ctypes.byref(_Program(len(program) // 8, program))
    _checked(
        _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), pointer, 0, 0), "seccomp"
    )
