"""
Parts of a name server that do not keep some rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve

from dfs.nm.acks import Acks
from dfs.nm.changes import Changes as NMChanges
from dfs.nm.entries import Entry, Place
from dfs.nm.fleet import Fleet, Server
from dfs.nm.index import Index
from dfs.nm.jobs import Copying
from dfs.nm.kept import Grave
from dfs.nm.notes import Notes as NMNotes
from dfs.nm.replicator import Replicator
from dfs.nm.service import NameServer
from dfs.nm.switching import Switching
from dfs.nm.teller import Teller
from dfs.wire.exchange import Peer
from dfs.wire.messages import (
    Beaten,
    WriteComplete,
)
from dfs.wire.reconnects import Reconnects
from tests.simulation.sabotage import answering, become


class LetsEverybodyServe(Fleet):
    """Grants leases to both members."""

    __slots__ = ()

    def beaten(self, server: Server) -> Beaten:
        return evolve(super().beaten(server), serve=True)


def impatient(server: NameServer) -> None:
    """Promotes before a lease is over."""
    server.fleet.liveness.patience = 6.0


class Unfenced(NMChanges):
    """Does not wait until a server knows whose right is gone."""

    __slots__ = ()

    async def _fence(self, entry: Entry) -> None:
        pass


class LetsBothTalk(Reconnects):
    """Hears the connection that a client gave up, after the client came back on another one."""

    __slots__ = ()

    def came(self, user: str, session: str, peer: Peer) -> None:
        pass


class OwesNothing(Teller):
    """Lets a server serve before it knows what it must."""

    __slots__ = ()

    def owes(self, server: Server) -> bool:
        return False


# ---------------------------------------------------------------------------- who has what


class BelievesCopied(Copying):
    """Takes what is wanted by now for what was copied."""

    __slots__ = ()

    def learn(self, applied: Any, member: Server) -> None:
        super().learn(evolve(applied, version=str(self.entry.version)), member)


class Careless(Replicator):
    """Begins copies that believe too much."""

    __slots__ = ()

    def _jobs(self, *arguments: Any) -> Iterator[Any]:
        for job in super()._jobs(*arguments):
            if isinstance(job, Copying):
                become(job, BelievesCopied)
            yield job


class EqualAlways(Replicator):
    """Takes both members for equal whatever they have."""

    __slots__ = ()

    def equal(self, place: Place) -> bool:
        return True


class NeverDrains(Switching):
    """Hands back without a drain."""

    __slots__ = ()

    async def finish(self, place: Place) -> None:
        pass


class ForgetsGraves(Index):
    """Does not remember what is gone."""

    def haunt(self, grave: Grave) -> None:
        pass


class KeepsPositionsFirst(NMNotes):
    """Writes down positions before the documents."""

    __slots__ = ()

    def take(self, server: Server, note: WriteComplete) -> None:
        super().take(server, note)
        self._fresh.clear()


class AcksEarly(Acks):
    """Answers before the peer has it."""

    __slots__ = ()

    def answer(self, server: Server, note: WriteComplete) -> Any:
        from dfs.wire.messages import Heard

        return Heard()


def acks_early(server: NameServer) -> None:
    """Answers before the peer has it, where it promises to wait."""
    acks = answering(server, WriteComplete)._acks
    if acks is not None:
        become(acks, AcksEarly)
