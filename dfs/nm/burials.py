"""
How a document ends: its name is free when, and only when, the journal knows.

Decides the order of the last steps, whoever wants the end: DELETE, a CREATE that failed, or a note.
Must not know why.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.folders import ROOT
from dfs.nm.entries import Entry
from dfs.nm.index import Index
from dfs.nm.journal import DropDocument, IJournal
from dfs.nm.kept import Grave
from dfs.nm.turns import Turns


@define(eq=False)
class Burials:
    """
    Documents that are going.

    Their entries stay in the index, seen by nobody, until the journal has their end: the name
    must not be given away while a restart could bring the old document back.

    @ivar _wall: seconds since the epoch.
    """

    _index: Index
    _journal: IJournal
    _turns: Turns
    _wall: Callable[[], float]
    _going: dict[Entry, Grave] = field(factory=dict, init=False)
    _failed: set[Entry] = field(factory=set, init=False)
    _log = Logger(namespace="dfs.nm")

    @property
    def waiting(self) -> bool:
        """Whether the end of some document is not in the journal yet."""
        return bool(self._going)

    async def bury(self, entry: Entry, *, ghost: bool = False) -> None:
        """
        End a document; whoever calls this has the turn at its name.

        @param ghost: the active member may still have it.
        @raise DFSError: the journal does not know yet; it will be tried again.
        """
        if entry.id not in self._index:
            return
        entry.live = False
        grave = self._going[entry] = self._grave(entry, ghost)
        try:
            await self._journal.commit([DropDocument(grave)])
        except Exception:
            self._failed.add(entry)
            raise
        del self._going[entry]
        if entry in entry.place.behind:
            entry.place.doubted.add((entry.id, not entry.place.pair.home_active))
        self._index.remove(entry)
        if grave.haunted:
            self._index.haunt(grave)

    def _grave(self, entry: Entry, ghost: bool) -> Grave:
        """
        What is kept of a document, and which members may still have it.

        Who was found to may have it at an earlier try may still, whoever serves now.
        """
        pair, before = entry.place.pair, self._going.get(entry)
        at_peer = pair.copying or entry.copy.number > 0
        return Grave(
            entry.id,
            pair.name,
            entry.path,
            entry.access.owner,
            entry.version,
            self._wall(),
            (ghost if pair.home_active else at_peer) or (before is not None and before.at_home),
            (at_peer if pair.home_active else ghost) or (before is not None and before.at_backup),
        )

    def found_dead(self, entry: Entry) -> None:
        """The storage server says that a document was deleted."""
        entry.live = False
        self._going.setdefault(entry, self._grave(entry, ghost=False))
        self._start(entry)

    def sweep(self) -> None:
        """Try again what failed."""
        failed, self._failed = self._failed, set()
        for entry in failed:
            self._start(entry)

    def _start(self, entry: Entry) -> None:
        burying = Deferred.fromCoroutine(self._in_turn(entry))
        burying.addErrback(self._complain, entry)

    async def _in_turn(self, entry: Entry) -> None:
        try:
            folder = entry.parent.id if entry.parent is not None else ROOT
            async with self._turns.at(entry.name, folder):
                await self.bury(entry)
        except Exception:
            if entry.id in self._index:
                self._failed.add(entry)
            raise
        self._going.pop(entry, None)

    def _complain(self, failure: Failure, entry: Entry) -> None:
        self._log.warn(
            "the end of {document} is not in the journal yet: {reason}",
            log_event="journal_late",
            document=entry.key,
            reason=failure.getErrorMessage(),
        )
