"""
What a document is: the values that stores keep, servers exchange and replicas copy.

Decides the shape of a whole document state.  Must not know how it is changed (L{dfs.core.history}
does), stored or sent.
"""

from __future__ import annotations

from attrs import frozen

from dfs.core.access import AccessList
from dfs.core.measure import Measure
from dfs.core.versions import Version


@frozen
class Content:
    """
    Some bytes, named by what they are.

    @ivar sha256: 32 bytes; the name of the content everywhere.
    @ivar measure: size, words, characters, sentences.
    """

    sha256: bytes
    measure: Measure

    @classmethod
    def unmeasured(cls, sha256: bytes, size: int) -> Content:
        """One of which nothing is known but its name and how many bytes it has."""
        return cls(sha256, Measure(size, 0, 0, 0, is_text=False))

    @property
    def size(self) -> int:
        """Bytes."""
        return self.measure.size


@frozen
class Revision:
    """
    One text that a document had.

    @ivar modified: when it became the text, seconds since the epoch.
    @ivar modified_by: who made it.
    """

    content: Content
    modified: float
    modified_by: str


@frozen
class Checkpoint:
    """
    A revision with a name that is kept until removed.

    @ivar tag: its name.
    @ivar made: when, seconds since the epoch.
    @ivar made_by: who made it.
    """

    tag: str
    revision: Revision
    made: float
    made_by: str


@frozen
class Metadata:
    """
    What the name server decides about a document.

    @ivar folder: id of the folder that it stands in (L{dfs.core.folders}); C{name} in there.
    @ivar created: seconds since the epoch.
    @ivar number: raised by the name server at each change of this metadata; a copy with a lower
        number is older.
    @ivar named: the number with which it got its folder and name.
    """

    folder: int
    name: str
    access: AccessList
    created: float
    number: int
    named: int = 0


@frozen
class Document:
    """
    The whole state of one document, the unit of storing and of replication.

    @ivar id: 16 hex digits for life.
    @ivar undo: the texts before the present one, oldest first.
    @ivar redo: the texts that UNDO took back, the next one to bring back last.
    @ivar checkpoints: sorted by tag.
    @ivar deleted: this is a tombstone; its texts are gone.
    """

    id: str
    metadata: Metadata
    version: Version
    epoch: int
    current: Revision
    undo: tuple[Revision, ...] = ()
    redo: tuple[Revision, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    deleted: bool = False

    def contents(self) -> list[Content]:
        """Every content that this state refers to; the same one as often as it is referred to."""
        revisions = [self.current, *self.undo, *self.redo]
        revisions += [checkpoint.revision for checkpoint in self.checkpoints]
        return [revision.content for revision in revisions]


@frozen
class Summary:
    """
    What a storage server tells the name server about one document (a note).

    @ivar seq: position in the storage server's change log.
    @ivar metadata_number: which metadata the storage server has.
    @ivar checkpoints: how many, conflicts included.
    @ivar conflicts: how many of them are conflicts.
    """

    seq: int
    id: str
    version: Version
    epoch: int
    content: Content
    modified: float
    modified_by: str
    metadata_number: int
    checkpoints: int
    conflicts: int
    deleted: bool
