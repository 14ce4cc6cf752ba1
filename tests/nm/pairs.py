"""
A name server with pairs that are in sync, of whose members a test says what they have.

Decides how a test gets there in few words.  Must not know what a test is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import provider

from dfs.core.pairs import Pair, PairState
from dfs.core.versions import Version
from dfs.nm.entries import Entry, Place
from dfs.nm.journal import PutDocument, PutPair
from dfs.nm.kept import Copy
from tests.nm.documents import document
from tests.nm.rig import Rig, Storage

#: What both members have of every document at first.
EQUAL = Copy(4, 0, 7)


class PairRig(Rig):
    """
    A test with one pair of which both members have the same of C{count} documents.

    @ivar members: everybody who has to be heard.
    @ivar ss1: the home primary, which serves.
    @ivar backup: its peer.
    @ivar events: what was logged.
    """

    count = 3

    def setUp(self) -> None:
        """Start it with a journal that knows them."""
        self.events: list[LogEvent] = []
        self.members: list[Storage] = []
        super().setUp()
        self.stop()
        self.keep("ss1", range(1, self.count + 1))
        self.start()

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.ss1, self.backup = self.pair("ss1", 5001)

    def keep(self, pair: str, numbers: Sequence[int], **changes: Any) -> None:
        """Put a pair and its documents into the journal."""
        self.disk.apply(PutPair(Pair(pair, 1, pair, PairState.PROTECTED, True)))
        for number in numbers:
            stored = evolve(document(number, f"{number}.txt"), pair=pair, home=EQUAL)
            stored = evolve(stored, **{"backup": EQUAL, **changes})
            self.disk.apply(PutDocument(stored))

    def pair(self, name: str, port: int) -> tuple[Storage, Storage]:
        """Both members of a pair come, with what the journal says."""
        both = (self.storage(name, port), self.storage(f"{name}_backup", port + 100))
        for one in both:
            self.members.append(one)
            for number, stored in self.disk.documents.items():
                if stored.pair == name:
                    one.shelf.has(key(number), "4.0")
            one.register()
        self.wait(0.1)
        return both

    def live(self, seconds: float) -> None:
        """Let time pass in which everybody is heard."""
        end = self.clock.seconds() + seconds
        while self.clock.seconds() < end:
            self.wait(min(4.0, end - self.clock.seconds()))
            for member in self.members:
                member.beat()

    def place(self, name: str = "ss1") -> Place:
        """A pair."""
        return self.nm.index.places[name]

    def entry(self, number: int = 1) -> Entry:
        """A document."""
        entry = self.nm.index.by_id(number)
        assert entry is not None
        return entry

    def write(
        self,
        number: int,
        version: str = "5.0",
        *contents: bytes,
        by: Storage | None = None,
        **changes: Any,
    ) -> None:
        """Somebody changes a document on a member, the active one if nothing else is said."""
        member = by or self.ss1
        member.shelf.has(key(number), version, *contents)
        member.note(key(number), version, **{"metadata_number": 7, **changes})

    def returned(self, member: Storage, last_seq: int = 0) -> None:
        """A member comes again, and says how many changes it knows of."""
        self.network.cut(member.address)
        if member.link is not None:
            member.link.close(abort=True)
        member.register(last_seq=last_seq)
        self.wait(0.1)

    def equal(self, name: str = "ss1") -> bool:
        """Nothing is left to do."""
        return self.nm.replicator.equal(self.place(name))

    def copied(self, number: int, version: str = "5.0") -> bool:
        """The peer has a version, and the name server knows that."""
        known = self.entry(number).copy.version == Version.parse(version)
        return known and self.backup.shelf.version(key(number)) == version

    def logged(self, event: str) -> list[LogEvent]:
        """All events of a name, without what the logger adds."""
        found = [one for one in self.events if one.get("log_event") == event]
        return [{k: one[k] for k in one if not k.startswith("log_")} for one in found]


def key(number: int) -> str:
    """The id of a document as it is written."""
    return f"{number:016x}"


class Held:
    """A gate that lets nobody through before it is opened."""

    def __init__(self, *kinds: type[Any], ids: Sequence[str] = ()) -> None:
        self._kinds = kinds
        self._ids = ids
        self._open = False
        self._waiting: list[Deferred[None]] = []

    def __call__(self, request: Any) -> Deferred[None] | None:
        """See L{tests.nm.shelf.Gate}."""
        wanted = isinstance(request, self._kinds) and (not self._ids or request.id in self._ids)
        if self._open or not wanted:
            return None
        self._waiting.append(Deferred())
        return self._waiting[-1]

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._open = True
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)
