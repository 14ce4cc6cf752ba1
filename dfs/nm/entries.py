"""
One document, and the pair that holds it, as the name server has them in memory.

Decides what is known about each, in how few bytes, and what somebody may do with it.  Must not know
how documents are found, the journal, or who asks.

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

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from sys import intern

from attrs import define, evolve, field

from dfs.core.access import AccessList, Right
from dfs.core.namespace import Folder, Leaf
from dfs.core.pairs import Pair
from dfs.core.versions import Version
from dfs.errors import Unauthorized
from dfs.nm.kept import (
    CONFLICTS,
    CONFLICTS_AT,
    COPIES_BYTES,
    COPY,
    NOTHING,
    PACKED,
    VERSION,
    VERSION_AT,
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
    @ivar unshown: documents of which something else is shown than the active member has.
    @ivar graves: documents that some member may still have although they are gone.
    @ivar missed: what the peer still has of such a document, and its deletion did not see.
    @ivar doubted: graves, and members (the home primary or not) that may have something of their
        documents which their deletion did not see: they are asked before it is removed.
    @ivar raised: graves of which the journal does not know that a member has their documents.
    @ivar conflicts: conflict checkpoints of its documents.
    @ivar moving: another member is about to become active; until then nobody may serve.
    @ivar draining: the active member is asked to finish.
    @ivar refused: when it could not make a document last, in seconds on a steady clock.
    @ivar forgetting: the journal forgets what a member has (True: the home primary); until it has,
        it is told nothing of that.
    """

    pair: Pair
    documents: int = 0
    owed: set[Entry] = field(factory=set)
    dirty: OrderedDict[Entry, float] = field(factory=OrderedDict)
    behind: OrderedDict[Entry, None] = field(factory=OrderedDict)
    unshown: OrderedDict[Entry, None] = field(factory=OrderedDict)
    graves: OrderedDict[int, Grave] = field(factory=OrderedDict)
    missed: dict[int, Missed] = field(factory=dict)
    doubted: set[tuple[int, bool]] = field(factory=set)
    raised: set[int] = field(factory=set)
    conflicts: int = 0
    moving: bool = False
    draining: bool = False
    refused: float = -math.inf
    forgetting: bool | None = None

    def is_home(self, server: str) -> bool:
        """Whether a member is the home primary."""
        return server == self.pair.home

    def lacking(self) -> Iterator[Entry]:
        """Documents of which the peer lacks a text; rights and names it can be told of."""
        return (entry for entry in self.dirty if not entry.safe)


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
    named: int
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

    @property
    def shown(self) -> bool:
        """What is shown is what the active member has."""
        active = self.active
        shown = VERSION.unpack_from(self._packed, COPIES_BYTES + VERSION_AT)
        return not active.number or shown == (active.a, active.b)

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
    def safe(self) -> bool:
        """The peer has it, with the newest text."""
        return self.copy.number > 0 and self.copy.version >= self.version

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
        assert self.parent is not None, "it stands nowhere"
        return Stored(
            self.id,
            self.parent.id,
            self.name,
            self.place.pair.name,
            self.access,
            self.created,
            self.number,
            self.named,
            self.noted,
            NOTHING if self.place.forgetting is True else self.held(home=True),
            NOTHING if self.place.forgetting is False else self.held(home=False),
        )

    def with_access(self, access: AccessList, number: int) -> Stored:
        """What is to be kept once the access list is replaced."""
        return evolve(self.stored(), access=access, number=number)

    def placed(self, folder: Folder, name: str, number: int) -> Stored:
        """What is to be kept once it stands elsewhere."""
        return evolve(self.stored(), folder=folder.id, name=name, number=number, named=number)

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
