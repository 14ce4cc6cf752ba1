"""
A console: lines from somebody at telnet or nc, answers for them, one after the other.

Decides what reaches their terminal and how much may wait for them.  Must not know what any command
tells: a L{dfs.console.commands.Role} does.

Note [Slow readers].  What a command says is bounded, and the next one is read when that was taken.
What C{tail} shows is not bounded; so while nothing is taken it is left out and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IPushProducer, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.browsers import is_request
from dfs.columns import count
from dfs.console.commands import Asked, Command, NoSuchCommand, Role, explain, find, split
from dfs.console.keys import LINE, Key, Keys
from dfs.console.tail import Tail, Watcher
from dfs.errors import DFSError
from dfs.logs import printable

#: Consoles of one server that may be open at once.
CONSOLES = 16

#: Lines that may wait for the one before; more are not read before there is room.
AHEAD = 16

#: Characters of a line that are shown.
SHOWN = 2_000

_log = Logger(namespace="dfs.console")


@implementer(IPushProducer)
class Console(Protocol):
    """
    One console.

    @ivar who: where it comes from, for the log.
    """

    factory: Consoles

    def __init__(self, role: Role, tail: Tail) -> None:
        self._role = role
        self._tail = tail
        self._keys = Keys()
        self._lines: deque[str | Key] = deque()
        self._doing: Deferred[Any] | None = None
        self._working = False
        self._watcher: Watcher | None = None
        self._clogged = False
        self._left_out = 0
        self._deaf = False
        self._closing = False
        self._link: Any = None
        self.who = ""
        self._commands = (
            *role.commands(),
            Command("tail", "[WORD]", "Events as they happen; an empty line ends it.", self._watch),
            Command("help", "[COMMAND]", "What can be typed.", self._help),
            Command("quit", "", "End this console.", self._quit),
        )

    # ------------------------------------------------------------- what the transport calls

    def connectionMade(self) -> None:
        self._link = self.transport
        peer = self._link.getPeer()
        self.who = f"{peer.host}:{peer.port}" if hasattr(peer, "port") else "this machine"
        if ITCPTransport.providedBy(self._link):
            self._link.setTcpKeepAlive(True)
        self._link.registerProducer(self, True)
        if not self.factory.arrived(self):
            self._say([f"{CONSOLES} consoles are open already; end one of them first."])
            self.close()
            return
        _log.info("a console is open for {peer}", log_event="console_opened", peer=self.who)
        self._say([self._role.greeting])
        self._prompt()

    def dataReceived(self, data: bytes) -> None:
        for typed in self._keys.feed(data):
            if self._closing:
                return
            self._take(typed)
        replies = self._keys.replies()
        if replies:
            self._link.write(replies)
        self._advance()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._closing = True
        self._lines.clear()
        self._stop_tail()
        if self._doing is not None:
            self._doing.cancel()
        if self.factory.left(self):
            _log.info("a console of {peer} ended", log_event="console_closed", peer=self.who)

    def pauseProducing(self) -> None:
        """Nothing is taken; see Note [Slow readers]."""
        self._clogged = True
        self._throttle()

    def resumeProducing(self) -> None:
        """Everything was taken."""
        self._clogged = False
        left_out, self._left_out = self._left_out, 0
        if left_out:
            self._say([f"… {count(left_out, 'line was', 'lines were')} left out: too many to read"])
        self._advance()

    def stopProducing(self) -> None:
        """The transport is about to say connectionLost."""

    def close(self) -> None:
        """End after what was written."""
        self._closing = True
        self._lines.clear()
        self._stop_tail()
        self._link.unregisterProducer()
        self._link.loseConnection()

    # -------------------------------------------------------------------------------- lines

    def _take(self, typed: str | Key) -> None:
        """A line, or a key, that goes before all lines."""
        if typed is Key.INTERRUPT:
            self._lines.clear()
            if self._doing is not None:
                self._doing.cancel()
            elif self._watcher is not None:
                self._end_tail()
            else:
                self._say([""])
                self._prompt()
            return
        self._lines.append(typed)
        self._advance()

    def _advance(self) -> None:
        """Do what was typed, as far as that is possible now."""
        if self._working:
            return
        self._working = True
        try:
            while self._lines and self._doing is None and not self._clogged and not self._closing:
                self._begin(self._lines.popleft())
        finally:
            self._working = False
        self._throttle()

    def _throttle(self) -> None:
        """Read no more while enough waits, at either end."""
        full = self._clogged or len(self._lines) >= AHEAD
        if full is not self._deaf and not self._closing:
            self._deaf = full
            (self._link.pauseProducing if full else self._link.resumeProducing)()

    def _begin(self, typed: str | Key) -> None:
        if self._watcher is not None:
            self._end_tail(quiet=True)
            if typed in ("", "stop"):
                self._prompt()
                return
        if typed is Key.END:
            self._quit(None)
        elif typed is Key.TOO_LONG:
            self._over([f"a line has {LINE:,} bytes at most; nothing was done."])
        elif is_request(cast(str, typed)):
            self._say(["this is no web server."])
            self.close()
        else:
            self._command(cast(str, typed))

    def _command(self, line: str) -> None:
        doing: Deferred[Any] = Deferred.fromCoroutine(self._run(line))
        self._doing = doing
        doing.addCallbacks(self._over, self._failed)
        doing.addBoth(self._done)

    async def _run(self, line: str) -> list[str]:
        """What a command says."""
        words = split(line)
        if not words:
            return []
        answer = find(words[0], self._commands).does(Asked(words[1:], self.who))
        return list(await answer if isinstance(answer, Awaitable) else answer)

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            self._over(["interrupted; what was ordered may be done all the same."])
        elif failure.check(DFSError):
            self._over([_sentence(cast(DFSError, failure.value))])
        else:
            _log.failure("a command of a console failed", failure, log_event="internal_error")
            self._over(["that failed because of a defect; the log has it."])

    def _done(self, _: object) -> None:
        self._doing = None
        self._advance()

    def _over(self, lines: Iterable[str]) -> None:
        self._say(lines)
        if self._watcher is None:
            self._prompt()

    # ------------------------------------------------------------------------------- saying

    def _say(self, lines: Iterable[str]) -> None:
        if self._link is None or self._closing:
            return
        text = "".join(f"{_shown(line)}\r\n" for line in lines)
        self._link.write(text.encode("utf-8", "backslashreplace"))

    def _prompt(self) -> None:
        if not self._closing:
            self._link.write(f"{self._role.name}> ".encode())

    # ----------------------------------------------------------------- commands of any server

    def _help(self, asked: Asked) -> Iterable[str]:
        if not asked.words:
            return [*explain(self._commands), "The beginning of a name will do, in any case."]
        command = find(asked.text, self._commands)
        return [f"{command.name} {command.form}".rstrip(), command.meaning]

    def _quit(self, asked: Asked | None) -> Iterable[str]:
        self._say(["Goodbye."])
        self.close()
        return ()

    def _watch(self, asked: Asked) -> Iterable[str]:
        words: Sequence[str] = [asked.text, *self._role.also(asked.text)] if asked.text else ()
        about = f" about {asked.text}" if words else ""
        self._watcher = Watcher.of(words, self._happened)
        self._tail.watch(self._watcher)
        return [f"Events{about} from now on; an empty line ends it."]

    def _happened(self, line: str) -> None:
        """See Note [Slow readers]."""
        if self._clogged:
            self._left_out += 1
        else:
            self._say([line])

    def _end_tail(self, *, quiet: bool = False) -> None:
        self._stop_tail()
        if not quiet:
            self._say([""])
            self._prompt()

    def _stop_tail(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            self._tail.leave(watcher)


class Consoles(Factory):
    """
    All consoles of one server.

    @ivar tail: shared by all of them.
    """

    noisy = False

    def __init__(self, role: Role, later: Callable[..., object]) -> None:
        """
        @param later: calls a function in the reactor's thread; from any thread.
        """
        self._role = role
        self._open: set[Console] = set()
        self.tail = Tail(globalLogPublisher, later)

    def buildProtocol(self, addr: IAddress | None) -> Console:  # type: ignore[override]
        console = Console(self._role, self.tail)
        console.factory = self
        return console

    def doStop(self) -> None:
        super().doStop()
        if not self.numPorts:
            for console in list(self._open):
                console.close()

    def arrived(self, console: Console) -> bool:
        """Somebody has come; whether they may stay."""
        if len(self._open) >= CONSOLES:
            return False
        self._open.add(console)
        return True

    def left(self, console: Console) -> bool:
        """Somebody has gone; whether they had stayed."""
        was = console in self._open
        self._open.discard(console)
        return was


def _shown(line: str) -> str:
    """A line as any terminal may show it."""
    text = printable(line)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _sentence(error: DFSError) -> str:
    """Why something was not done."""
    if isinstance(error, NoSuchCommand):
        return str(error)
    return f"ERROR [{error.code}]: {error}"
