"""
What storage servers are told of folders, so that their stores alone say where documents stand.

Decides that each of them is told what it lacks, in the order of numbers, and that a failure is
repeated.  Nobody waits for that.  Must not know who decides about folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.folders import FolderRecord
from dfs.errors import DFSError
from dfs.nm.fleet import Fleet, Server
from dfs.nm.folders import Folders
from dfs.wire import branches
from dfs.wire.branches import Branch
from dfs.wire.messages import PutFolders

#: Seconds that a storage server has for one message.
TELL_SECONDS = 10.0


@define(eq=False)
class Branches:
    """Tells storage servers of folders."""

    _folders: Folders
    _fleet: Fleet
    _running: set[str] = field(factory=set, init=False)
    _log = Logger(namespace="dfs.nm")

    def sweep(self) -> None:
        """Tell everybody who lacks something."""
        for server in self._fleet.servers.values():
            self.catch_up(server)

    def catch_up(self, server: Server) -> None:
        """Tell a server what it lacks; call it again if that failed."""
        if self._knows_all(server) or not server.here or server.name in self._running:
            return
        self._running.add(server.name)
        Deferred.fromCoroutine(self._tell(server)).addErrback(self._failed, server)

    def _knows_all(self, server: Server) -> bool:
        return server.folders >= self._folders.number

    async def _tell(self, server: Server) -> None:
        try:
            while server.here and not self._knows_all(server):
                for number, body in messages(self._folders.after(server.folders)):
                    request = PutFolders(server.place.pair.epoch, number)
                    await server.link.ask(request, TELL_SECONDS, body)
                    server.folders = max(server.folders, number)
        except DFSError as error:
            self._log.debug(
                "{server} does not know of all folders yet: {reason}",
                log_event="folders_late",
                server=server.name,
                reason=str(error),
            )
        finally:
            self._running.discard(server.name)

    def _failed(self, failure: Failure, server: Server) -> None:
        self._log.failure(
            "telling {server} of folders failed",
            failure,
            log_event="internal_error",
            server=server.name,
        )


def messages(records: Iterable[FolderRecord]) -> Iterator[tuple[int, bytes]]:
    """
    Messages of a bounded size.

    @param records: in the order of their numbers.
    @return: the number up to which everything is known after each.
    """
    body, number = b"", 0
    for one in records:
        line = branches.write(
            Branch(one.id, one.parent, one.name, one.owner, one.created, one.number, one.gone)
        )
        if body and len(body) + len(line) > branches.MOST_BYTES:
            yield number, body
            body = b""
        body += line
        number = one.number
    if body:
        yield number, body
