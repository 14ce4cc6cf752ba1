"""
What the name server knows about every document, in memory.

Decides how a document is found, by path and by id, and keeps each in a few hundred bytes.  Must not
know about the journal, connections, or who asks.

Note [Bytes of an entry].  There may be millions, so what notes say is packed into one C{bytes}, ids
are ints, names of users are shared, and so are the access lists of owners who let nobody in.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from sys import intern

from attrs import define, field, frozen

from dfs.core.access import AccessList, Right
from dfs.core.history import empty
from dfs.core.namespace import Folder, Leaf, Namespace
from dfs.core.pairs import Pair
from dfs.core.paths import normalize
from dfs.core.versions import Version
from dfs.errors import NotFound, Unauthorized

#: See L{Noted.packed} for the fields; the version stands right behind hash and figures.
_PACKED = struct.Struct("<32sqqqqqqIdII?")
_VERSION = struct.Struct("<qq")
_VERSION_AT = 32 + 4 * 8


@frozen
class Noted:
    """
    What the storage server said last about a document.

    @ivar a: with C{b}, its L{Version}.
    @ivar epoch: in which it was committed.
    @ivar sha256: of the present text.
    @ivar modified: seconds since the epoch (of the calendar).
    @ivar checkpoints: how many, conflicts included.
    """

    sha256: bytes
    size: int
    words: int
    characters: int
    sentences: int
    a: int
    b: int
    epoch: int
    modified: float
    checkpoints: int
    conflicts: int
    is_text: bool
    modified_by: str

    @classmethod
    def new(cls, pair: Pair, created: float, owner: str) -> Noted:
        """What is known about a document that was just made."""
        return cls(empty().sha256, 0, 0, 0, 0, 0, 0, pair.epoch, created, 0, 0, True, owner)

    @property
    def version(self) -> Version:
        """What the text contains."""
        return Version(self.a, self.b)

    def packed(self) -> bytes:
        """Everything but C{modified_by}, in few bytes."""
        return _PACKED.pack(
            self.sha256,
            self.size,
            self.words,
            self.characters,
            self.sentences,
            self.a,
            self.b,
            self.epoch,
            self.modified,
            self.checkpoints,
            self.conflicts,
            self.is_text,
        )


@frozen
class Stored:
    """
    All that the name server must not forget about one document.

    @ivar id: 64 bits.
    @ivar pair: the name of the pair that holds it.
    @ivar created: seconds since the epoch.
    @ivar number: of the metadata (path, owner, access list); raised at each change.
    @ivar told: the number that the storage server is known to have; 0 before it has the document.
    """

    id: int
    path: str
    pair: str
    access: AccessList
    created: float
    number: int
    told: int
    noted: Noted


@define(eq=False)
class Place:
    """
    A pair, as every document that it holds points to it: a failover changes one value.

    @ivar documents: how many are placed here.
    @ivar owed: documents whose newest metadata the active server is not known to have.
    """

    pair: Pair
    documents: int = 0
    owed: set[Entry] = field(factory=set)


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
    told: int
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
        return _unpacked(*_PACKED.unpack(self._packed), self.modified_by)

    @noted.setter
    def noted(self, noted: Noted) -> None:
        self._packed = noted.packed()
        self.modified_by = intern(noted.modified_by)

    @property
    def version(self) -> Version:
        """The version of what the storage server said last."""
        return Version(*_VERSION.unpack_from(self._packed, _VERSION_AT))

    def with_access(self, access: AccessList, number: int) -> Stored:
        """What is to be kept once the access list is replaced."""
        return Stored(
            self.id,
            self.path,
            self.place.pair.name,
            access,
            self.created,
            number,
            self.told,
            self.noted,
        )

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


#: The same class, called with what C{struct} gives back and a type checker cannot count.
_unpacked: Callable[..., Noted] = Noted


class Index:
    """
    Every document.

    @ivar names: where they stand.
    @ivar places: the pairs, by name.
    """

    def __init__(self) -> None:
        self.names: Namespace[Entry] = Namespace()
        self.places: dict[str, Place] = {}
        self._by_id: dict[int, Entry] = {}
        self._private: dict[str, AccessList] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, document_id: int) -> bool:
        return document_id in self._by_id

    def load(self, pairs: Iterable[Pair], documents: Iterable[Stored]) -> None:
        """Take over what was kept."""
        for pair in pairs:
            self.found(pair)
        for document in documents:
            self.add(document).live = True
        self.names.settle()

    def found(self, pair: Pair) -> Place:
        """Know a pair, or what is new about it."""
        place = self.places.get(pair.name)
        if place is None:
            place = self.places[pair.name] = Place(pair)
        place.pair = pair
        return place

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
            stored.told,
            False,
            intern(stored.noted.modified_by),
            stored.noted.packed(),
        )
        self.names.add(stored.path, entry)
        self._by_id[entry.id] = entry
        entry.place.documents += 1
        if entry.told < entry.number:
            entry.place.owed.add(entry)
        return entry

    def remove(self, entry: Entry) -> None:
        """Forget a document and free its name."""
        self.names.remove(entry)
        del self._by_id[entry.id]
        entry.live = False
        entry.place.documents -= 1
        entry.place.owed.discard(entry)

    def describe(self, entry: Entry, access: AccessList, number: int) -> None:
        """Replace the access list of a document; its storage server is to be told."""
        entry.access = self.shared(access)
        entry.number = number
        entry.place.owed.add(entry)

    def was_told(self, entry: Entry, number: int) -> None:
        """The active storage server has this metadata."""
        entry.told = max(entry.told, number)
        if entry.told >= entry.number:
            entry.place.owed.discard(entry)

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
        raise Unauthorized(f"{_DEEDS[right]} {entry.path!r}; ask its owner")


_DEEDS = {
    Right.READ: "you may not read",
    Right.WRITE: "you may not change",
    Right.OWN: "only its owner may do this to",
}
