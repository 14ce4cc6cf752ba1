"""
What the name server keeps about one document: where it stands, what its members have, what it was.

Decides which facts there are and how those of notes are packed into few bytes.  Must not know how
documents are found or facts are kept.
"""

from __future__ import annotations

import struct

from attrs import evolve, frozen

from dfs.core.access import AccessList
from dfs.core.history import empty
from dfs.core.pairs import Pair
from dfs.core.versions import Version

#: See L{Noted.packed} for the fields.
PACKED = struct.Struct("<32sqqqqqqIdII?")

#: C{Noted.conflicts} alone, and where it stands in it: before the last field, a byte.
CONFLICTS = struct.Struct("<I")
CONFLICTS_AT = PACKED.size - 1 - CONFLICTS.size

#: The version that it is about, alone, and where that stands in it.
VERSION = struct.Struct("<qq")
VERSION_AT = struct.calcsize("<32sqqqq")

#: What each member has; it stands in front: of the home primary, then of the backup.
COPY = struct.Struct("<III")
COPIES_BYTES = 2 * COPY.size


@frozen
class Copy:
    """
    What a member of a pair is known to have of a document.

    @ivar a: with C{b}, the L{Version} of the texts.
    @ivar number: of the metadata; 0 if it is not known to have the document at all.
    """

    a: int = 0
    b: int = 0
    number: int = 0

    @property
    def version(self) -> Version:
        """Of the texts."""
        return Version(self.a, self.b)

    def packed(self) -> bytes:
        """In few bytes."""
        return COPY.pack(self.a, self.b, self.number)


@frozen
class Missed:
    """
    What a member had of a document when that was deleted without seeing it.

    @ivar home: the home primary has it, not the backup.
    @ivar version: what a deletion must contain to have seen it after all.
    @ivar sha256: of the text, hex; C{size} in bytes.
    @ivar modified: seconds since the epoch.
    """

    home: bool
    version: Version
    sha256: str
    size: int
    modified: float


#: What a member has that does not have the document.
NOTHING = Copy()


@frozen
class Noted:
    """
    What the storage server said last about a document.

    @ivar a: with C{b}, the L{Version} that this is about.
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

    def packed(self) -> bytes:
        """Everything but C{modified_by}, in few bytes."""
        return PACKED.pack(
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
    @ivar folder: id of the folder that it stands in; C{name} in there.
    @ivar pair: the name of the pair that holds it.
    @ivar created: seconds since the epoch.
    @ivar number: of the metadata (place, owner, access list); raised at each change.
    @ivar named: the number with which it got its folder and name.
    @ivar noted: what its active member said last.
    @ivar home: what the home primary has; C{backup} likewise.
    """

    id: int
    folder: int
    name: str
    pair: str
    access: AccessList
    created: float
    number: int
    named: int
    noted: Noted
    home: Copy = NOTHING
    backup: Copy = NOTHING


@frozen
class Grave:
    """
    A document that was deleted, or given up while it was made.

    @ivar version: the newest that the deletion is known to have seen.
    @ivar when: seconds since the epoch.
    @ivar at_home: the home primary may still have it; C{at_backup} likewise.
    """

    id: int
    pair: str
    path: str
    owner: str
    version: Version
    when: float
    at_home: bool = False
    at_backup: bool = False

    @property
    def haunted(self) -> bool:
        """Some member may still have it."""
        return self.at_home or self.at_backup

    def may_be_at(self, *, home: bool) -> bool:
        """Whether that member may still have it."""
        return self.at_home if home else self.at_backup

    def raised(self, *, home: bool) -> Grave:
        """It is on that member all the same."""
        return evolve(self, at_home=True) if home else evolve(self, at_backup=True)

    def laid(self, *, home: bool) -> Grave:
        """It is gone from that member."""
        return evolve(self, at_home=False) if home else evolve(self, at_backup=False)
