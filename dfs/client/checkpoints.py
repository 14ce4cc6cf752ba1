"""
Named versions of documents, for those who use the library.

Decides what is asked about them, and what is told when a change is in doubt.  Must not know a
terminal, nor how a server is found.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from dfs.client.asking import Asker
from dfs.client.failures import Unanswered, in_doubt
from dfs.client.reading import Download, begin_download
from dfs.core import paths
from dfs.wire.messages import (
    CheckpointLine,
    Committed,
    DeleteCheckpoint,
    ListCheckpoints,
    Located,
    MakeCheckpoint,
    Request,
    Revert,
    ViewCheckpoint,
)


class Checkpoints:
    """
    What C{Session.checkpoints} can do; all methods fail as those of the session do.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def make(self, path: str, tag: str) -> Deferred[Committed]:
        """Keep the present text of a document under a name."""
        return Deferred.fromCoroutine(
            self._change(path, lambda at: MakeCheckpoint(at.ticket, tag), "CHECKPOINT")
        )

    def revert(self, path: str, tag: str) -> Deferred[Committed]:
        """Make a kept text the present one; a change that can be undone."""
        return Deferred.fromCoroutine(
            self._change(path, lambda at: Revert(at.ticket, tag), "REVERT", "READ")
        )

    def delete(self, path: str, tag: str) -> Deferred[Committed]:
        """Keep a text no longer."""
        return Deferred.fromCoroutine(
            self._change(path, lambda at: DeleteCheckpoint(at.ticket, tag), "DELETECHECKPOINT")
        )

    def lines(self, path: str) -> Deferred[list[CheckpointLine]]:
        """The texts that are kept of a document, conflicts included, sorted by tag."""
        return Deferred.fromCoroutine(self._lines(paths.normalize(path)))

    def open_read(self, path: str, tag: str) -> Deferred[Download]:
        """A kept text, to be read in pieces."""
        return Deferred.fromCoroutine(
            begin_download(
                self._asker, paths.normalize(path), lambda ticket: ViewCheckpoint(ticket, tag)
            )
        )

    def read(self, path: str, tag: str) -> Deferred[bytes]:
        """A kept text, for those that are known to fit into memory."""
        return Deferred.fromCoroutine(self._read(path, tag))

    async def _read(self, path: str, tag: str) -> bytes:
        return await (await self.open_read(path, tag)).whole()

    async def _lines(self, path: str) -> list[CheckpointLine]:
        async def use(located: Located) -> list[CheckpointLine]:
            connection = await self._asker.links.storage(located.address)
            return await self._asker.list_from(connection, ListCheckpoints(located.ticket))

        return await self._asker.document(path, "r", use, repeatable=True)

    async def _change(
        self,
        path: str,
        request: Callable[[Located], Request[Committed]],
        what: str,
        look: str = "LISTCHECKPOINTS",
    ) -> Committed:
        path = paths.normalize(path)
        use = self._asker.at_server(request, None, False)
        try:
            return await self._asker.document(path, "w", use, repeatable=False)
        except Unanswered:
            raise in_doubt(what, path, look) from None
