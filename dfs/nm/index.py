"""
What the name server knows about every document, in memory.

Decides how a document is found, by path and by id, and keeps each in a few hundred bytes.  Must not
know about the journal, connections, or who asks.

Note [Bytes of an entry].  There may be millions, so what notes say is packed into one C{bytes}, ids
are ints, names of users are shared, and so are the access lists of owners who let nobody in.

Note [Two members].  For each document it is known what either member of its pair has.  What the
active member has is "the version", what the other one has is "the copy": so a failover changes the
pair and nothing about any document.  A document is I{dirty} when the peer lacks something, and
I{behind} when the active member does; it may be both.

Note [First out].  Of what is dirty, behind or haunted the oldest is asked for again and again while
it becomes less.  A set, and a dict that is no C{OrderedDict}, looks each time through the places
of all that were removed before: for 300,000 documents that takes half a minute.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from sys import intern

from attrs import define, evolve, field

from dfs.core.access import AccessList, Right
from dfs.core.namespace import Folder, Leaf, Namespace
from dfs.core.pairs import BACKUP, Pair
from dfs.core.paths import normalize
from dfs.core.versions import Version
from dfs.errors import NotFound, Unauthorized
from dfs.nm.kept import (
    CONFLICTS,
    CONFLICTS_AT,
    COPIES_BYTES,
    COPY,
    PACKED,
    Copy,
    Grave,
    Missed,
    Noted,
    Stored,
)


@define(eq=False)
class Place:
    """
    A pair, as every document that it holds points to it: a failover changes one value.

    @ivar documents: how many are placed here.
    @ivar owed: documents whose newest metadata the active server is not known to have.
    @ivar dirty: documents of which the peer lacks something, and since when; the oldest first.
        Only while the pair is L{Pair.copying}.
    @ivar behind: documents of which the active member lacks something that the peer has; for
        the order see Note [First out].
    @ivar graves: documents that some member may still have although they are gone.
    @ivar missed: what the peer still has of such a document, and its deletion did not see.
    @ivar conflicts: conflict checkpoints of its documents.
    @ivar moving: another member is about to become active; until then nobody may serve.
    @ivar draining: the active member is asked to finish.
    """

    pair: Pair
    documents: int = 0
    owed: set[Entry] = field(factory=set)
    dirty: OrderedDict[Entry, float] = field(factory=OrderedDict)
    behind: OrderedDict[Entry, None] = field(factory=OrderedDict)
    graves: OrderedDict[int, Grave] = field(factory=OrderedDict)
    missed: dict[int, Missed] = field(factory=dict)
    conflicts: int = 0
    moving: bool = False
    draining: bool = False

    def is_home(self, server: str) -> bool:
        """Whether a member is the home primary."""
        return server == self.pair.home


@define(eq=False, weakref_slot=False)
class Entry(Leaf):
    """
    A document; see L{Stored} for most of it and Note [Bytes of an entry].

    @ivar live: people may see it; False while it is being made.
    """

    id: int
    place: Place
    access: AccessList
    created: float
    number: int
    live: bool
    modified_by: str
    _packed: bytes

    @property
    def key(self) -> str:
        """The id as it is written everywhere else: 16 hex digits."""
        return f"{self.id:016x}"

    @property
    def noted(self) -> Noted:
        """What the storage server said last."""
        return _unpacked(*PACKED.unpack_from(self._packed, COPIES_BYTES), self.modified_by)

    @noted.setter
    def noted(self, noted: Noted) -> None:
        packed = noted.packed()
        self.place.conflicts += noted.conflicts - self.conflicts
        self._packed = self._packed[:COPIES_BYTES] + packed
        self.modified_by = intern(noted.modified_by)

    @property
    def conflicts(self) -> int:
        """How many of its checkpoints are conflicts."""
        conflicts: int = CONFLICTS.unpack_from(self._packed, COPIES_BYTES + CONFLICTS_AT)[0]
        return conflicts

    def held(self, *, home: bool) -> Copy:
        """What a member has."""
        return Copy(*COPY.unpack_from(self._packed, 0 if home else COPY.size))

    def hold(self, copy: Copy, *, home: bool) -> None:
        """A member has this; call L{Index.assess} afterwards."""
        packed, size = self._packed, COPY.size
        mine = copy.packed()
        if home:
            self._packed = mine + packed[size:]
        else:
            self._packed = packed[:size] + mine + packed[COPIES_BYTES:]

    @property
    def active(self) -> Copy:
        """What the active member has."""
        return self.held(home=self.place.pair.home_active)

    @property
    def copy(self) -> Copy:
        """What the peer has."""
        return self.held(home=not self.place.pair.home_active)

    @property
    def elsewhere(self) -> bool:
        """The peer has it, and the active member does not have it at all."""
        return self.copy.number > 0 and not self.active.number

    @property
    def version(self) -> Version:
        """What the active member has of the texts."""
        return self.active.version

    @property
    def told(self) -> int:
        """The metadata that the active member has; 0 if it does not have the document."""
        return self.active.number

    def stored(self) -> Stored:
        """What is to be kept."""
        return Stored(
            self.id,
            self.path,
            self.place.pair.name,
            self.access,
            self.created,
            self.number,
            self.noted,
            self.held(home=True),
            self.held(home=False),
        )

    def with_access(self, access: AccessList, number: int) -> Stored:
        """What is to be kept once the access list is replaced."""
        return evolve(self.stored(), access=access, number=number)

    def right_of(self, user: str) -> str:
        """The most that somebody may do, in one letter; C{-} for nothing."""
        access = self.access
        if user == access.owner:
            return "o"
        for name, granted in access.grants:
            if name == user:
                return granted
        return "-"

    def grants(self) -> tuple[str, ...]:
        """Whom the owner let in, as the wire writes it."""
        return tuple([f"{right}:{user}" for user, right in self.access.grants])


def _ignore(thing: object) -> None:
    """Nobody wants to know."""


#: The same class, called with what C{struct} gives back and a type checker cannot count.
_unpacked: Callable[..., Noted] = Noted


class Index:
    """
    Every document.

    @ivar names: where they stand.
    @ivar places: the pairs, by name.
    @ivar on_work: called with a pair of which something became dirty or behind.
    @ivar on_copy: called with a document of which a member is found to have more, or that is gone.
    @ivar on_gone: called with a document that is gone.
    """

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        """
        @param now: seconds on any steady clock, to tell how long something has been dirty.
        """
        self.names: Namespace[Entry] = Namespace()
        self.places: dict[str, Place] = {}
        self.on_work: Callable[[Place], None] = _ignore
        self.on_copy: Callable[[Entry], None] = _ignore
        self.on_gone: Callable[[Entry], None] = _ignore
        self._now = now
        self._by_id: dict[int, Entry] = {}
        self._private: dict[str, AccessList] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, document_id: int) -> bool:
        return document_id in self._by_id

    def load(
        self, pairs: Iterable[Pair], documents: Iterable[Stored], graves: Iterable[Grave] = ()
    ) -> None:
        """Take over what was kept."""
        for pair in pairs:
            self.found(pair)
        for grave in graves:
            self.places[grave.pair].graves[grave.id] = grave
        for document in documents:
            self.add(document).live = True
        self.names.settle()

    def found(self, pair: Pair) -> Place:
        """
        Know a pair, or what is new about it; see L{dfs.nm.surveys} for what follows from that.
        """
        place = self.places.get(pair.name)
        if place is None:
            place = self.places[pair.name] = Place(pair)
        place.pair = pair
        if not pair.copying:
            place.dirty.clear()
        return place

    def place_of(self, server: str) -> Place | None:
        """The pair that a server is a member of, by agreement or by its name."""
        usual = self.places.get(server.removesuffix(BACKUP))
        if usual is not None and server in (usual.pair.home, usual.pair.backup):
            return usual
        for place in self.places.values():
            if server in (place.pair.home, place.pair.backup):
                return place
        return None

    def entries(self) -> list[Entry]:
        """All documents, as they are now."""
        return list(self._by_id.values())

    def add(self, stored: Stored) -> Entry:
        """
        Take a name for a document that nobody sees before it is L{Entry.live}.

        @raise Exists: the name is taken.
        """
        entry = Entry(
            "",
            None,
            stored.id,
            self.places[stored.pair],
            self.shared(stored.access),
            stored.created,
            stored.number,
            False,
            intern(stored.noted.modified_by),
            stored.home.packed() + stored.backup.packed() + stored.noted.packed(),
        )
        self.names.add(stored.path, entry)
        self._by_id[entry.id] = entry
        entry.place.documents += 1
        entry.place.conflicts += stored.noted.conflicts
        self.assess(entry)
        return entry

    def remove(self, entry: Entry) -> None:
        """Forget a document and free its name."""
        self.names.remove(entry)
        del self._by_id[entry.id]
        entry.live = False
        place = entry.place
        place.documents -= 1
        place.conflicts -= entry.conflicts
        place.owed.discard(entry)
        place.dirty.pop(entry, None)
        place.behind.pop(entry, None)
        self.on_copy(entry)
        self.on_gone(entry)

    def describe(self, entry: Entry, access: AccessList, number: int) -> None:
        """Replace the access list of a document; its storage servers are to be told."""
        entry.access = self.shared(access)
        entry.number = number
        self.assess(entry)

    def learn(self, entry: Entry, version: Version, number: int, *, home: bool) -> None:
        """
        A member is found to have this; what it had before it still has.

        @raise struct.error: these are no numbers for a version.
        """
        old = entry.held(home=home)
        if not version >= old.version:
            version = old.version
        new = Copy(version.a, version.b, max(number, old.number))
        if new != old:
            entry.hold(new, home=home)
            self.assess(entry)
            self.on_copy(entry)

    def assess(self, entry: Entry) -> None:
        """Find out what of a document is owed, dirty and behind; see Note [Two members]."""
        if entry.id not in self._by_id:
            return  # it was deleted meanwhile
        place = entry.place
        active, copy = entry.active, entry.copy
        if active.number < entry.number and not entry.elsewhere:
            place.owed.add(entry)
        else:
            place.owed.discard(entry)
        behind = copy.number > 0 and not (active.number and active.version >= copy.version)
        if behind:
            place.behind.setdefault(entry)
        else:
            place.behind.pop(entry, None)
        dirty = active.number > 0 and (
            copy.number < entry.number or not copy.version >= active.version
        )
        if dirty and place.pair.copying:
            place.dirty.setdefault(entry, self._now())
        elif entry in place.dirty:
            del place.dirty[entry]
        if entry in place.dirty or behind:
            self.on_work(place)

    def requeue(self, entry: Entry) -> None:
        """The peer got something of a document, but it has changed again: others are first."""
        dirty = entry.place.dirty
        if entry in dirty:
            dirty[entry] = self._now()
            dirty.move_to_end(entry)

    def haunt(self, grave: Grave) -> None:
        """Some member may still have a document that is gone, or none any more."""
        place = self.places[grave.pair]
        if grave.haunted:
            place.graves[grave.id] = grave
            self.on_work(place)
        else:
            place.graves.pop(grave.id, None)
            place.missed.pop(grave.id, None)

    def by_id(self, document_id: int) -> Entry | None:
        """The document with an id, also one that is being made."""
        return self._by_id.get(document_id)

    def document(self, path: str) -> Entry:
        """
        The document that stands at a path as somebody wrote it.

        @raise NotFound: none does.
        @raise Invalid: none can.
        """
        # Only normalized paths stand for something, so one that does is normalized.
        found = self.names.find(path)
        if type(found) is Entry and found.live:
            return found
        path = normalize(path)
        found = self.names.find(path)
        if isinstance(found, Entry) and found.live:
            return found
        if isinstance(found, Folder):
            raise NotFound(f"{path!r} is a folder, not a document")
        raise NotFound(f"there is no document {path!r}")

    def shared(self, access: AccessList) -> AccessList:
        """The same access list, in memory that others may share."""
        if access.grants:
            grants = tuple([(intern(user), intern(right)) for user, right in access.grants])
            return AccessList(intern(access.owner), grants)
        private = self._private.get(access.owner)
        if private is None:
            private = self._private[access.owner] = AccessList(intern(access.owner))
        return private


def demand(entry: Entry, user: str, right: Right) -> None:
    """
    Make sure that somebody may do something.

    @raise Unauthorized: says what is missing and whom to ask, and nothing else of the document.
    """
    if not entry.access.allows(user, right):
        hint = "ask them" if right is Right.OWN else "REQUESTACCESS asks its owner"
        raise Unauthorized(f"{_DEEDS[right]} {entry.path!r}; {hint}")


_DEEDS = {
    Right.READ: "you may not read",
    Right.WRITE: "you may not change",
    Right.OWN: "only its owner may do this to",
}
