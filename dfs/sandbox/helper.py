"""
The process that starts a script, watches it from outside, and ends with it.

Decides that a script is run by somebody who is nobody else, how much memory all its processes have
together, and that none of them is left at the end: neither when the script ends, nor when this
process is told to, nor when whoever started it dies.  Must not know which walls there are.

The script comes from standard input.  What it writes goes to standard output.  Standard error gets
one line at the end, a JSON object: the C{status} that the script ended with, or why it was
C{terminated}, or what C{failed} if there is no sandbox.

Note [Outside]
==============

This process stays outside of every namespace of the script, where that cannot reach it, and adopts
what the script leaves behind.  It ends only when it has no descendants any more.  Killed with
SIGKILL, it takes its child with it, and that the sandbox.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterator
from typing import NoReturn

from dfs.sandbox import bubblewrap, kernel, namespaces, policy

#: Seconds between two looks at how much memory is used.
LOOK_SECONDS = 0.1

_TOO_MUCH = f"it had more than {policy.MEMORY_BYTES // policy.MIB} MiB of memory"

_BACKENDS = {"bubblewrap": bubblewrap.run, "namespaces": namespaces.run}

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2

#: Where the report goes; what a script gets as its standard error is its standard output.
_REPORT = 3
_GONE = (FileNotFoundError, ProcessLookupError)
_SPECIAL = (signal.SIGCHLD, signal.SIGTERM)


def main() -> NoReturn:
    """C{<backend> <process that started this one>}."""
    backend, parent = sys.argv[1], int(sys.argv[2])
    # No terminal has anything to say here.
    os.setsid()
    os.chdir("/")
    os.closerange(_REPORT, os.sysconf("SC_OPEN_MAX"))
    os.dup2(_ERRORS, _REPORT, inheritable=False)
    try:
        script = _received()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SPECIAL)
        kernel.end_with_parent(signal.SIGTERM, parent)
        kernel.adopt_orphans()
        _look_around()
        child = _start(backend, script)
    except Exception as error:
        _complain(error)
    try:
        outcome = _watch(child)
    except Exception as error:
        outcome = {"terminated": f"it could not be watched: {error}"}
    _end_all()
    _report(outcome)
    os._exit(0)


def _received() -> bytes:
    """The whole script."""
    with open(_INPUT, "rb", closefd=False) as file:
        script = file.read(policy.SCRIPT_BYTES)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _INPUT)
    os.close(nothing)
    os.dup2(_OUTPUT, _ERRORS)
    return script


def _report(outcome: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        os.write(_REPORT, json.dumps(outcome).encode() + b"\n")


def _complain(error: Exception) -> NoReturn:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    _report({"failed": why or type(error).__name__})
    os._exit(1)


# ----------------------------------------------------------------------------------- starting


def _start(backend: str, script: bytes) -> int:
    """Start the script; the process that ends with its status."""
    asked, ask = os.pipe()
    answered, answer = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if not child:
        try:
            os.close(asked)
            os.close(answer)
            _become_nobody(parent, ask, answered)
        except Exception as error:
            _complain(error)
        _BACKENDS[backend](script, _complain)
    os.close(ask)
    os.close(answered)
    # Nothing comes if it has failed, and said so.
    if os.read(asked, 1):
        _map_user(child)
        os.write(answer, b".")
    os.close(asked)
    os.close(answer)
    return child


def _map_user(process: int) -> None:
    """
    Say who user 0 of a new namespace is.

    For root that is a user that nobody else is, so that what is counted by user is not shared, and
    nothing on this machine is theirs.  For anybody else it can only be themselves.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        user = group = _nobody()
        if stat.S_ISFIFO(os.fstat(_OUTPUT).st_mode):
            # So that it can be opened by its name, /dev/stdout.
            os.fchown(_OUTPUT, user, group)
    else:
        _write(f"/proc/{process}/setgroups", "deny")
    _write(f"/proc/{process}/uid_map", f"0 {user} 1")
    _write(f"/proc/{process}/gid_map", f"0 {group} 1")


def _nobody() -> int:
    """An id that nobody has; in a container that knows only few, the last but one of them."""
    user = policy.NOBODY + os.getpid()
    last = 0
    with open("/proc/self/uid_map") as file:
        for line in file:
            first, _, count = map(int, line.split())
            last = max(last, first + count - 2)
    return user if user <= last else last


def _become_nobody(parent: int, ask: int, answered: int) -> None:
    """Be the only user of a namespace, with little to use."""
    _write("/proc/self/oom_score_adj", str(policy.OUT_OF_MEMORY_SCORE))
    kernel.unshare(kernel.CLONE_NEWUSER)
    os.write(ask, b".")
    if not os.read(answered, 1):
        raise OSError("no user could be found for the script")
    with contextlib.suppress(PermissionError):
        os.setgroups([])  # what everybody but root is denied
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    kernel.end_with_parent(signal.SIGKILL, parent)
    with contextlib.suppress(OSError):  # where that is read-only, there is the filter of calls
        _write("/proc/sys/user/max_user_namespaces", "0")
    os.nice(policy.NICE)
    for limit, most in policy.LIMITS.items():
        # A second after the signal that can be told from others comes the one that can not.
        resource.setrlimit(limit, (most, most + (limit == resource.RLIMIT_CPU)))
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


# ----------------------------------------------------------------------------------- watching


def _look_around() -> None:
    """
    Make sure that processes of others can be looked at.

    @raise OSError: they are hidden (C{hidepid}), or the kernel does not tell whose children they
        are: what a script has in memory could not be known.
    """
    for file in ("/proc/1/status", f"/proc/self/task/{os.getpid()}/children"):
        if not os.access(file, os.R_OK):
            raise OSError(f"processes cannot be watched here: {file} cannot be read")


def _watch(child: int) -> dict[str, object]:
    """Wait until the script has ended, or has to; what became of it."""
    while True:
        heard = signal.sigtimedwait(_SPECIAL, LOOK_SECONDS)
        if heard is not None and heard.si_signo == signal.SIGTERM:
            return {"terminated": "somebody ended it"}
        status = _reaped(child)
        if status is not None:
            return {"status": status}
        if sum(map(_memory, _descendants(os.getpid()))) > policy.MEMORY_BYTES:
            return {"terminated": _TOO_MUCH}


def _reaped(child: int) -> int | None:
    """What the child ended with, as a shell would say it; None if it has not."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                return code if code >= 0 else 128 - code
    return None


def _end_all() -> None:
    """Return when there is no descendant any more."""
    while True:
        for process in _descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        signal.sigtimedwait((signal.SIGCHLD,), 0.01)


def _descendants(process: int) -> Iterator[int]:
    """All processes below one; those that come and go meanwhile may be missing."""
    for child in _children(process):
        yield child
        yield from _descendants(child)


def _children(process: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(*_GONE):
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def _memory(process: int) -> int:
    """
    Bytes that a process has for itself, in memory or swapped out.

    Its threads share them; one that has ended, as the first may, says nothing of them any more.
    """
    most = 0
    with contextlib.suppress(*_GONE):
        for thread in os.listdir(f"/proc/{process}/task"):
            most = max(most, _memory_of(f"/proc/{process}/task/{thread}/status"))
    return most


def _memory_of(status: str) -> int:
    kib = 0
    with contextlib.suppress(*_GONE), open(status) as file:
        for line in file:
            if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                kib += int(line.split()[1])
    return 1024 * kib
