"""
Real daemons for tests: started as a person starts them, watched through their logs, ended for sure.

Decides how a process is started, how a test learns what it does, and how long anything may take.
Must not know what a test is about.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import pytest_twisted
from attrs import define, field
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

P = ParamSpec("P")

#: Seconds that a process may take to say something, and to end after SIGTERM.
PATIENCE = 60.0

#: Where the installed scripts are.
SCRIPTS = Path(sys.executable).parent

#: The top of the checkout.
ROOT = Path(__file__).resolve().parents[2]

reactor: Any = _reactor


def environment(**changes: str) -> dict[str, str]:
    """
    The environment of every process: this one's, without settings of the person who runs tests.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DFS_")}
    # The checkout is found even where it was not installed.
    kept["PYTHONPATH"] = str(ROOT)
    kept["PYTHONUNBUFFERED"] = "1"
    kept.update(changes)
    return kept


def twistd(*words: str) -> list[str]:
    """The command line of the C{twistd} that belongs to this Python."""
    return [sys.executable, str(SCRIPTS / "twistd"), *words]


def dfs(*words: str) -> list[str]:
    """The command line of the client, installed or not."""
    return [sys.executable, "-m", "dfs.client", *words]


def within(
    seconds: float,
) -> Callable[[Callable[P, Coroutine[Any, Any, None]]], Callable[P, Awaitable[None]]]:
    """A decorator for C{async} tests of pytest: the reactor runs them, with a limit."""

    def decorate(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, Awaitable[None]]:
        @wraps(test)
        async def limited(*arguments: P.args, **named: P.kwargs) -> None:
            running = Deferred.fromCoroutine(test(*arguments, **named))
            await running.addTimeout(seconds, reactor)

        decorated: Callable[P, Awaitable[None]] = pytest_twisted.ensureDeferred(limited)
        return decorated

    return decorate


class Ended(Exception):
    """A process ended, or took too long, before it did what a test waits for."""


