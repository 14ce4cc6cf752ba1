"""
Notes: what storage servers say about their documents.

Decides that a note is shown at once and kept soon: it is answered as soon as INFO and VIEW show
it, and goes to the journal in groups.  What is lost when the name server dies is told again: a
storage server that registers is answered how much of its change log is in the journal.  Must not
know how notes travel.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import islice

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.versions import Version
from dfs.errors import Corrupt, Invalid
from dfs.nm.burials import Burials
from dfs.nm.entries import Entry, Place
from dfs.nm.fleet import Server, State
from dfs.nm.index import Index
from dfs.nm.journal import Change, IJournal, NoteDocument, SetNoted
from dfs.nm.kept import Grave, Missed, Noted
from dfs.nm.teller import Teller
from dfs.wire.messages import WriteComplete

#: Seconds between two groups.
FLUSH_SECONDS = 0.5

#: Documents in one group; the others wait for the next one.
GROUP = 2_000

#: Unknown documents that are logged one by one after each registration; the rest is counted.
LOGGED = 10


def _told_again(place: Place) -> bool:
    """Whether something about a pair is in memory only, or is being forgotten."""
    return bool(place.missed or place.raised or place.forgetting is not None)


@define(eq=False)
class Notes:
    """
    Shows notes and keeps them.

    @ivar heard: how many notes came.
    @ivar unknown: how many of them told of documents that nobody knows here.
    @ivar trouble: why the journal did not take the last group; empty if it did.
    """

    _index: Index
    _journal: IJournal
    _burials: Burials
    _teller: Teller
    heard: int = field(default=0, init=False)
    unknown: int = field(default=0, init=False)
    trouble: str = field(default="", init=False)
    _fresh: dict[int, Entry] = field(factory=dict, init=False)
    _servers: set[Server] = field(factory=set, init=False)
    _flushing: Deferred[None] | None = field(default=None, init=False)
    _log = Logger(namespace="dfs.nm")

    @property
    def waiting(self) -> int:
        """Documents whose newest note is not in the journal."""
        return len(self._fresh)

    def take(self, server: Server, note: WriteComplete) -> None:
        """Show what a storage server says; nothing of one that is held off."""
        if server.state is State.HELD:
            return
        self.heard += 1
        try:
            held = not self._take(server, note)
        except (Invalid, ValueError, struct.error) as error:
            # Refused it would come again for ever, and hold up all that follow it.
            self._log.error(
                "a note of {server} about {document} makes no sense: {reason}",
                log_event="note_refused",
                server=server.name,
                document=note.id,
                reason=str(error),
            )
            held = False
        if held:
            return  # not applied, so that it is told again to whoever has the right journal
        server.applied = max(server.applied, note.seq)
        self._servers.add(server)
        if server.goal and note.seq >= server.goal:
            self.caught_up(server)

    def _take(self, server: Server, note: WriteComplete) -> bool:
        """
        Show what a note says.

        @return: C{False} if its server has to be held off instead.
        @raise ValueError: it makes no sense, as do C{Invalid} and C{struct.error}.
        """
        document_id = int(note.id, 16)
        entry = self._index.by_id(document_id)
        place = server.place
        if entry is None or entry.place is not place:
            self._stranger(server, note, document_id)
            return True
        active = server.name == place.pair.active
        if active and note.deleted:
            if entry.live:
                self._burials.found_dead(entry)
            return True
        if note.metadata_number > entry.number:
            self._hold(server, entry)
            return False
        home = place.is_home(server.name)
        version = Version.parse(note.version)
        # A repeated note may be older than what is known.
        news = version >= entry.held(home=home).version
        if active and news:
            self._show(entry, note, version)  # first, because it fails if it makes no sense
        self._index.learn(entry, version, note.metadata_number, home=home)
        self._fresh[entry.id] = entry
        return True

    def _show(self, entry: Entry, note: WriteComplete, version: Version) -> None:
        if len(note.sha256) != 64:
            raise ValueError("it has no hash")
        entry.noted = Noted(
            bytes.fromhex(note.sha256),
            note.size,
            note.words,
            note.characters,
            note.sentences,
            version.a,
            version.b,
            note.epoch,
            note.modified,
            note.checkpoints,
            note.conflicts,
            note.is_text,
            note.modified_by,
        )

    def keep(self, entry: Entry) -> None:
        """Something else was learned about a document; it goes to the journal with the notes."""
        self._fresh[entry.id] = entry

    def _hold(self, server: Server, entry: Entry) -> None:
        """
        A storage server has metadata that was never decided here.

        Metadata is journalled before anybody is told, so an older copy of the journal was put back.
        What it decides now the storage server would ignore, for being older than what it has.
        """
        server.state = State.HELD
        self._log.error(
            "{server} has newer metadata of {document} than the journal: an older copy of the "
            "journal was put back; restore the one that belongs to the stores",
            log_event="ss_held",
            server=server.name,
            document=entry.key,
            reason="the journal is older than the store",
        )

    def _stranger(self, server: Server, note: WriteComplete, document_id: int) -> None:
        """A note tells of a document that is not known here, or not there."""
        if note.deleted:
            self._seen(server, note, document_id)
            return
        grave = self._grave(server, document_id)
        if grave is not None and grave.may_be_at(home=server.place.is_home(server.name)):
            self._missed(server, note, grave)
            return
        if grave is not None:
            self._raise(server, grave)
            return
        self.unknown += 1
        server.unknown += 1
        if server.unknown <= LOGGED:
            self._log.warn(
                "{server} has a document {document} that is unknown here; it is left alone",
                log_event="unknown_document",
                server=server.name,
                document=note.id,
            )

    def _grave(self, server: Server, document_id: int) -> Grave | None:
        """What is known of a document that is gone."""
        grave = server.place.graves.get(document_id)
        if grave is None:
            with suppress(Corrupt):  # nothing is known then
                grave = self._journal.grave(document_id)
        return grave if grave is not None and grave.pair == server.place.pair.name else None

    def _raise(self, server: Server, grave: Grave) -> None:
        """
        A document that is gone is where nobody looks for it any more, or was when that was said.

        It may have been made after its server was asked to remove it, or that has an older disk by
        now: it is asked what it has, and that is removed.
        """
        place = server.place
        home = place.is_home(server.name)
        place.doubted.add((grave.id, home))
        place.raised.add(grave.id)
        self._index.haunt(grave.raised(home=home))

    def _missed(self, server: Server, note: WriteComplete, grave: Grave) -> None:
        """
        A document that is gone is still on a member: perhaps with a change that nobody saw.

        What the other member committed it had from there; only its own commits can be news.
        """
        place = server.place
        version, seen = Version.parse(note.version), grave.version
        home = place.is_home(server.name)
        if (version.a > seen.a) if home else (version.b > seen.b):
            place.missed[grave.id] = Missed(home, version, note.sha256, note.size, note.modified)

    def _seen(self, server: Server, note: WriteComplete, document_id: int) -> None:
        """A deletion is told of: what it contains nobody misses."""
        missed = server.place.missed.get(document_id)
        if missed is not None and Version.parse(note.version) >= missed.version:
            del server.place.missed[document_id]

    def caught_up(self, server: Server) -> None:
        """Everything that a server had when it registered is shown."""
        self._log.info(
            "the notes of {server} are complete up to {seq}",
            log_event="notes_caught_up",
            server=server.name,
            seq=server.goal,
            unknown=server.unknown,
        )
        server.goal = 0
        self._teller.catch_up(server)
        # What only this server has may be judged now.
        self._index.on_work(server.place)

    def flush(self) -> Deferred[None]:
        """
        Keep what was shown, in one group at a time.

        @return: fires when the group is in the journal, or failed to be (which is logged).
        """
        if self._flushing is not None:
            waiting: Deferred[None] = Deferred()
            self._flushing.addCallback(lambda _: waiting.callback(None))
            return waiting
        if not self._fresh and not self._servers:
            return succeed(None)
        ready = (entry for entry in self._fresh.values() if entry.place.forgetting is None)
        group = list(islice(ready, GROUP))
        for entry in group:
            del self._fresh[entry.id]
        changes: list[Change] = [
            NoteDocument(entry.id, entry.noted, entry.held(home=True), entry.held(home=False))
            for entry in group
        ]
        servers: set[Server] = set()
        # A position may be kept only when everything before it is.
        if not self._fresh and not self._burials.waiting:
            # This is in memory only: it has to be told again until it is over.
            servers = {server for server in self._servers if not _told_again(server.place)}
            self._servers -= servers
            changes += [SetNoted(server.name, server.applied) for server in servers]
        if not changes:
            return succeed(None)
        positions = {server: server.applied for server in servers}
        self._flushing = flushing = self._journal.commit(changes)
        flushing.addCallback(self._kept, positions)
        flushing.addErrback(self._late, group, servers)
        return flushing

    async def finish(self) -> None:
        """Keep everything, if the journal lets us."""
        for _ in range(1 + self.waiting // GROUP + 1):
            await self.flush()

    def _kept(self, result: None, positions: dict[Server, int]) -> None:
        self._flushing = None
        self.trouble = ""
        for server, seq in positions.items():
            server.was_noted(seq)
        if self._fresh and not positions:
            self.flush()

    def _late(self, failure: Failure, group: list[Entry], servers: set[Server]) -> None:
        """The group has to be kept another time."""
        self._flushing = None
        self.trouble = failure.getErrorMessage()
        for entry in group:
            self._fresh.setdefault(entry.id, entry)
        self._servers |= servers
        self._log.warn(
            "notes about {documents} documents are not in the journal yet: {reason}",
            log_event="journal_late",
            documents=len(group),
            reason=failure.getErrorMessage(),
        )
