"""
REQUESTACCESS, VIEWREQUESTS, APPROVE, DENY: people ask to be let in, and owners decide.

Decides the order of steps of each: check, journal, show, answer.  Who may ask L{dfs.core.requests}
knows, and how a right is granted L{dfs.nm.changes}; must not know how requests travel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from dfs.core.access import Right
from dfs.core.paths import normalize
from dfs.core.requests import AccessRequest, may_ask, room
from dfs.errors import NotFound, Unauthorized
from dfs.nm.changes import Changes, user_of
from dfs.nm.entries import Entry
from dfs.nm.index import Index
from dfs.nm.journal import DropRequest, IJournal, PutRequest
from dfs.nm.questions import write_list
from dfs.nm.requests import Requests
from dfs.nm.turns import Turns
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    Approve,
    Count,
    Decided,
    Deny,
    Request,
    RequestAccess,
    Requested,
    RequestLine,
    ViewRequests,
)
from dfs.wire.reception import Handler


@define(eq=False)
class Inbox:
    """
    Answers those who ask, and those who are asked.

    @ivar _turns: of documents, by their names.
    @ivar _wall: seconds since the epoch.
    @ivar _asking: the turns of users: what one of them asks for is counted one by one.
    """

    _index: Index
    _journal: IJournal
    _requests: Requests
    _changes: Changes
    _turns: Turns
    _clock: IReactorTime
    _wall: Callable[[], float]
    _asking: Turns = field(factory=Turns, init=False)

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {
            RequestAccess: self.ask,
            ViewRequests: self.view,
            Approve: self.approve,
            Deny: self.deny,
        }

    async def ask(self, request: RequestAccess, exchange: Exchange) -> Requested:
        """Let somebody ask; asking the same again changes nothing."""
        user = user_of(exchange)
        right = Right.parse(request.right)
        folder, name = self._index.names.holder(normalize(request.path))
        async with self._asking.at(user), self._turns.at(name, folder.id):
            entry = self._index.document_in(folder, name)
            may_ask(entry.access, entry.path, user, right)
            pending = self._requests.pending(entry.id, user)
            if pending is not None and pending.right is right:
                return Requested(pending.id)
            if pending is None:
                of_user = len(self._requests.of_user(user))
                room(entry.path, self._requests.on_document(entry.id), of_user)
            number = self._requests.number()
            new = AccessRequest(number, entry.id, user, right, self._wall())
            await self._journal.commit([PutRequest(new)])
            if entry.id in self._index:  # else it was deleted meanwhile, and this with it
                self._requests.add(new)
            return Requested(number)

    async def view(self, request: ViewRequests, exchange: Exchange) -> Count:
        """List what an owner has to decide, or what somebody waits for."""
        user = user_of(exchange)
        if request.mine:
            return await write_list(self._clock, self._requests.of_user(user), self._line, exchange)

        def line(asked: AccessRequest) -> RequestLine | None:
            shown = self._line(asked)
            return shown if shown is not None and shown.owner == user else None

        return await write_list(self._clock, self._requests.everything(), line, exchange)

    def _line(self, asked: AccessRequest) -> RequestLine | None:
        entry = self._index.by_id(asked.document)
        if entry is None or not entry.live or self._requests.find(asked.id) is None:
            return None  # decided, or gone, while others were written
        owner = entry.access.owner
        return RequestLine(asked.id, entry.path, asked.user, asked.right.value, asked.when, owner)

    async def approve(self, request: Approve, exchange: Exchange) -> Decided:
        """Grant what is asked for, as ADDACCESS does; that is the end of the request."""

        async def grant(asked: AccessRequest, entry: Entry) -> None:
            access = entry.access
            if not asked.answered_by(access):  # a greater right would become less
                access = access.granted(asked.user, asked.right)
            await self._changes.replace_access(entry, access)

        return await self._decide(request.id, exchange, grant)

    async def deny(self, request: Deny, exchange: Exchange) -> Decided:
        """Remove a request."""

        async def drop(asked: AccessRequest, entry: Entry) -> None:
            await self._journal.commit([DropRequest(asked.id)])
            self._requests.remove(asked)

        return await self._decide(request.id, exchange, drop)

    async def _decide(
        self,
        number: int,
        exchange: Exchange,
        decide: Callable[[AccessRequest, Entry], Awaitable[None]],
    ) -> Decided:
        """Do something about a request when it is its document's turn, wherever that stands."""
        user = user_of(exchange)
        while True:
            _, entry = self._asked(number, user)
            folder, name = entry.parent, entry.name
            assert folder is not None, "what people see stands somewhere"
            async with self._turns.at(name, folder.id):
                asked, entry = self._asked(number, user)
                if entry.parent is folder and entry.name == name:
                    await decide(asked, entry)
                    return Decided(entry.path, asked.user, asked.right.value)

    def _asked(self, number: int, user: str) -> tuple[AccessRequest, Entry]:
        """
        A request, for somebody who wants to decide it.

        @raise NotFound: there is none.
        @raise Unauthorized: it is not theirs to decide.
        """
        asked = self._requests.find(number)
        entry = None if asked is None else self._index.by_id(asked.document)
        if asked is None or entry is None or not entry.live:
            raise NotFound(
                f"no request {number} waits: it was decided, replaced, or never made; VIEWREQUESTS "
                "lists those that do"
            )
        if user != entry.access.owner:
            raise Unauthorized(f"only the owner of the document may decide about request {number}")
        return asked, entry
