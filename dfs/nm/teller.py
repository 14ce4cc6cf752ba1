"""
What storage servers have to be told: metadata that changed, documents that were given up.

Decides when a storage server is told and that nothing of it is forgotten; what is owed to a server
that is away is told before it serves again.  Must not know who changes metadata, or why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from dfs.errors import Busy, DFSError, Internal, Moved, NotFound, Unavailable
from dfs.nm.entries import Entry
from dfs.nm.fleet import Fleet, Server, State
from dfs.nm.index import Index
from dfs.nm.journal import IJournal, LayGrave
from dfs.nm.kept import Grave
from dfs.wire.messages import DeleteFile, PutMetadata

#: Seconds that a storage server has to make a document, and to take metadata over.
MAKE_SECONDS, TELL_SECONDS = 10.0, 5.0

#: How many are told at once while a server catches up.
AT_ONCE = 64

#: How many documents are remembered whose metadata a server may have or not.
REMEMBERED = 10_000


@define(eq=False)
class Teller:
    """
    Tells storage servers.

    @ivar _live: called when a server knows what it must know.
    """

    _index: Index
    _fleet: Fleet
    _journal: IJournal
    _live: Callable[[Server], None]
    _doubted: dict[int, int] = field(factory=dict, init=False)
    _running: set[str] = field(factory=set, init=False)
    _log = Logger(namespace="dfs.nm")

    async def make(self, server: Server, entry: Entry) -> None:
        """
        Have a new document made.

        @raise DFSError: it was not; after L{dfs.nm.storage.NoAnswer} it may exist all the same.
        """
        number = entry.number
        await server.link.ask(self.metadata(entry, create=True), MAKE_SECONDS)
        self._learned(server, entry, number)

    async def tell(self, entry: Entry) -> bool:
        """
        Tell the active server what is new about a document.

        @return: whether it knows now; if not, it will be told later.
        """
        if entry.elsewhere:
            return True  # as soon as the active server has it, it is owed this
        number = entry.number
        server = self._fleet.servers.get(entry.place.pair.active)
        if server is None or not server.here:
            return False
        try:
            await server.link.ask(self.metadata(entry, create=not entry.told), TELL_SECONDS)
        except (Unavailable, Busy, Moved):
            return False  # it is away, full, or knows a newer epoch
        except DFSError as error:
            if isinstance(error, Internal) and self._doubts(entry, number):
                return False
            # It answered: the same words would be refused again and again.
            self._log.warn(
                "{server} refuses the metadata of {document}: {code} {reason}",
                log_event="metadata_refused",
                server=server.name,
                document=entry.key,
                code=error.code,
                reason=str(error),
            )
        self._learned(server, entry, number)
        return True

    def _doubts(self, entry: Entry, number: int) -> bool:
        """
        Whether a server may have metadata or not: its disk failed, or it has a defect.

        After a failed disk it will come again; what it answers so twice is a defect.
        """
        if self._doubted.pop(entry.id, None) == number:
            return False
        self._doubted[entry.id] = number
        if len(self._doubted) > REMEMBERED:
            del self._doubted[next(iter(self._doubted))]
        return True

    def _learned(self, server: Server, entry: Entry, number: int) -> None:
        home = entry.place.is_home(server.name)
        self._index.learn(entry, entry.held(home=home).version, number, home=home)

    def owes(self, server: Server) -> bool:
        """Whether a server lacks something that it must know."""
        if server.place.pair.active != server.name:
            return False
        return any(entry.live for entry in server.place.owed) or any(self._haunting(server))

    def catch_up(self, server: Server) -> None:
        """
        Tell a server what it is owed, then let it serve.

        Call it again if that failed, and when the last note of the server has come.
        """
        if not server.here or server.name in self._running:
            return
        if not self.owes(server):
            if server.state is not State.LIVE:
                server.state = State.LIVE
                self._live(server)
            return
        owed = [entry for entry in server.place.owed if entry.live]
        # Until its last note has come it may have something that a deletion did not see.
        ghosts = list(self._haunting(server)) if server.complete else []
        if owed or ghosts:
            self._running.add(server.name)
            telling = Deferred.fromCoroutine(self._catch_up(server, owed, ghosts))
            telling.addErrback(self._failed, server)

    def sweep(self) -> None:
        """Try again what failed."""
        for server in self._fleet.servers.values():
            self.catch_up(server)

    async def _catch_up(self, server: Server, owed: list[Entry], ghosts: list[Grave]) -> None:
        everything: list[Entry | Grave] = [*owed, *ghosts]
        waiting = iter(everything)
        try:
            tellers = [self._tell_some(server, waiting) for _ in range(AT_ONCE)]
            outcomes = await gatherResults([Deferred.fromCoroutine(one) for one in tellers])
        finally:
            self._running.discard(server.name)
        if all(outcomes):
            self._log.info(
                "{server} knows what is new about {documents} documents",
                log_event="metadata_pushed",
                server=server.name,
                documents=len(owed),
            )
            self.catch_up(server)

    async def _tell_some(self, server: Server, waiting: Iterator[Entry | Grave]) -> bool:
        """Take from what is owed until nothing is left, or something fails."""
        for one in waiting:
            if isinstance(one, Grave):
                told = await self.lay(server, one)
            else:
                told = not one.live or await self.tell(one)
            if not told:
                return False
        return True

    def _failed(self, failure: object, server: Server) -> None:
        self._log.error(
            "telling {server} failed: {reason}",
            log_event="internal_error",
            server=server.name,
            reason=str(failure),
        )

    # ------------------------------------------------------------------------------- ghosts

    async def lay(self, server: Server, grave: Grave) -> bool:
        """
        Have a document removed from a member that may still have it although it is gone.

        @return: whether it is gone there.
        """
        try:
            await self.remove(server, grave)
        except DFSError:
            return False
        return True

    async def remove(self, server: Server, grave: Grave) -> None:
        """
        Do what L{lay} does.

        @raise DFSError: why it is not done, or not in the journal.
        """
        request = DeleteFile(f"{grave.id:016x}", server.place.pair.epoch, "")
        with suppress(NotFound):
            await server.link.ask(request, TELL_SECONDS)
        place = server.place
        home = place.is_home(server.name)
        await self._journal.commit([LayGrave(grave.id, home)])
        # Unless a note that came meanwhile says that it is there all the same.
        if (grave.id, home) not in place.doubted:
            self._index.haunt(place.graves.get(grave.id, grave).laid(home=home))

    def _haunting(self, server: Server) -> Iterator[Grave]:
        place = server.place
        home = place.is_home(server.name)
        # What a deletion did not see has to be saved first, see L{dfs.nm.rescue}.
        return (
            one
            for one in place.graves.values()
            if one.may_be_at(home=home)
            and one.id not in place.missed
            and (one.id, home) not in place.doubted
        )

    def metadata(self, entry: Entry, *, create: bool = False) -> PutMetadata:
        """
        What a member is told about a document.

        @param create: make an empty one if there is none.
        """
        assert entry.parent is not None, "nobody is told of what stands nowhere"
        return PutMetadata(
            entry.key,
            entry.place.pair.epoch,
            f"{entry.parent.id:016x}",
            entry.name,
            entry.access.owner,
            entry.grants(),
            entry.created,
            entry.number,
            entry.named,
            create=create,
        )
