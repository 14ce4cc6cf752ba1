"""
CREATEFOLDER, MOVE, DELETEFOLDER: where things stand.

Decides who may arrange what, and the order of steps: check, reserve, journal, show, tell.  Moving
is one decision, however much is moved.  Must not know how requests travel.

Note [Who arranges].  Anybody may put documents and folders into any folder, as at the root.  A
document is moved by its owner; a folder, with all that is in it, by the owner of the folder.

Note [One folder at a time].  Where a folder stands is changed by one request at a time, so that no
two of them put folders into each other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from dfs.core import paths
from dfs.core.access import Right
from dfs.core.namespace import Folder, Namespace
from dfs.errors import Busy, Conflict, DFSError, Exists, Invalid, NotFound, Unauthorized
from dfs.nm.changes import Changes, user_of
from dfs.nm.entries import Entry, demand
from dfs.nm.folders import Folders
from dfs.nm.index import Index
from dfs.nm.journal import PutDocument
from dfs.nm.teller import Teller
from dfs.nm.turns import Turns
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    Count,
    Created,
    CreateFolder,
    DeleteFolder,
    Move,
    Placed,
    Removed,
    Request,
)
from dfs.wire.reception import Handler

#: Documents of a folder that are deleted at once.
AT_ONCE = 16

#: Things that are looked at between two moments for others.
SLICE = 500


@define(eq=False)
class Arrangement:
    """Answers those who arrange."""

    _index: Index
    _folders: Folders
    _teller: Teller
    _changes: Changes
    _turns: Turns
    _clock: IReactorTime
    _structure: Turns = field(factory=Turns, init=False)

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {
            CreateFolder: self.create_folder,
            Move: self.move,
            DeleteFolder: self.delete_folder,
        }

    @property
    def _names(self) -> Namespace[Entry]:
        return self._index.names

    async def create_folder(self, request: CreateFolder, exchange: Exchange) -> Created:
        """Make a new, empty folder."""
        user = user_of(exchange)
        path = paths.folder(request.path)
        if not path:
            raise Exists("the root is there already")
        with self._folders.claim(path, user) as (above, name):
            async with self._turns.at(name, above.id):
                there = above.children.get(name)
                if request.existing and isinstance(there, Folder) and there.kept:
                    return Created(f"{there.id:016x}")
                self._names.refuse_taken(above, name)
                self._folders.room(user)
                new = self._folders.new(name, above, user)
                self._names.add_folder(new)
                try:
                    await self._folders.keep(new)
                finally:
                    self._names.prune(new)
                return Created(f"{new.id:016x}")

    # -------------------------------------------------------------------------------- MOVE

    async def move(self, request: Move, exchange: Exchange) -> Placed:
        """Let a document or a folder stand elsewhere."""
        user = user_of(exchange)
        source = paths.folder(request.path)
        if not source:
            raise Invalid("the root stays where it is")
        folder, name = self._names.holder(source)
        target = self._target(request.target, name)
        with self._folders.claim(target, user) as (above, new):
            if isinstance(folder.children.get(name), Folder):
                async with self._structure.at("folders"), self._both((folder, name), (above, new)):
                    return await self._move_folder(folder, name, above, new, user)
            async with self._both((folder, name), (above, new)):
                return await self._move_document(folder, name, above, new, user)

    def _target(self, text: str, name: str) -> str:
        """
        The path that something will have.

        @param text: a folder, or the new path itself.
        """
        into = paths.folder(text)
        if text.endswith("/") or not into or isinstance(self._names.find(into), Folder):
            return paths.normalize(f"{into}/{name}" if into else name)
        return into

    @asynccontextmanager
    async def _both(
        self, one: tuple[Folder, str], other: tuple[Folder, str]
    ) -> AsyncIterator[None]:
        """The turns at two names, in one order whoever wants them."""
        first, second = sorted([(one[0].id, one[1]), (other[0].id, other[1])])
        async with self._turns.at(first[1], first[0]):
            if first == second:
                yield
                return
            async with self._turns.at(second[1], second[0]):
                yield

    async def _move_document(
        self, folder: Folder, name: str, above: Folder, new: str, user: str
    ) -> Placed:
        entry = self._index.document_in(folder, name)
        demand(entry, user, Right.OWN)
        with self._names.reserved(above, new):
            number = entry.number + 1
            await self._folders.keep(above, PutDocument(entry.placed(above, new, number)))
        self._index.move(entry, above, new, number)
        await self._teller.tell(entry)
        return Placed(entry.path)

    async def _move_folder(
        self, folder: Folder, name: str, above: Folder, new: str, user: str
    ) -> Placed:
        moving = folder.children.get(name)
        if not isinstance(moving, Folder):
            raise NotFound(f"there is no folder {folder.prefix + name!r}")
        _demand(moving, user)
        if not moving.kept or moving.going:
            raise Busy(f"{moving.path!r} is being made or deleted; try again in a moment")
        if moving in above.line():
            raise Invalid(f"{moving.path!r} cannot be moved into itself")
        _check_length(moving, above, new)
        await self._folders.move(moving, above, new)
        return Placed(moving.path)

    # ------------------------------------------------------------------------ DELETEFOLDER

    async def delete_folder(self, request: DeleteFolder, exchange: Exchange) -> Count:
        """Remove a folder."""
        user = user_of(exchange)
        folder = self._names.folder(paths.folder(request.path))
        if folder.parent is None:
            raise Invalid("the root cannot be deleted")
        _demand(folder, user)
        documents = 0
        if request.recursive:
            await self._demand_all(folder, user)
            documents = await self._delete_documents(folder, user, exchange)
            below = [one for one in self._names.tree(folder, deep=True) if isinstance(one, Folder)]
            for one in reversed(below):
                await self._remove(one, folder, user)
        await self._remove(folder, folder, user)
        return Count(documents)

    async def _remove(self, folder: Folder, within: Folder, user: str) -> None:
        """
        Remove an empty folder, unless it was deleted or moved away meanwhile.

        @param within: a folder that it stood in, or the same.
        @raise Unauthorized: it belongs to somebody else, who made it meanwhile.
        @raise Conflict: it is not empty.
        """
        async with self._structure.at("folders"):
            if within not in folder.line():
                return
            _demand(folder, user)
            if folder.children:
                raise Conflict(
                    f"{folder.path!r} is not empty ({len(folder.children)} inside); delete or move "
                    "what is in it first, or delete it recursively"
                )
            if folder.claims or not folder.kept:
                raise Busy(f"something is being put into {folder.path!r}; try again in a moment")
            await self._folders.delete(folder)

    async def _demand_all(self, folder: Folder, user: str) -> None:
        """
        Make sure that everything in a folder belongs to somebody.

        @raise Unauthorized: something does not.
        """
        for place, thing in enumerate(self._names.tree(folder, deep=True), 1):
            owner = thing.owner if isinstance(thing, Folder) else thing.access.owner
            if owner != user:
                raise Unauthorized(
                    f"{thing.path!r} belongs to {owner}; only what is all yours can be deleted "
                    "recursively, and nothing was"
                )
            if place % SLICE == 0:
                await deferLater(self._clock, 0)

    async def _delete_documents(self, folder: Folder, user: str, exchange: Exchange) -> int:
        """
        Delete all documents below a folder; one that is refused does not keep the others from it.

        @return: how many.
        @raise DFSError: some were refused; the message says how many were not.
        @raise ConnectionLost: nobody hears of it any more; what was not begun is left.
        """
        deleted = 0
        refused: list[tuple[str, DFSError]] = []

        async def work(waiting: Iterator[Entry]) -> None:
            nonlocal deleted
            for entry in waiting:
                path, above = entry.path, entry.parent
                if above is None or folder not in above.line():
                    continue  # moved away, with its folder
                try:
                    await self._changes.delete_in(above, entry.name, user)
                except NotFound:
                    continue  # somebody else did it, or moved it away
                except DFSError as error:
                    refused.append((path, error))
                    if len(refused) % SLICE == 0:  # perhaps nothing was waited for
                        await deferLater(self._clock, 0)
                    continue
                deleted += 1
                exchange.item(Removed(path))
                if (room := exchange.room()) is not None:
                    await room

        waiting = self._names.walk(folder)
        workers = [Deferred.fromCoroutine(work(waiting)) for _ in range(AT_ONCE)]
        try:
            await gatherResults(workers, consumeErrors=True)
        except FirstError as first:
            first.subFailure.raiseException()
        if refused:
            path, error = refused[0]
            raise type(error)(
                f"{deleted} documents were deleted and {len(refused)} not, {path!r} because: "
                f"{error}"
            )
        return deleted


def _demand(folder: Folder, user: str) -> None:
    """
    Make sure that somebody may move or delete a folder.

    @raise Unauthorized: they may not.
    """
    if folder.owner != user:
        raise Unauthorized(
            f"{folder.path!r} belongs to {folder.owner}, who alone may move or delete it"
        )


def _check_length(moving: Folder, above: Folder, name: str) -> None:
    """
    Make sure that everything in a folder has a legal path afterwards.

    @raise Invalid: something would have none.
    """
    before = len((above.prefix + name).encode()) + 1
    if before + moving.reach > paths.MAX_PATH_BYTES < before + moving.measure():
        raise Invalid(
            f"what stands in {moving.path!r} would have paths of more than "
            f"{paths.MAX_PATH_BYTES} bytes there"
        )
