"""
The backend that asks the kernel itself: namespaces, a root of its own, nothing else.

Decides in which order a process locks itself in.  Must not know what is in the new root
(L{dfs.sandbox.policy} does), nor who watches from outside.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Callable
from typing import NoReturn

from dfs.sandbox import kernel, landlock, policy, seccomp

_NEW = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)

_STILL = kernel.MS_RDONLY | kernel.MS_NOSUID


def run(script: bytes, complain: Callable[[Exception], NoReturn]) -> NoReturn:
    """
    Run a script behind all walls, and end with its status.

    It is called in a user namespace of its own, as its user 0.

    @param complain: says what failed, and ends this process.
    """
    try:
        kernel.unshare(_NEW)
        kernel.mount("", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
        parent, here = os.pipe()
        first = os.fork()
    except OSError as error:
        complain(error)
    if first:
        os._exit(_ended(first))
    try:
        os.close(here)
        kernel.end_with_parent(signal.SIGKILL, 0)
        _enter(script)
        refuse_to_be_left(parent)
        inner = os.fork()
        if not inner:
            _begin()
    except OSError as error:
        complain(error)
    # Here is process 1: whatever lost its parent is its child, and nothing outlives it.
    os._exit(_ended(inner))


def _ended(process: int) -> int:
    """Wait for a process; its status as a shell would say it."""
    while True:
        ended, status = os.wait()
        if ended == process:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def refuse_to_be_left(parent: int) -> None:
    """
    Make sure that the parent is still there.

    From in here nobody can see who it is; and if it ended before it was asked to be told of that,
    it never will be.

    @param parent: a descriptor that nothing is ever read from before it has ended.
    @raise OSError: it has ended.
    """
    if select.select([parent], [], [], 0)[0]:
        raise OSError(errno.ESRCH, "the parent has ended")


def _enter(script: bytes) -> None:
    """Build the root, step into it, and give up everything that this needed."""
    stage = policy.STAGE
    kernel.mount("root", stage, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=4m,mode=755")
    for step in policy.steps():
        _build(step, stage + step.place)
    _write(stage + policy.SCRIPT, script)
    kernel.name_host(policy.HOSTNAME)
    kernel.pivot(stage)
    kernel.mount("", "/", flags=kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_NODEV | _STILL)
    kernel.no_new_privileges()
    kernel.drop_capabilities()
    kernel.be_untouchable()
    kernel.end_with_parent(signal.SIGKILL, 0)


def _build(step: policy.Step, place: str) -> None:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if step.kind == "link":
        os.symlink(step.source, place)
    elif step.kind == "file":
        _write(place, step.source.encode())
    elif step.kind == "proc":
        os.mkdir(place)
        barred = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", place, "proc", barred)
    elif step.kind == "scratch":
        os.mkdir(place)
        mount_scratch(place)
    else:
        if os.path.isdir(step.source):
            os.mkdir(place)
        else:
            _write(place, b"")
        kernel.mount(step.source, place, flags=kernel.MS_BIND | kernel.MS_REC)
        if step.kind == "bind":
            kernel.restrict(place, _STILL)


def mount_scratch(place: str) -> None:
    """The one folder that can be written to, of limited size."""
    size = f"size={policy.SCRATCH_BYTES},nr_inodes={policy.SCRATCH_FILES},mode=700"
    kernel.mount("scratch", place, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, size)


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def _begin() -> NoReturn:
    """Become the script."""
    os.setsid()
    os.chdir(policy.SCRATCH)
    devices = [step.place for step in policy.steps() if step.kind == "device"]
    landlock.restrict([policy.SCRATCH], devices)
    kernel.filter_calls(seccomp.program())
    os.execve(policy.SHELL, ["sh", policy.SCRIPT], {})
