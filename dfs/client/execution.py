"""
EXEC, on the asking side: what a script writes, as it comes, and how it ended.

Decides that its output has a connection of its own, and what is tried again: nothing, once a word
was heard.  Must not know where the output goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from dfs.client.asking import Asker
from dfs.client.failures import Unanswered
from dfs.client.reading import Incoming
from dfs.core import paths
from dfs.wire.messages import Execute, Ran

if TYPE_CHECKING:
    from dfs.wire.answers import Contents
    from dfs.wire.client import Connection

#: Seconds without a byte that are borne: a script may be silent, and wait for its turn.
SILENCE_SECONDS = 90.0


class Output:
    """
    What a script writes.

    @ivar path: of the document.
    @ivar ran: how it ended; None until all its output was read.
    """

    def __init__(self, asker: Asker, path: str) -> None:
        self.path = paths.normalize(path)
        self.ran: Ran | None = None
        self._asker = asker
        self._incoming: Incoming | None = None
        self._contents: Contents

    def read(self) -> Deferred[bytes]:
        """
        What comes next; empty at the end.

        @return: fails with a L{DFSError<dfs.errors.DFSError>} if it is not run, or not known how it
            ended.
        """
        return Deferred.fromCoroutine(self._read())

    def close(self) -> None:
        """Read no more: if the script runs, it is ended."""
        if self._incoming is not None:
            self._incoming.close()

    async def _read(self) -> bytes:
        if self._incoming is None:
            piece = await self._asker.name_server_alone(self._begin)
        else:
            piece = await self._next(self._incoming)
        if not piece and isinstance(self._contents.stop, Ran):
            self.ran = self._contents.stop
        return piece

    async def _begin(self, connection: Connection) -> bytes:
        self._contents = connection.ask_content(Execute(self.path), None)

        def release(finished: bool) -> None:
            self._asker.links.drop(connection)

        incoming = Incoming(self._asker, connection, self._contents, release)
        # Whatever fails now may be tried again, from the beginning.
        piece = await self._next(incoming)
        self._incoming = incoming
        return piece

    async def _next(self, incoming: Incoming) -> bytes:
        try:
            return await incoming.read(SILENCE_SECONDS)
        except Unanswered as error:
            raise Unanswered(f"the name server was lost, and the script with it: {error}") from None
