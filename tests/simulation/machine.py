"""
A machine that runs scripts in memory, on a clock.

Decides what a script can do here: C{echo}, C{sleep} and C{exit}, one a line.  A test may also let
the processes say and do what it likes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from attrs import define, field
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from dfs.nm.runs import Sandbox

TEST = b"echo the walls stand\n"
PROOF = b"the walls stand\n"

_OUTPUT, _REPORT = 1, 2


@define(eq=False)
class FakeProcess:
    """
    A process, and the script that it is given.

    @ivar script: all of it, when it was given.
    @ivar signals: what it was sent.
    @ivar paused: nobody reads what it writes.
    @ivar stubborn: it does not end when it is asked to.
    """

    clock: IReactorTime
    protocol: ProcessProtocol
    backend: str
    stubborn: bool = False
    script: bytes = b""
    signals: list[str] = field(factory=list)
    paused: bool = False
    over: bool = False
    _next: IDelayedCall | None = None

    def write(self, data: bytes) -> None:
        """Its standard input."""
        self.script += data

    def closeStdin(self) -> None:
        """It has its script, and begins."""
        self._go_on(iter(self.script.decode().splitlines()), 0.01)

    def signalProcess(self, signalID: str) -> None:
        """It is asked to end, or made to."""
        if self.over:
            raise ProcessExitedAlready
        self.signals.append(signalID)
        if signalID == "KILL" or not self.stubborn:
            self.stop()
            self.clock.callLater(0.01, self.ends)

    def pauseProducing(self) -> None:
        """Nobody reads."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Somebody reads."""
        self.paused = False

    def says(self, data: bytes) -> None:
        """It writes."""
        self.protocol.childDataReceived(_OUTPUT, data)

    def reports(self, **outcome: object) -> None:
        """Its watcher writes."""
        self.protocol.childDataReceived(_REPORT, json.dumps(outcome).encode() + b"\n")

    def exits(self) -> None:
        """Nothing of it is left."""
        self.stop()
        self.over = True
        self.protocol.processExited(Failure(ProcessDone(0)))

    def ends(self, status: int | None = None) -> None:
        """Nothing of it is left, and all that it wrote was read."""
        if status is not None:
            self.reports(status=status)
        if not self.over:
            self.exits()
        self.protocol.processEnded(Failure(ProcessDone(0)))

    def stop(self) -> None:
        """Do nothing more."""
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _go_on(self, lines: Iterator[str], pause: float) -> None:
        self._next = self.clock.callLater(pause, self._run, lines)

    def _run(self, lines: Iterator[str]) -> None:
        verb, _, rest = next(lines, "exit 0").partition(" ")
        if verb == "exit":
            self.ends(int(rest))
            return
        if verb == "echo":
            self.says(f"{rest}\n".encode())
        self._go_on(lines, float(rest) if verb == "sleep" else 0.0)


@define(eq=False)
class Machine:
    """
    A machine.

    @ivar processes: all that were started.
    @ivar broken: backends whose walls do not stand.
    @ivar full: no process can be started any more.
    @ivar mad: starting one fails in a way that nobody thought of.
    @ivar stubborn: processes end only when they are made to.
    """

    clock: IReactorTime
    broken: tuple[str, ...] = ()
    full: bool = False
    mad: bool = False
    stubborn: bool = False
    processes: list[FakeProcess] = field(factory=list)

    def sandbox(self, *backends: str, obstacle: str = "") -> Sandbox:
        """What a name server is told of it."""
        return Sandbox(self.spawn, backends or ("good",), TEST, PROOF, obstacle)

    def spawn(self, protocol: ProcessProtocol, backend: str) -> FakeProcess:
        """Start a process."""
        if self.mad:
            raise RuntimeError("can't start new process")
        if self.full:
            raise OSError(11, "Resource temporarily unavailable")
        process = FakeProcess(self.clock, protocol, backend, self.stubborn)
        self.processes.append(process)
        if backend in self.broken:
            process.says(b"the gate is open\n")
        return process

    @property
    def scripts(self) -> list[FakeProcess]:
        """Those that run something else than the test."""
        return [process for process in self.processes if process.script != TEST]
