"""
Parts of a storage server that do not keep some rule.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import evolve

from dfs.core.access import Right
from dfs.core.documents import Document, Metadata
from dfs.core.leases import Lease
from dfs.errors import DFSError, Unavailable
from dfs.ss.admission import Admission
from dfs.ss.copies import Copies
from dfs.ss.draining import Draining
from dfs.ss.lines import Lines
from dfs.ss.mending import Mending
from dfs.ss.notes import Notes
from dfs.ss.service import StorageServer
from dfs.ss.serving import Serving
from dfs.wire.messages import (
    PutFileContent,
)
from tests.simulation.sabotage import become

# ----------------------------------------------------------------------- leases and epochs


class Unleased(Lease):
    """Holds once it was granted, whatever the time."""

    __slots__ = ()

    def holds(self, now: float) -> bool:
        return self._until is not None


class SpeaksAnyway(Serving):
    """Tells of a commit without looking again."""

    __slots__ = ()

    def may_speak(self, epoch: int, document_id: str) -> None:
        pass


class SaysNothingWasDone(Serving):
    """Calls a change undone that was committed."""

    __slots__ = ()

    def may_speak(self, epoch: int, document_id: str) -> None:
        try:
            self.check_disk()
            self.check(epoch)
        except DFSError as error:
            raise Unavailable(str(error)) from error


class ServesOn(Serving):
    """Goes on serving after it has said goodbye."""

    __slots__ = ()

    def part(self) -> None:
        pass


# ------------------------------------------------------------------------- what a copy does


class KeepsNoConflict(Copies):
    """Drops the text that lost."""

    __slots__ = ()

    def _decide(
        self, own: Document | None, copy: Document, request: PutFileContent
    ) -> Document | None:
        new = super()._decide(own, copy, request)
        lost = own is not None and not copy.version >= own.version
        if request.orphan and new is not None and own is not None and lost:
            return evolve(new, checkpoints=own.checkpoints)
        return new


class DropsOrphans(Copies):
    """Calls its own what only the other one has, without taking it."""

    __slots__ = ()

    def _decide(
        self, own: Document | None, copy: Document, request: PutFileContent
    ) -> Document | None:
        new = super()._decide(own, copy, request)
        if request.orphan and own is not None and new is not None and not own.deleted:
            return evolve(own, version=new.version, epoch=new.epoch)
        return new


# ----------------------------------------------------------------------- changes and rights


class Unordered(Lines):
    """Lets jobs of one document run into each other."""

    __slots__ = ()

    def run(self, key: str, work: Callable[[], Awaitable[Any]]) -> Any:
        from twisted.internet.defer import Deferred

        async def at_once() -> Any:
            return await work()

        return Deferred.fromCoroutine(at_once())


class TrustsTickets(Admission):
    """Does not look into the access list of the document."""

    __slots__ = ()

    def _check(self, ticket: Any, right: Right, metadata: Metadata, renamed: bool) -> None:
        self._check_epoch(ticket.epoch)


class NeverDrained(Draining):
    """Says that it has finished, and changes things all the same."""

    __slots__ = ()

    async def drain(self, seconds: float) -> int:
        return self._last_seq()


class ForgetsTail(Notes):
    """Never repeats a note."""

    __slots__ = ()

    def begin(self, connection: Any, noted: int, on_trouble: Any) -> None:
        super().begin(connection, self._store.last_seq(), on_trouble)


class AsksForNothing(Mending):
    """Keeps what is damaged as it is."""

    def _go(self) -> None:
        pass


def unverified(server: StorageServer) -> None:
    """Serves bytes without comparing them with their hash."""
    from tests.simulation.unverified import Unverified

    become(server._store, Unverified)
