"""
When a note is answered with C{--ack replica}: not before the peer has the change too.

Decides for which notes that is so and when the wait is over.  That the peer is out is in the
journal, as the state of the pair, before a note is answered without it [replica_ack_early].  Must
not know how changes are copied.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred

from dfs.core.pairs import TOGETHER
from dfs.core.versions import Version
from dfs.nm.entries import Entry, Place
from dfs.nm.fleet import Server
from dfs.nm.index import Index
from dfs.wire.messages import Heard, WriteComplete


@define(eq=False)
class Acks:
    """Notes that wait; a storage server has at most so many unanswered as its window allows."""

    _index: Index
    _waiting: dict[Entry, list[tuple[Version, Deferred[Heard]]]] = field(factory=dict, init=False)

    def answer(self, server: Server, note: WriteComplete) -> Deferred[Heard] | Heard:
        """The answer to a note that was taken, or what to wait for."""
        entry = self._index.by_id(int(note.id, 16)) if _is_id(note.id) else None
        place = server.place
        if entry is None or not entry.live or server.name != place.pair.active:
            return Heard()
        if place.pair.state not in TOGETHER:
            return Heard(solo=True)
        version = Version.parse(note.version)
        if entry not in place.dirty or entry.copy.version >= version:
            return Heard()
        waiting: Deferred[Heard] = Deferred()
        self._waiting.setdefault(entry, []).append((version, waiting))
        return waiting

    def copied(self, entry: Entry) -> None:
        """The peer has something of a document, or the document is gone."""
        waiting = self._waiting.pop(entry, None)
        if waiting is None:
            return
        gone = entry.id not in self._index
        rest = []
        for version, answer in waiting:
            if gone or entry.copy.version >= version:
                answer.callback(Heard())
            else:
                rest.append((version, answer))
        if rest:
            self._waiting[entry] = rest

    def settle(self, place: Place) -> None:
        """A pair has taken a step that is in the journal: nobody waits for a peer that is out."""
        if place.pair.state in TOGETHER:
            return
        for entry in [one for one in self._waiting if one.place is place]:
            for _, answer in self._waiting.pop(entry):
                answer.callback(Heard(solo=True))


def _is_id(text: str) -> bool:
    try:
        int(text, 16)
    except ValueError:
        return False
    return True
