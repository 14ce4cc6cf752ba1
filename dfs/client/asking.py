"""
One question, asked until it is answered.

Decides which server is asked, what is asked again, and when a location is forgotten.  Must not
know what a question means; L{dfs.client.session} does.

Note [Are you there].  A change that was sent to a server which does not answer is in doubt, and
nobody may repeat it.  So a server that was not heard for a second is asked something harmless
first: if it is frozen, the change was not sent, and goes to whoever takes its place.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from dfs.client.failures import NoNameServer, Unanswered, Unreachable
from dfs.client.links import Links
from dfs.client.locations import Locations
from dfs.client.notices import NAME_SERVER, NOTICE_SECONDS, Notice, Tell, awaited
from dfs.client.retries import Attempts
from dfs.errors import DFSError, Moved, NotFound, Unauthenticated, Unauthorized, Unavailable
from dfs.wire.client import Connection
from dfs.wire.messages import Locate, Located, Record, Request, WhoAmI

A = TypeVar("A", bound=Record)
T = TypeVar("T")

#: Something that takes a while.
Doing = Coroutine[Deferred[Any], Any, T]

#: Seconds that an answer may take which can be asked for again, and one which cannot.
READ_SECONDS = 10.0
CHANGE_SECONDS = 30.0

#: Seconds after which a server has to be heard again before a change is sent to it.
QUIET_SECONDS = 1.0

# What a stale location may be answered with although the document is there and allowed.
_MAYBE_STALE = (NotFound, Unauthorized, Unauthenticated)


@frozen
class Waiting:
    """
    How long a session waits for servers that are away.

    @ivar patience: seconds that a request is tried again, counted from its first failure: a server
        that is frozen takes its time before that.
    @ivar reach: seconds for the first contact with a name server; people mistype addresses.
    """

    patience: float = 30.0
    reach: float = 2.0


class Asker:
    """
    Asks name servers, and whichever server holds a document.

    @ivar tell: who is told what is waited for, if anybody.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        links: Links,
        random: Callable[[], float],
        waiting: Waiting,
    ) -> None:
        self.clock = clock
        self.links = links
        self.locations = Locations()
        self.tell: Tell | None = None
        self._heard: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._wall = wall
        self._random = random
        self._waiting = waiting
        self._met = False

    async def name_server(self, request: Request[A], *, repeatable: bool = True) -> A:
        """
        Ask a name server.

        @param repeatable: it does no harm to ask twice.
        @raise Unanswered: it is not repeatable and may have been done.
        """

        async def once(notice: Notice) -> A:
            connection = await self._reach(notice)
            return await self.ask(connection, request, repeatable=repeatable)

        return await self._until_done(once, repeatable)

    async def name_server_list(self, request: Request[Any]) -> list[Any]:
        """All entries of a list that a name server has."""

        async def once(notice: Notice) -> list[Any]:
            return await self.list_from(await self._reach(notice), request)

        return await self._until_done(once, True)

    async def name_server_deeds(self, request: Request[Any], each: Callable[[Any], None]) -> None:
        """
        Have a name server do many things, each of which it tells with an entry of a list.

        @raise Unanswered: it was begun, and how far it came is not known.
        """

        async def once(notice: Notice) -> None:
            connection = await self._reach(notice)
            await self._find_alive(connection)
            async for item in self._items(connection, request, CHANGE_SECONDS):
                notice.end()
                each(item)

        await self._until_done(once, False)

    async def name_server_alone(self, use: Callable[[Connection], Doing[T]]) -> T:
        """
        Do something with a name server on a connection that nobody else uses.

        @param use: ends the connection when it is done with it, some time after it returns.
        """

        async def once(notice: Notice) -> T:
            if self._met:
                notice.text = NAME_SERVER
            connection = await self.links.borrow_name_server()
            self._met = True
            notice.end()
            try:
                return await use(connection)
            except BaseException:
                self.links.drop(connection)
                raise

        return await self._until_done(once, False)

    async def list_from(self, connection: Connection, request: Request[Any]) -> list[Any]:
        """All entries of a list, from one server, asked once."""
        return [item async for item in self._items(connection, request, READ_SECONDS)]

    async def _items(
        self, connection: Connection, request: Request[Any], seconds: float
    ) -> AsyncIterator[Any]:
        """
        The entries of a list, as they come.

        @param seconds: from one to the next.
        """
        items = connection.ask_items(request, None)
        try:
            while batch := await self.bounded(items.read(), seconds):
                self.heard(connection)
                for item in batch:
                    yield item
        except Unavailable as error:
            raise judged(error, connection) from None
        finally:
            items.close()

    async def document(
        self,
        path: str,
        right: str,
        use: Callable[[Located], Doing[T]],
        *,
        repeatable: bool,
        patience: float | None = None,
        bulk: bool = False,
    ) -> T:
        """
        Do something where a document is.

        @param path: normalized.
        @param right: C{r} or C{w}.
        @param use: does it once; raises L{Unanswered} if it may have been done.
        @param patience: seconds, if not the session's own.
        @param bulk: it may take its time although the server answers.
        """

        async def once(notice: Notice) -> T:
            located = self.locations.find(path, right, self.clock.seconds())
            if located is not None:
                notice.text = awaited(located)
                try:
                    return await self._at(path, located, use)
                except _MAYBE_STALE:
                    self.locations.forget(path)
            located = await self._locate(path, right, notice)
            notice.text = awaited(located)
            return await self._at(path, located, use)

        return await self._until_done(once, repeatable, patience, bulk)

    def at_server(
        self, request: Callable[[Located], Request[A]], body: bytes | None, repeatable: bool
    ) -> Callable[[Located], Doing[A]]:
        """A C{use} for L{document}: one request on the connection that all share."""

        async def use(located: Located) -> A:
            connection = await self.links.storage(located.address)
            return await self.ask(connection, request(located), body, repeatable=repeatable)

        return use

    async def ask(
        self,
        connection: Connection,
        request: Request[A],
        body: bytes | None = None,
        *,
        repeatable: bool,
        seconds: float | None = None,
    ) -> A:
        """
        Ask once.

        @param seconds: that the answer may take, if not as long as others of its kind.
        @raise Unanswered: it was sent, and then the connection or the patience ended.
        """
        if not repeatable:
            await self._find_alive(connection)
        if connection.lost:
            raise Unreachable("the connection was lost")
        longest = seconds or (READ_SECONDS if repeatable else CHANGE_SECONDS)
        try:
            answer = await self.bounded(connection.ask(request, body, None), longest)
            self.heard(connection)
            return answer
        except Unanswered:
            # It may be frozen; the next question goes to a new connection.
            connection.close(abort=True)
            raise
        except Unavailable as error:
            raise judged(error, connection) from None

    def heard(self, connection: Connection) -> None:
        """Whoever is at the other end has said something."""
        self._heard[connection] = self.clock.seconds()

    async def _find_alive(self, connection: Connection) -> None:
        """
        See Note [Are you there].

        @raise Unreachable: there is no answer; nothing was sent that could change anything.
        """
        now = self.clock.seconds()
        # One that is not known here was made, and greeted, a moment ago.
        if now - self._heard.setdefault(connection, now) < QUIET_SECONDS:
            return
        try:
            await self.ask(connection, WhoAmI(), repeatable=True)
        except Unanswered:
            raise Unreachable("it does not answer") from None
        except DFSError:
            # Whatever it says, it is there.
            self.heard(connection)

    async def bounded(self, waiting: Deferred[T], seconds: float) -> T:
        """
        Wait, but not for ever.

        @raise Unanswered: the time is over.
        """
        if not waiting.called:
            waiting.addTimeout(seconds, self.clock)
        try:
            return await waiting
        except TimedOut:
            raise Unanswered(f"no answer within {seconds:g} s") from None

    def pause(self, seconds: float) -> Deferred[None]:
        """Wait."""
        return deferLater(self.clock, seconds)

    def attempts(self, repeatable: bool, patience: float | None = None) -> Attempts:
        """The rules for a request that begins now."""
        seconds = self._waiting.patience if patience is None else patience
        return Attempts(self.clock.seconds(), seconds, repeatable, self._random)

    @contextlib.contextmanager
    def noticing(self, text: str = "", seconds: float = NOTICE_SECONDS) -> Iterator[Notice]:
        """Let it be told what is waited for, if that takes longer than so many seconds."""
        notice = Notice(self.pause, self.tell)
        notice.text = text
        notice.begin(seconds)
        try:
            yield notice
        finally:
            notice.end()

    async def _until_done(
        self,
        once: Callable[[Notice], Doing[T]],
        repeatable: bool,
        patience: float | None = None,
        bulk: bool = False,
    ) -> T:
        attempts: Attempts | None = None
        began = self.clock.seconds()
        with self.noticing() as notice:
            if bulk:
                notice.end()
            while True:
                try:
                    return await once(notice)
                except DFSError as error:
                    attempts = attempts or self.attempts(repeatable, patience)
                    now = self.clock.seconds()
                    pause = attempts.pause(error, now)
                    if pause is None or self._hopeless(error, now + pause - began):
                        raise
                    notice.failed(error, now)
                if pause:
                    await self.pause(pause)

    def _hopeless(self, error: DFSError, waited: float) -> bool:
        """A name server that was never reached is more likely misspelt than restarting."""
        return isinstance(error, NoNameServer) and not self._met and waited > self._waiting.reach

    async def _reach(self, notice: Notice) -> Connection:
        if self._met:
            # Before, it may be misspelt: that is an error soon, and nothing to wait for.
            notice.text = NAME_SERVER
        connection = await self.links.name_server()
        self._met = True
        return connection

    async def _locate(self, path: str, right: str, notice: Notice) -> Located:
        connection = await self._reach(notice)
        try:
            located = await self.ask(connection, Locate(path, right), repeatable=True)
        except Unanswered as error:
            # Whatever comes after it was not sent: this is as good as no name server.
            raise Unreachable(str(error)) from None
        if not located.behind:
            # That one is behind may be over the next time.
            self.locations.remember(path, right, located, self._wall(), self.clock.seconds())
        return located

    async def _at(self, path: str, located: Located, use: Callable[[Located], Doing[T]]) -> T:
        try:
            return await use(located)
        except DFSError as error:
            if isinstance(error, Unavailable | Moved):
                self.locations.forget(path)
            if isinstance(error, Unreachable):
                raise Unreachable(
                    f"{path!r} is on {located.server}, which cannot be reached; "
                    f"try again later ({error})"
                ) from None
            raise


def judged(error: Unavailable, connection: Connection) -> Unavailable:
    """Whether a server said that it cannot, or went away without a word."""
    return Unanswered(str(error)) if connection.lost else error
