"""
Which calls to the kernel a script may not make.

Decides the list, and how it becomes a program for the kernel.  Must not know how that is installed.

It is a second wall: what stands here is mostly refused already to who has no capabilities.  Some
calls are here because what they get is counted nowhere else, or for the whole machine (memory,
C{io_setup}), and sockets because some kinds know no namespaces.
"""

from __future__ import annotations

import errno
import platform
import struct

#: For each machine its number for the kernel, and the numbers of the calls.
_MACHINES: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        0xC000_003E,
        {
            "shmget": 29,
            "socket": 41,
            "socketpair": 53,
            "clone": 56,
            "semget": 64,
            "msgget": 68,
            "ptrace": 101,
            "syslog": 103,
            "uselib": 134,
            "personality": 135,
            "modify_ldt": 154,
            "pivot_root": 155,
            "chroot": 161,
            "acct": 163,
            "mount": 165,
            "umount2": 166,
            "swapon": 167,
            "swapoff": 168,
            "reboot": 169,
            "iopl": 172,
            "ioperm": 173,
            "init_module": 175,
            "delete_module": 176,
            "quotactl": 179,
            "io_setup": 206,
            "mq_open": 240,
            "kexec_load": 246,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "unshare": 272,
            "perf_event_open": 298,
            "fanotify_init": 300,
            "open_by_handle_at": 304,
            "setns": 308,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "kcmp": 312,
            "finit_module": 313,
            "memfd_create": 319,
            "kexec_file_load": 320,
            "bpf": 321,
            "userfaultfd": 323,
        },
    ),
    "aarch64": (
        0xC000_00B7,
        {
            "io_setup": 0,
            "umount2": 39,
            "mount": 40,
            "pivot_root": 41,
            "chroot": 51,
            "quotactl": 60,
            "acct": 89,
            "personality": 92,
            "unshare": 97,
            "kexec_load": 104,
            "init_module": 105,
            "delete_module": 106,
            "syslog": 116,
            "ptrace": 117,
            "reboot": 142,
            "mq_open": 180,
            "msgget": 186,
            "semget": 190,
            "shmget": 194,
            "socket": 198,
            "socketpair": 199,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "clone": 220,
            "swapon": 224,
            "swapoff": 225,
            "perf_event_open": 241,
            "fanotify_init": 262,
            "open_by_handle_at": 265,
            "setns": 268,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "kcmp": 272,
            "finit_module": 273,
            "memfd_create": 279,
            "bpf": 280,
            "userfaultfd": 282,
            "kexec_file_load": 294,
        },
    ),
}

#: Calls that are so new that they have one number everywhere: of io_uring, mounts, memfd_secret …
_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 443, 447, 467)

#: Its flags are behind a pointer, where no filter can look; libraries do without it.
_CLONE3 = 435

#: What clone is asked for by who wants a namespace.
_NAMESPACES = 0x7E02_0000

#: On x86_64, calls of another kind, with numbers of their own.
_X32 = 0x4000_0000

_LOAD, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _REFUSE, _KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000

_LONGEST_JUMP = 255


def _instruction(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, true, false, value)


def program(machine: str = "") -> bytes:
    """
    The program that refuses those calls.

    @param machine: as the system calls it; this one if empty.
    @raise OSError: nobody knows the numbers of its calls.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"the calls of a {machine} are not known here")
    number, calls = _MACHINES[machine]
    refused = sorted({*calls.values(), *_EVERYWHERE} - {calls["clone"]})
    body = [
        *((_EQUAL, call, "refuse") for call in refused),
        (_EQUAL, _CLONE3, "unknown"),
        (_EQUAL, calls["clone"], "clone"),
    ]
    # After the comparisons: allow; clone: load, compare, allow; refuse; unknown.
    ends = {"clone": 1, "refuse": 4, "unknown": 5}
    code = [
        _instruction(_LOAD, _MACHINE),
        _instruction(_EQUAL, number, true=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
        _instruction(_AT_LEAST, _X32, true=0, false=1),
        _instruction(_RETURN, _KILL),
    ]
    for place, (kind, value, end) in enumerate(body):
        jump = len(body) - place - 1 + ends[end]
        assert jump <= _LONGEST_JUMP
        code.append(_instruction(kind, value, true=jump))
    code += [
        _instruction(_RETURN, _ALLOW),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_ANY_OF, _NAMESPACES, true=1),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _REFUSE | errno.EPERM),
        _instruction(_RETURN, _REFUSE | errno.ENOSYS),
    ]
    return b"".join(code)
