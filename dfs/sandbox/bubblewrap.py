"""
The backend that lets bubblewrap do it.

Decides with which words it is called.  Must not know what is in the new root
(L{dfs.sandbox.policy} does), nor who watches from outside.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NoReturn

from dfs.sandbox import kernel, policy, seccomp
from dfs.sandbox.namespaces import mount_scratch

#: Where systems have it.
PLACES = ("/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap")

# The user namespace is there already; it is one that bubblewrap could not make for a script of
# root's, whose user must be one that nobody else is.
_WALLS = (
    *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
    *("--hostname", policy.HOSTNAME),
)


def installed() -> str:
    """Where it is; empty if it is not installed."""
    return next((path for path in PLACES if os.access(path, os.X_OK)), "")


def words(files: dict[str, int], script: int, filter: int) -> Iterable[str]:
    """
    How it is called.

    @param files: for each text of a file, a descriptor to read it from.
    @param script: a descriptor to read the script from.
    @param filter: one to read the program of L{dfs.sandbox.seccomp} from.
    """
    yield from _WALLS
    for step in policy.steps():
        if step.kind == "link":
            yield from ("--symlink", step.source, step.place)
        elif step.kind == "file":
            yield from ("--ro-bind-data", str(files[step.source]), step.place)
        elif step.kind == "proc":
            yield from ("--proc", step.place)
        elif step.kind == "scratch":
            yield from ("--bind", policy.STAGE, step.place)
        elif step.kind == "device":
            yield from ("--dev-bind", step.source, step.place)
        else:
            yield from ("--ro-bind", step.source, step.place)
    yield from ("--ro-bind-data", str(script), policy.SCRIPT)
    yield from ("--remount-ro", "/", "--chdir", policy.SCRATCH, "--seccomp", str(filter))
    yield from ("--", policy.SHELL, policy.SCRIPT)


def run(script: bytes, complain: Callable[[Exception], NoReturn]) -> NoReturn:
    """
    Run a script behind all walls, and end with its status; see L{dfs.sandbox.namespaces.run}.
    """
    try:
        if not (program := installed()):
            raise OSError("bubblewrap is not installed")
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount("", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
        # By itself it makes one that takes any number of files.
        mount_scratch(policy.STAGE)
        texts = {step.source for step in policy.steps() if step.kind == "file"}
        files = {text: _readable(text.encode()) for text in texts}
        command = words(files, _readable(script), _readable(seccomp.program()))
        os.execve(program, ["bwrap", *command], {})
    except OSError as error:
        complain(error)


def _readable(content: bytes) -> int:
    """A descriptor, for the program that comes next, to read this from."""
    file = os.memfd_create("content", 0)
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file
