"""
A document that was deleted on one member of a pair while the other one, cut off, changed it.

Decides that the deletion stays, and that the text which it did not see becomes a document beside
the old one, of the same owner: nothing that somebody was told is kept disappears without a word.
Must not know how it was found.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.core.access import Right
from dfs.core.paths import beside, split
from dfs.core.tickets import TICKET_SECONDS, Ticket, seal
from dfs.errors import Conflict, Exists, TooLarge
from dfs.nm.changes import Changes
from dfs.nm.entries import Entry
from dfs.nm.fleet import Server
from dfs.nm.index import Index
from dfs.nm.kept import Grave, Missed
from dfs.nm.relay import Relay, content_from
from dfs.wire.client import Connection
from dfs.wire.messages import GetFileContent, Put

#: Names that are tried, because somebody may have the first ones.
NAMES = 9


@define(eq=False)
class Rescuer:
    """
    Saves texts.

    @ivar _key: for tickets.
    @ivar _wall: seconds since the epoch.
    """

    _index: Index
    _changes: Changes
    _clock: IReactorTime
    _key: bytes
    _wall: Callable[[], float]
    _log = Logger(namespace="dfs.nm")

    async def rescue(self, grave: Grave, missed: Missed, source: Server, target: Server) -> int:
        """
        Keep what a member still has of a document that is gone; harmless when repeated.

        @return: bytes that were kept.
        @raise DFSError: it is not done yet.
        """
        entry = await self._entry(_paths(grave, missed, source.name), grave.owner, missed, target)
        if entry.noted.sha256.hex() == missed.sha256:
            return 0
        relay = Relay(self._clock, source.link.another, target.link.another)
        epoch = source.place.pair.epoch
        asked = GetFileContent(f"{grave.id:016x}", epoch, missed.sha256)

        def flow(connection: Connection) -> AsyncIterator[bytes]:
            return content_from(connection, asked)

        await relay.run(Put(self._ticket(entry, epoch)), flow)
        self._log.warn(
            "{path} was deleted, and changed on {server} unseen: that text is {rescued} now",
            log_event="recovery_restored",
            server=source.name,
            document=entry.key,
            path=grave.path,
            rescued=entry.path,
        )
        return relay.size

    async def _entry(self, paths: list[str], owner: str, missed: Missed, target: Server) -> Entry:
        """
        The document that was made at the last try, or a new one.

        @param paths: where it may stand, the best first.
        @raise Conflict: others stand everywhere.
        """
        for path in paths:
            found = self._index.names.find(path)
            if isinstance(found, Entry) and found.live and found.access.owner == owner:
                text = found.noted
                if not text.size or text.sha256.hex() == missed.sha256:
                    return found
        for path in paths:
            try:
                return await self._changes.make(path, owner, lambda: target)
            except (Exists, TooLarge):
                continue
        raise Conflict(f"{paths[0]!r} and the names like it are taken; move something away")

    def _ticket(self, entry: Entry, epoch: int) -> str:
        expires = int(self._wall() + TICKET_SECONDS)
        owner = entry.access.owner
        return seal(self._key, Ticket(entry.key, owner, Right.WRITE, epoch, entry.number, expires))


def _paths(grave: Grave, missed: Missed, source: str) -> list[str]:
    """
    Where a text may be kept: beside what it was, or at the root, if its folder cannot be had any
    more; under other names, if somebody has those.
    """
    when = datetime.datetime.fromtimestamp(missed.modified, datetime.UTC)
    paths = []
    for number in range(1, NAMES + 1):
        again = f"-{number}" if number > 1 else ""
        path = beside(grave.path, f".conflict-{source}-{when:%Y%m%dT%H%M%S}{again}")
        paths += [path, split(path)[1]]
    return paths
