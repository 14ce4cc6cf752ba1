"""
PUT_METADATA, DELETE_FILE, GET_FILE_CONTENT: what the name server asks for.

Decides that an order of the past is refused, that one of the future is obeyed only after its epoch
is durable, and that an order may be repeated.  Must not know why it was given.
"""

from __future__ import annotations

from functools import partial

from attrs import define

from dfs.core import history
from dfs.core.access import AccessList
from dfs.core.documents import Document, Metadata
from dfs.errors import Invalid, NotFound, Unauthorized
from dfs.ss.changes import Changes, Outcome
from dfs.ss.contents import send
from dfs.ss.membership import Membership
from dfs.ss.sessions import Sessions
from dfs.store.interfaces import IStore
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import DeleteFile, GetFileContent, PutMetadata, Stop


@define(eq=False)
class Orders:
    """Answers the name server."""

    _store: IStore
    _changes: Changes
    _membership: Membership
    _sessions: Sessions

    async def put_metadata(self, request: PutMetadata, exchange: Exchange) -> None:
        """Keep newer metadata of a document, or make an empty one."""
        await self._obey(exchange.peer, request.epoch)
        metadata = Metadata(request.path, _access(request), request.created, request.number)
        job = partial(self._describe, request.id, metadata, request.create)
        # The name server shows it already: nothing to wait for but the disk.
        await self._changes.change(request.id, job, wait=False)

    async def _describe(self, document_id: str, metadata: Metadata, create: bool) -> Outcome:
        document = self._store.document(document_id)
        if document is None and create:
            epoch = self._membership.epoch
            return await self._changes.commit(history.created(document_id, metadata, epoch))
        document = _alive(document)
        described = history.described(document, metadata)
        if described is document:
            return Outcome(document)
        return await self._changes.commit(described)

    async def delete_file(self, request: DeleteFile, exchange: Exchange) -> None:
        """Bury a document, unless somebody edits it."""
        await self._obey(exchange.peer, request.epoch)
        job = partial(self._bury, request.id, request.user)
        await self._changes.change(request.id, job, wait=False)

    async def _bury(self, document_id: str, user: str) -> Outcome:
        document = self._store.document(document_id)
        if document is None:
            raise NotFound("there is no such document here")
        if document.deleted:
            return Outcome(document)
        self._sessions.may_replace(document_id)
        return await self._changes.commit(history.buried(document, self._changes.stamp(user)))

    async def get_file_content(self, request: GetFileContent, exchange: Exchange) -> Stop:
        """Send one of the contents that a document refers to."""
        await self._obey(exchange.peer, request.epoch)
        document = _alive(self._store.document(request.id))
        for content in document.contents():
            if content.sha256.hex() == request.sha256:
                return await send(self._store.reader(content), content, exchange)
        raise NotFound("the document does not refer to that content any more")

    async def _obey(self, peer: Peer, epoch: int) -> None:
        if peer.role != "nm":
            raise Unauthorized("only the name server may ask this")
        waiting = self._membership.obey(epoch)
        if waiting is not None:
            await waiting


def _alive(document: Document | None) -> Document:
    if document is None or document.deleted:
        raise NotFound("there is no such document here")
    return document


def _access(request: PutMetadata) -> AccessList:
    grants = []
    for grant in request.grants:
        right, colon, user = grant.partition(":")
        if not colon or right not in ("r", "w"):
            raise Invalid(f"{grant!r} is no grant; it looks like r:alice")
        grants.append((user, right))
    return AccessList(request.owner, tuple(sorted(grants)))