class Process(ProcessProtocol):
    """
    A running process.

    @ivar command: what was started.
    @ivar output: everything that it wrote so far, both streams.
    @ivar pid: its process id.
    """

    def __init__(
        self, command: Sequence[str], cwd: Path, env: dict[str, str] | None = None
    ) -> None:
        self.command = list(command)
        self.output = b""
        self._waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []
        self._status: int | None = None
        self._at_end: list[Callable[[], None]] = []
        self._stdout = b""
        self._process = reactor.spawnProcess(
            self,
            shutil.which(self.command[0]) or self.command[0],
            self.command,
            env=environment() if env is None else env,
            path=str(cwd),
        )
        self.pid: int = self._process.pid

    def __repr__(self) -> str:
        return f"<{' '.join(self.command[1:])} pid {self.pid}>"

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._status is None

    @property
    def stdout(self) -> str:
        """What it wrote to its standard output."""
        return self._stdout.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """What it wrote to both streams."""
        return self.output.decode("utf-8", "replace")

    def when(self, look: Callable[[], Any], seconds: float = PATIENCE) -> Deferred[Any]:
        """
        Fires with what C{look} finds in the output, as soon as that is true.

        It fails with L{Ended} and the whole output if the process ends first or time is up.
        """
        found = look()
        if found:
            return succeed(found)
        waiting: Deferred[Any] = Deferred(lambda given_up: None)
        if self._status is not None:
            waiting.errback(self.ended())
            return waiting
        self._waiting.append((look, waiting))
        return self._limited(waiting, seconds)

    def exited(self, seconds: float = PATIENCE) -> Deferred[int]:
        """Fires with the exit status, negative for a signal; fails with L{Ended} if it is late."""
        waiting: Deferred[int] = Deferred(lambda given_up: None)

        def tell() -> None:
            if not waiting.called:
                waiting.callback(self.status)

        self.at_end(tell)
        return waiting if waiting.called else self._limited(waiting, seconds)

    def at_end(self, call: Callable[[], None]) -> None:
        """Call this when it has ended, or now."""
        if self.running:
            self._at_end.append(call)
        else:
            call()

    @property
    def status(self) -> int:
        """The exit status of a process that has ended."""
        assert self._status is not None
        return self._status

    def write(self, text: str) -> None:
        """Type something."""
        self._process.write(text.encode("utf-8"))

    def end_of_input(self) -> None:
        """Type Ctrl-D."""
        self._process.closeStdin()

    def signal(self, number: int) -> None:
        """Send a signal, by pid; nothing happens if it has ended."""
        try:
            self._process.signalProcess(number)
        except ProcessExitedAlready:
            return

    async def stop(self) -> int:
        """Ask it to end, insist if it does not, and return its exit status."""
        self.signal(signal.SIGTERM)
        try:
            return await self.exited()
        except Ended:
            await self.kill()
            raise

    async def kill(self) -> None:
        """End it at once, as a crash does."""
        self.signal(signal.SIGKILL)
        await self.exited()

    def outReceived(self, data: bytes) -> None:
        """Standard output."""
        self._stdout += data
        self._received(data)

    def errReceived(self, data: bytes) -> None:
        """Standard error."""
        self._received(data)

    def processEnded(self, reason: Failure) -> None:
        """Tell everybody who waits; also those who will wait in vain now."""
        value: Any = reason.value
        self._status = -value.signal if value.signal else (value.exitCode or 0)
        self._received(b"")
        waiting, self._waiting = self._waiting, []
        for _, late in waiting:
            if not late.called:
                late.errback(self.ended())
        calls, self._at_end = self._at_end, []
        for call in calls:
            call()

    def ended(self) -> Ended:
        """What to tell those who wait for it in vain."""
        return Ended(f"{self} ended with status {self._status}:\n{self.text}")

    def _received(self, data: bytes) -> None:
        self.output += data
        for entry in list(self._waiting):
            look, waiting = entry
            found = None if waiting.called else look()
            if found or waiting.called:
                self._waiting.remove(entry)
            if found:
                waiting.callback(found)

    def _limited(self, waiting: Deferred[Any], seconds: float) -> Deferred[Any]:
        def late(value: object, timeout: float) -> object:
            raise Ended(f"{self} did nothing in {timeout} s:\n{self.text}")

        return waiting.addTimeout(seconds, reactor, late)


