"""
What a script may use, and what it sees.

Decides the limits and the file system of a run, as values that every backend carries out.  Must not
know how: neither namespaces nor bubblewrap.  Modules of this package import nothing but the
standard library and each other, because they run in a Python without anything else.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from typing import NamedTuple

MIB = 1024 * 1024

#: Bytes of a script.
SCRIPT_BYTES = MIB

#: Bytes of the folder that a script may write to, and how many files and folders may be in it.
SCRATCH_BYTES, SCRATCH_FILES = 16 * MIB, 4096

#: Bytes that all processes of a run may have in memory together.
MEMORY_BYTES = 256 * MIB

#: Limits of each process: seconds of CPU, bytes, processes of the run, files.
LIMITS: dict[int, int] = {
    resource.RLIMIT_CPU: 5,
    resource.RLIMIT_AS: 256 * MIB,
    resource.RLIMIT_NPROC: 32,
    resource.RLIMIT_FSIZE: 16 * MIB,
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_MEMLOCK: 0,
    resource.RLIMIT_MSGQUEUE: 0,
    resource.RLIMIT_SIGPENDING: 64,
}

#: Everybody else comes first: the processors, and when the machine runs out of memory.
NICE, OUT_OF_MEMORY_SCORE = 19, 1000

#: Where the script, the shell and the scratch folder are inside.
SCRIPT, SHELL, SCRATCH = "/script", "/bin/sh", "/tmp"

#: What a host that is asked inside is called.
HOSTNAME = "sandbox"

#: The first user id that nobody has, where this runs as root: each run has its own above it.
NOBODY = 0x7000_0000

#: Where the new root, or the scratch folder, is put together: a folder that is always there and
#: that nothing is taken from.
STAGE = "/sys"

_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS = ("/etc/alternatives", "/etc/ld.so.cache")


class Step(NamedTuple):
    """
    One thing that is at a place of the new root.

    @ivar kind: C{bind} (read-only), C{device}, C{link}, C{file}, C{proc} or C{scratch}.
    @ivar source: where it is outside, what the link says, or the text of the file.
    """

    kind: str
    source: str
    place: str


def steps() -> Iterator[Step]:
    """Everything that a script sees; in an order in which it can be made."""
    yield Step("bind", "/usr", "/usr")
    for path in _SYSTEM:
        if os.path.islink(path):
            yield Step("link", os.readlink(path), path)
        elif os.path.isdir(path):
            yield Step("bind", path, path)
    for path in _SETTINGS:
        if os.path.exists(path):
            yield Step("bind", path, path)
    yield Step("file", "root:x:0:0::/tmp:/bin/sh\n", "/etc/passwd")
    yield Step("file", "root:x:0:\n", "/etc/group")
    yield Step("proc", "", "/proc")
    for name in _DEVICES:
        yield Step("device", f"/dev/{name}", f"/dev/{name}")
    for name, end in _LINKS.items():
        yield Step("link", f"/proc/self/fd{end}", f"/dev/{name}")
    yield Step("scratch", "", SCRATCH)
