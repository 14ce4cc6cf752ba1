"""
One script that runs, in a process far away from this one.

Decides that its output goes out as it comes and no faster than it is read, how much of it there may
be, how long it may take, and that it ends when it is not wanted any more.  Must not know whose it
is, nor how a sandbox is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol as Interface

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from dfs.core.endings import Ending, Stopped, ending

#: Seconds that a script may take, and more that its end may take before it is forced.
WALL_SECONDS, GRACE_SECONDS = 10.0, 2.0

#: Bytes that it may write, both streams together.
OUTPUT_BYTES = 1024 * 1024

#: Bytes of a report that are looked at.
_REPORT_BYTES = 4096

_OUTPUT = 1


class Process(Interface):
    """What is needed of the transport of a process."""

    def write(self, data: bytes) -> None:
        """Write to its standard input."""

    def closeStdin(self) -> None:
        """There is no more input."""

    def signalProcess(self, signalID: str) -> None:
        """Send a signal by its name."""

    def pauseProducing(self) -> None:
        """Read no more of what it writes."""

    def resumeProducing(self) -> None:
        """Read on."""


#: Starts the process that runs a script, with this backend.
Spawn = Callable[[ProcessProtocol, str], Process]

#: Takes a piece of output; None: more may come, else when that has fired.
Take = Callable[[bytes], "Deferred[None] | None"]


@frozen
class Sandbox:
    """
    How scripts can be run on this machine.

    @ivar backends: which may work, the best first.
    @ivar test: a script that looks whether all walls stand.
    @ivar proof: what it writes if they do, and nothing else.
    @ivar obstacle: why scripts may not be run here at all; empty if they may.
    """

    spawn: Spawn
    backends: tuple[str, ...]
    test: bytes
    proof: bytes
    obstacle: str = ""


class Run(ProcessProtocol):
    """
    A script that runs.

    @ivar size: bytes of output that were passed on.
    """

    def __init__(self, clock: IReactorTime, script: bytes, take: Take) -> None:
        self.size = 0
        self._clock = clock
        self._script = script
        self._take = take
        self._sha = hashlib.sha256()
        self._report = b""
        self._stopped: Stopped | None = None
        self._heard = True
        self._over = False
        self._waiting: list[Deferred[None]] = []
        self._timer: IDelayedCall | None = None
        self._ended: Deferred[Ending] = Deferred()
        self._process: Process

    @property
    def sha256(self) -> str:
        """Of the output that was passed on, in hex."""
        return self._sha.hexdigest()

    def start(self, spawn: Spawn, backend: str) -> Deferred[Ending]:
        """
        Run it.

        @return: fires when it has ended and its last output was passed on; fails with
            L{Internal<dfs.errors.Internal>} if there was no sandbox for it.
        @raise OSError: this machine has no process for it.
        """
        self._process = spawn(self, backend)
        if not self._over:
            self._process.write(self._script)
            self._process.closeStdin()
            self._timer = self._clock.callLater(WALL_SECONDS, self.stop, Stopped.LATE)
        self._script = b""
        return self._ended

    def stop(self, why: Stopped) -> None:
        """End it, with everything that it began; nothing happens if it has ended."""
        if self._over or self._stopped is not None:
            return
        self._stopped = why
        self._cancel()
        self._timer = self._clock.callLater(GRACE_SECONDS, self._signal, "KILL")
        self._signal("TERM")
        if why is Stopped.UNHEARD:
            self._unheard()

    def when_exited(self) -> Deferred[None]:
        """Fires when none of its processes is left; a new Deferred for each who asks."""
        waiting: Deferred[None] = Deferred()
        if self._over:
            waiting.callback(None)
        else:
            self._waiting.append(waiting)
        return waiting

    # ------------------------------------------------------------- what the process does

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """It wrote something, or its watcher did."""
        if childFD != _OUTPUT:
            self._report += data[: _REPORT_BYTES - len(self._report)]
            return
        room = OUTPUT_BYTES - self.size
        piece = data[:room]
        if self._heard and piece:
            self.size += len(piece)
            self._sha.update(piece)
            wait = self._take(piece)
            if wait is not None:
                self._process.pauseProducing()
                wait.addCallbacks(self._go_on, self._lost)
        if len(data) > room:
            self.stop(Stopped.LONG)

    def processExited(self, reason: Failure) -> None:
        """Nothing of it is left."""
        self._over = True
        self._cancel()
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def processEnded(self, reason: Failure) -> None:
        """All that it wrote has come, too."""
        try:
            known = ending(self._report, self._stopped, seconds=WALL_SECONDS, size=OUTPUT_BYTES)
        except Exception:
            self._ended.errback()
        else:
            self._ended.callback(known)

    def _go_on(self, taken: None) -> None:
        self._process.resumeProducing()

    def _lost(self, reason: Failure) -> None:
        self.stop(Stopped.UNHEARD)
        self._unheard()

    def _unheard(self) -> None:
        """Whoever read it is gone: what still comes is let fall, so that it comes to its end."""
        self._heard = False
        self._process.resumeProducing()

    def _signal(self, name: str) -> None:
        try:
            self._process.signalProcess(name)
        except ProcessExitedAlready:
            return

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