class Daemon(Process):
    """
    A C{twistd} in the foreground that logs JSON to its standard output.

    @ivar words: what follows C{twistd}'s own options.
    """

    def __init__(
        self,
        words: Sequence[str],
        cwd: Path,
        env: dict[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        """
        @param before: a command that runs the one that follows it.
        """
        self.words = [*words, "--log-format", "json"]
        self._events: list[dict[str, Any]] = []
        self._read = 0
        daemon = twistd("-n", "--pidfile=", "--logfile=-", *self.words)
        super().__init__([*before, *daemon], cwd, env)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log so far; what is not a JSON object is not an event."""
        end = self.output.rfind(b"\n") + 1
        for line in self.output[self._read : end].splitlines():
            if line.startswith(b"{"):
                self._events.append(json.loads(line))
        self._read = max(self._read, end)
        return self._events

    def logged(
        self, event: str, seconds: float = PATIENCE, after: int = 0, **fields: object
    ) -> Deferred[dict[str, Any]]:
        """
        Fires with the first event of this name and with these fields, also one of the past.

        @param after: how many events at the beginning do not count.
        """
        wanted = {"event": event, **fields}

        def look() -> dict[str, Any] | None:
            for record in self.events[after:]:
                if wanted.items() <= record.items():
                    return record
            return None

        return self.when(look, seconds)

    async def listening(self) -> str:
        """Its address, C{host:port}, as soon as it has one."""
        event = await self.logged("listening")
        return f"{event['address']}:{event['port']}"


async def run(
    command: Sequence[str],
    cwd: Path,
    env: dict[str, str] | None = None,
    typed: str = "",
    seconds: float = PATIENCE,
) -> Process:
    """Run a command to its end, with this on its standard input."""
    process = Process(command, cwd, env)
    process.write(typed)
    process.end_of_input()
    try:
        await process.exited(seconds)
    except Ended:
        await process.kill()
        raise
    return process


def free_port() -> int:
    """A TCP port that nobody uses, for what must be known before anything listens there."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@define
class Cluster:
    """
    A name server and storage servers, each in a folder of its own below C{path}.

    @ivar address: of the name server, C{host:port}; it stays the same when that is restarted.
    @ivar servers: the storage servers by name, as they run now.
    """

    path: Path
    options: Sequence[str] = ()
    ss_options: Sequence[str] = ()
    address: str = "127.0.0.1:0"
    nm: Daemon | None = None
    servers: dict[str, Daemon] = field(factory=dict)

    @property
    def secret(self) -> Path:
        """The file that all servers read."""
        return self.path / "cluster.secret"

    def before(self, name: str) -> Sequence[str]:
        """What runs the process of a server (C{nm} is the name server); nothing."""
        return ()

    async def start(self, *names: str) -> None:
        """Start the name server, then these storage servers, and wait until they are registered."""
        await self.start_nm()
        await gatherResults([Deferred.fromCoroutine(self.start_ss(name)) for name in names])

    async def start_nm(self) -> Daemon:
        """Start the name server, again on the port that it had."""
        port = self.address.rpartition(":")[2]
        self.nm = Daemon(
            [
                *("dfs-nm", "--listen", f"tcp:{port}:interface=127.0.0.1"),
                *("--data", str(self.path / "nm"), "--secret", str(self.secret)),
                *self.options,
            ],
            self.path,
            before=self.before("nm"),
        )
        self.address = await self.nm.listening()
        return self.nm

    async def start_ss(self, name: str) -> Daemon:
        """Start a storage server, on the disk that it had, and wait until it is registered."""
        assert self.nm is not None, "the name server comes first"
        after = len(self.nm.events)
        server = Daemon(
            [
                *("dfs-ss", "--name", name, "--nm", self.address),
                *("--storage", str(self.path / name), "--secret", str(self.secret)),
                *self.ss_options,
            ],
            self.path,
            before=self.before(name),
        )
        self.servers[name] = server
        await self.registered(name, after)
        return server

    def registered(self, name: str, after: int = 0) -> Deferred[Any]:
        """
        Fires when the name server has accepted this storage server; fails if that ends before.

        @param after: how many events of the name server's log do not count.
        """
        nm, server = self.nm, self.servers[name]
        assert nm is not None

        def look() -> bool:
            return any(
                event["event"] == "ss_registered" and name in event.values()
                for event in nm.events[after:]
            )

        def died() -> None:
            if not accepted.called:
                accepted.errback(server.ended())

        accepted = nm.when(look)
        server.at_end(died)
        return accepted

    def client(self, *words: str, user: str = "alice") -> list[str]:
        """The command line of a client of this cluster."""
        return dfs("--nm", self.address, "--user", user, *words)

    async def dfs(self, *words: str, user: str = "alice", typed: str = "") -> Process:
        """Run one command of the client to its end; without words, the shell on C{typed}."""
        return await run(self.client(*words, user=user), self.path, typed=typed)

    def processes(self) -> list[Daemon]:
        """All servers, storage servers first."""
        return [*self.servers.values(), *([self.nm] if self.nm else [])]

    async def stop(self) -> None:
        """End all servers; those that do not end are killed, and that is an error."""
        stopping = [Deferred.fromCoroutine(process.stop()) for process in self.processes()]
        await gatherResults(stopping, consumeErrors=True)

    def report(self) -> str:
        """The logs, for a test that failed."""
        return "\n".join(f"==== {process}\n{process.text}" for process in self.processes())


def source_copy(target: Path) -> Path:
    """A copy of what is packaged, so that builds leave nothing in the checkout."""
    junk = shutil.ignore_patterns("__pycache__", "dropin.cache")
    for folder in ("dfs", "twisted", "tac"):
        shutil.copytree(ROOT / folder, target / folder, ignore=junk)
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.rst"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, target / name)
    return target
