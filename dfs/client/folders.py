"""
Folders, and where documents stand: that part of the library.

Decides what is asked of the name server, and which locations are not believed any more afterwards.
Must not know a terminal or a command line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dfs.client.asking import Asker
from dfs.client.deeds import deferred
from dfs.client.failures import Unanswered, in_doubt
from dfs.core import paths
from dfs.wire.messages import (
    CreateFolder,
    DeleteFolder,
    Move,
    Record,
    Request,
    ViewFolder,
    ViewLine,
)

A = TypeVar("A", bound=Record)


def _ignore(path: str) -> None:
    """Nobody wants to know."""


class Folders:
    """
    What C{Session.folders} can do; all methods fail as those of the session do.

    The path of a folder may end with a slash.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    @deferred
    async def make(self, path: str, *, existing: bool = False) -> str:
        """
        Make a new, empty folder, and those above it.

        @param existing: one that is there already will do.
        @return: its id.
        """
        path = paths.folder(path)
        request = CreateFolder(path, existing=existing)
        if existing:
            return (await self._asker.name_server(request)).id
        return (await self._change(request, path)).id

    @deferred
    async def view(
        self, path: str = "", *, all: bool = False, deep: bool = False, itself: bool = False
    ) -> list[ViewLine]:
        """
        What stands in a folder, sorted; of a document only itself.

        @param path: empty for the root.
        @param all: documents that the user may not read, too.
        @param deep: what stands in the folders there, too, each after its folder.
        @param itself: only the folder.
        """
        request = ViewFolder(paths.folder(path), all=all, deep=deep, itself=itself)
        return await self._asker.name_server_list(request)

    @deferred
    async def move(self, path: str, target: str) -> str:
        """
        Let a document, or a folder with all that is in it, stand elsewhere.

        @param target: a folder (one that ends with a slash is made if need be), or the new path.
        @return: the new path.
        """
        path = paths.folder(path)
        try:
            placed = await self._change(Move(path, target), path)
        finally:
            self._asker.locations.forget_below(path)
        self._asker.locations.forget_below(placed.path)
        return placed.path

    @deferred
    async def delete(
        self,
        path: str,
        *,
        recursive: bool = False,
        on_deleted: Callable[[str], object] = _ignore,
    ) -> int:
        """
        Remove an empty folder.

        @param recursive: with everything in it, which must belong to the user.
        @param on_deleted: called with the path of each document that is gone.
        @return: how many documents were deleted.
        """
        path = paths.folder(path)
        count = 0

        def deleted(line: object) -> None:
            nonlocal count
            count += 1
            on_deleted(getattr(line, "path", ""))

        request = DeleteFolder(path, recursive=recursive)
        try:
            await self._asker.name_server_deeds(request, deleted)
        except Unanswered:
            raise in_doubt("DELETEFOLDER", path, "VIEWFOLDER") from None
        finally:
            self._asker.locations.forget_below(path)
        return count

    async def _change(self, request: Request[A], path: str) -> A:
        try:
            return await self._asker.name_server(request, repeatable=False)
        except Unanswered:
            raise in_doubt(request.verb, path, "VIEWFOLDER") from None
