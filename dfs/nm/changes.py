"""
What people change at the name server: documents come and go, and who may see them.

Decides the order of steps of each change: check, journal, tell the storage server, show, answer.
Must not know how requests travel or what a document holds.

Note [Order].  Changes of one name follow each other (L{dfs.nm.turns}).  Nothing is shown before it
is in the journal, and what failed half way is taken back in the journal too before its name is free
again.  What a storage server could not be told is owed to it (L{dfs.nm.teller}).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from dfs.core import names
from dfs.core.access import AccessList, Right
from dfs.core.namespace import Folder
from dfs.core.paths import normalize
from dfs.errors import Busy, DFSError, Internal, NotFound, Unauthenticated, Unavailable
from dfs.nm.burials import Burials
from dfs.nm.entries import Entry, demand
from dfs.nm.fleet import Fleet, Server, State
from dfs.nm.folders import Folders
from dfs.nm.index import Index
from dfs.nm.journal import DropRequest, IJournal, PutDocument
from dfs.nm.kept import Noted, Stored
from dfs.nm.people import People
from dfs.nm.requests import Requests
from dfs.nm.storage import NoAnswer
from dfs.nm.teller import Teller
from dfs.nm.turns import Turns
from dfs.wire.exchange import Exchange
from dfs.wire.messages import AddAccess, Create, Created, Delete, DeleteFile, RemAccess, Request
from dfs.wire.reception import Handler

#: Seconds that a storage server has to delete a document.
DELETE_SECONDS = 10.0

#: Seconds between two looks at whether a storage server knows of a right that was taken away.
FENCE_PAUSE = 0.1


def user_of(exchange: Exchange) -> str:
    """
    The person who asks.

    @raise Unauthenticated: it is a server.
    """
    user = exchange.peer.user
    if not user:
        raise Unauthenticated("only a person may ask this; say who you are first, with LOGIN")
    return user


def _begun(entry: Entry, error: DFSError) -> Internal:
    """
    What to answer when a document may be gone: nobody may take it for "nothing was done".
    """
    return Internal(
        f"{error}; whether {entry.path!r} was deleted is not known: look with INFO before you "
        "try again"
    )


@define(eq=False)
class Changes:
    """
    CREATE, DELETE, ADDACCESS, REMACCESS.

    @ivar _lease: seconds that a storage server serves after the last word of this name server.
    @ivar _wall: seconds since the epoch.
    @ivar _entropy: so many random bytes.
    """

    _index: Index
    _journal: IJournal
    _fleet: Fleet
    _teller: Teller
    _burials: Burials
    _folders: Folders
    _people: People
    _requests: Requests
    _turns: Turns
    _clock: IReactorTime
    _lease: float
    _wall: Callable[[], float]
    _entropy: Callable[[int], bytes]

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {
            Create: self.create,
            Delete: self.delete,
            AddAccess: self.add_access,
            RemAccess: self.remove_access,
        }

    async def create(self, request: Create, exchange: Exchange) -> Created:
        """Make a new, empty document."""
        user = user_of(exchange)
        path = normalize(request.path)
        return Created((await self.make(path, user, self._choose)).key)

    async def make(self, path: str, owner: str, choose: Callable[[], Server]) -> Entry:
        """
        Make a new, empty document.

        @param choose: says which server has to make it.
        @raise Exists: the name is taken.
        @raise Unavailable: it could not be made.
        """
        with self._folders.claim(path, owner) as (folder, name):
            async with self._turns.at(name, folder.id):
                self._index.names.refuse_taken(folder, name)
                server = choose()
                new = self._document(folder, name, owner, server.place.pair.name)
                entry = self._index.add(new)
                try:
                    await self._folders.keep(folder, PutDocument(new))
                except (Busy, Unavailable):
                    # The journal certainly does not have it: the name is free again.
                    self._index.remove(entry)
                    raise
                except Exception:
                    # Whether it is in the journal is not known: it may not come back.
                    await self._burials.bury(entry)
                    raise
                try:
                    await self._teller.make(server, entry)
                except DFSError as error:
                    server.place.refused = self._clock.seconds()
                    await self._take_back(entry, server.name, error)
                entry.live = True
                return entry

    def _choose(self) -> Server:
        return self._fleet.choose(self._clock.seconds())

    def _document(self, folder: Folder, name: str, user: str, pair: str) -> Stored:
        """A new document with an id that no other one has."""
        document_id = 0
        # 63 bits: the largest positive integer of a database.
        while document_id == 0 or document_id in self._index:
            document_id = int.from_bytes(self._entropy(8), "big") >> 1
        now = self._wall()
        noted = Noted.new(self._index.places[pair].pair, now, user)
        return Stored(*(document_id, folder.id, name, pair), AccessList(user), now, 1, 1, noted)

    async def _take_back(self, entry: Entry, server: str, error: DFSError) -> None:
        """
        A document could not be made.

        @raise Unavailable: always.
        """
        path = entry.path
        # It may exist there all the same: a disk that failed may have kept it.
        doubtful = isinstance(error, NoAnswer | Internal)
        await self._burials.bury(entry, left_at=server if doubtful else "")
        raise Unavailable(f"{server} could not make {path!r}: {error}") from error

    async def delete(self, request: Delete, exchange: Exchange) -> None:
        """Delete a document."""
        user = user_of(exchange)
        await self.delete_in(*self._index.names.holder(normalize(request.path)), user)

    async def delete_in(self, folder: Folder, name: str, user: str) -> None:
        """
        Delete the document with a name in a folder.

        @raise NotFound: there is none.
        """
        async with self._turns.at(name, folder.id):
            entry = self._index.document_in(folder, name)
            demand(entry, user, Right.OWN)
            server = self._fleet.active(entry)
            deletion = DeleteFile(entry.key, entry.place.pair.epoch, user)
            try:
                # Not found: it never had it, or buried it when nobody could be told.
                with contextlib.suppress(NotFound):
                    await server.link.ask(deletion, DELETE_SECONDS)
            except NoAnswer as error:
                raise _begun(entry, error) from error
            try:
                # If another member serves by now, that was not asked.
                active = entry.place.pair.active
                await self._burials.bury(entry, left_at=active if active != server.name else "")
            except DFSError as error:
                raise _begun(entry, error) from error

    async def add_access(self, request: AddAccess, exchange: Exchange) -> None:
        """
        Let somebody in.

        Answered as REMACCESS is, if somebody who might write may only read from now on.
        """
        right = Right.parse(request.right)
        lowered = False

        def granted(access: AccessList, user: str) -> AccessList:
            nonlocal lowered
            # Also when it is asked again: the server may not have been told since.
            lowered = right is Right.READ and access.allows(user, Right.READ)
            return access.granted(user, right)

        entry = await self._change_access(request.path, request.user, exchange, granted)
        if entry is not None and lowered:
            await self._fence(entry)

    async def remove_access(self, request: RemAccess, exchange: Exchange) -> None:
        """
        Let somebody in no longer.

        Answered when the storage server knows, or may not serve any more before it does.
        """
        entry = await self._change_access(request.path, request.user, exchange, AccessList.revoked)
        if entry is not None:
            await self._fence(entry)

    async def _fence(self, entry: Entry) -> None:
        """
        Wait until the storage server does not let somebody in with an old ticket.

        A server that cannot be told gets no new lease before it is told, and the old one ends.
        """
        server = self._fleet.servers.get(entry.place.pair.active)
        if server is None or server.state is State.FAILED:
            return
        self._fleet.withhold(server)
        end = self._clock.seconds() + self._lease
        while entry in entry.place.owed and self._clock.seconds() < end:
            await deferLater(self._clock, FENCE_PAUSE)

    async def _change_access(
        self,
        path: str,
        name: str,
        exchange: Exchange,
        change: Callable[[AccessList, str], AccessList],
    ) -> Entry | None:
        """
        Replace the access list of a document.

        @return: the document, if its storage server could not be told yet.
        """
        owner = user_of(exchange)
        user = names.user(name)
        folder, place = self._index.names.holder(normalize(path))
        async with self._turns.at(place, folder.id):
            entry = self._index.document_in(folder, place)
            demand(entry, owner, Right.OWN)
            if user not in self._people:
                raise NotFound(f"there is no user {user!r}: nobody of that name ever logged in")
            access = change(entry.access, user)
            if access == entry.access:
                return entry if entry in entry.place.owed else None
            return None if await self.replace_access(entry, access) else entry

    async def replace_access(self, entry: Entry, access: AccessList) -> bool:
        """
        Replace the access list of a document; whoever calls this has the turn at its name.

        Requests that it answers are decided by that, in the same commit.

        @return: whether its storage server knows already.
        """
        number = entry.number + 1
        answered = self._requests.answered_by(entry.id, access)
        await self._journal.commit(
            [
                PutDocument(entry.with_access(access, number)),
                *(DropRequest(one.id) for one in answered),
            ]
        )
        self._index.describe(entry, access, number)
        for one in answered:
            self._requests.remove(one)
        return await self._teller.tell(entry)
