"""
PUT_METADATA, PUT_FOLDERS, DELETE_FILE, PROMOTE, DRAIN: what the name server orders.

Decides that an order of the past is refused, that one of the future is obeyed only after its epoch
is durable, and that an order may be repeated.  An order needs no lease: the name server gives
orders to both members of a pair.  Must not know why one was given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define

from dfs.core import history
from dfs.core.access import AccessList
from dfs.core.documents import Document, Metadata
from dfs.core.folders import FolderRecord
from dfs.errors import Invalid, NotFound, Unauthorized
from dfs.ss.changes import Changes, Outcome
from dfs.ss.membership import Membership
from dfs.ss.sessions import Sessions
from dfs.store.interfaces import IStore
from dfs.wire import branches
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import DeleteFile, Drain, Drained, Promote, PutFolders, PutMetadata

#: The longest that finishing may be asked to take.
MOST_SECONDS = 3600.0


@define(eq=False)
class Orders:
    """
    Answers the name server.

    @ivar _beat: sends a heartbeat now.
    """

    _store: IStore
    _changes: Changes
    _membership: Membership
    _sessions: Sessions
    _beat: Callable[[], None]

    async def put_metadata(self, request: PutMetadata, exchange: Exchange) -> None:
        """Keep newer metadata of a document, or make an empty one."""
        await obey(self._membership, exchange.peer, request.epoch)
        metadata = _metadata(request)
        await self._changes.order(request.id, partial(self._describe, request, metadata))

    async def _describe(self, request: PutMetadata, metadata: Metadata) -> Outcome:
        document = self._store.document(request.id)
        if document is None and request.create:
            new = history.created(request.id, metadata)
            return await self._changes.obey(new, request.epoch)
        document = alive(document)
        described = history.described(document, metadata)
        if described is document:
            return Outcome(document)
        return await self._changes.obey(described, request.epoch)

    async def put_folders(self, request: PutFolders, exchange: Exchange) -> None:
        """Keep what is new about folders."""
        await obey(self._membership, exchange.peer, request.epoch)
        if exchange.body is None:
            raise Invalid(f"folders are told in at most {branches.MOST_BYTES} bytes")
        new = [
            FolderRecord(one.id, one.parent, one.name, one.owner, one.created, one.number, one.gone)
            for one in branches.read(exchange.body)
        ]
        await self._store.put_folders(new, request.number)

    async def delete_file(self, request: DeleteFile, exchange: Exchange) -> None:
        """Bury a document, unless somebody edits it."""
        await obey(self._membership, exchange.peer, request.epoch)
        await self._changes.order(request.id, partial(self._bury, request))

    async def _bury(self, request: DeleteFile) -> Outcome:
        document = self._store.document(request.id)
        if document is None:
            raise NotFound("there is no such document here")
        if document.deleted:
            return Outcome(document)
        self._sessions.may_replace(request.id)
        # The epoch of the stamp is that of the order, or the order is refused.
        buried = history.buried(document, self._changes.stamp(request.user))
        return await self._changes.obey(buried, request.epoch)

    async def promote(self, request: Promote, exchange: Exchange) -> None:
        """Ask at once who serves; the answer to a heartbeat decides."""
        await obey(self._membership, exchange.peer, request.epoch)
        self._beat()

    async def drain(self, request: Drain, exchange: Exchange) -> Drained:
        """Finish what is being changed."""
        await obey(self._membership, exchange.peer, request.epoch)
        if not 0 <= request.seconds <= MOST_SECONDS:
            raise Invalid(f"DRAIN takes 0 to {MOST_SECONDS:g} seconds")
        return Drained(await self._changes.serving.draining.drain(request.seconds))


async def obey(membership: Membership, peer: Peer, epoch: int) -> None:
    """
    Take an order's epoch.

    @raise Moved: it is an order of the past.
    @raise Unauthorized: whoever gives it is not the name server.
    """
    if peer.role != "nm":
        raise Unauthorized("only the name server may ask this")
    waiting = membership.obey(epoch)
    if waiting is not None:
        await waiting


def alive(document: Document | None) -> Document:
    """
    @raise NotFound: it never was here, or is deleted.
    """
    if document is None or document.deleted:
        raise NotFound("there is no such document here")
    return document


def _metadata(request: PutMetadata) -> Metadata:
    """
    What the name server decided.

    @raise Invalid: it makes no sense.
    """
    try:
        folder = int(request.folder, 16)
    except ValueError:
        raise Invalid(f"{request.folder!r} is no folder; it looks like 00000000000000a1") from None
    access = _access(request)
    return Metadata(folder, request.name, access, request.created, request.number, request.named)


def _access(request: PutMetadata) -> AccessList:
    grants = []
    for grant in request.grants:
        right, colon, user = grant.partition(":")
        if not colon or right not in ("r", "w"):
            raise Invalid(f"{grant!r} is no grant; it looks like r:alice")
        grants.append((user, right))
    return AccessList(request.owner, tuple(sorted(grants)))
