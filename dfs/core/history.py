"""
How a document changes: writing, undo, redo, checkpoints.

Decides the next whole state of a document from the present one.  Content is immutable and named
by its hash, so every one of these moves pointers and copies nothing.  Rights are not part of
history: going back restores text, never rights.  Must not know about storing, sending or locks.
"""

from __future__ import annotations

import hashlib

from attrs import evolve, frozen

from dfs.core.documents import Checkpoint, Content, Document, Metadata, Revision
from dfs.core.measure import measure
from dfs.core.names import tag as legal
from dfs.core.pairs import FIRST_EPOCH
from dfs.core.versions import Version
from dfs.errors import Exists, Invalid, NotFound, TooLarge

#: Checkpoints of one document, conflicts included.
MAX_CHECKPOINTS = 1_000

#: SHA-256 of nothing.
_EMPTY_SHA256 = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

#: How tags of conflict checkpoints begin.
CONFLICT = "conflict-"


def empty() -> Content:
    """The content of a document without a byte."""
    return Content(_EMPTY_SHA256, measure(b""))


def content_of(data: bytes) -> Content:
    """Measure and name some bytes."""
    return Content(hashlib.sha256(data).digest(), measure(data))


def created(document_id: str, metadata: Metadata) -> Document:
    """
    A new, empty document.

    The same whoever makes it and when: the members of a pair may both be asked to.
    """
    revision = Revision(empty(), metadata.created, metadata.access.owner)
    return Document(document_id, metadata, Version(), FIRST_EPOCH, revision)


@frozen
class Stamp:
    """
    Who changes a document, when and where.

    @ivar user: the person.
    @ivar now: seconds since the epoch.
    @ivar epoch: of the pair.
    @ivar home: this member is the pair's home primary.
    """

    user: str
    now: float
    epoch: int
    home: bool

    def apply(self, document: Document) -> Document:
        """The document with the version and epoch of one more commit."""
        return evolve(document, version=document.version.next(home=self.home), epoch=self.epoch)


def written(document: Document, content: Content, stamp: Stamp, depth: int) -> Document:
    """
    The document with a new text; what could be redone is forgotten.

    @param depth: how many older texts UNDO may reach.
    """
    undo = (*document.undo, document.current)[-depth:] if depth else ()
    revision = Revision(content, stamp.now, stamp.user)
    return stamp.apply(evolve(document, current=revision, undo=undo, redo=()))


def undone(document: Document, stamp: Stamp) -> Document:
    """
    The document as it was before its last change.

    @raise NotFound: there is no older text.
    """
    if not document.undo:
        raise NotFound("Nothing to undo")
    redo = (*document.redo, document.current)
    back = Revision(document.undo[-1].content, stamp.now, stamp.user)
    return stamp.apply(evolve(document, current=back, undo=document.undo[:-1], redo=redo))


def redone(document: Document, stamp: Stamp) -> Document:
    """
    The document as it was before the last UNDO.

    @raise NotFound: nothing was undone since the last change.
    """
    if not document.redo:
        raise NotFound("Nothing to redo")
    undo = (*document.undo, document.current)
    forward = Revision(document.redo[-1].content, stamp.now, stamp.user)
    return stamp.apply(evolve(document, current=forward, undo=undo, redo=document.redo[:-1]))


def checkpoint(document: Document, tag: str) -> Checkpoint:
    """
    The checkpoint with that tag.

    @raise NotFound: there is none.
    """
    for candidate in document.checkpoints:
        if candidate.tag == tag:
            return candidate
    raise NotFound(f"no checkpoint {tag!r}; LISTCHECKPOINTS shows them all")


def checkpointed(document: Document, tag: str, stamp: Stamp) -> Document:
    """
    The document with its present text kept under a tag.

    @raise Exists: the tag is taken.
    @raise TooLarge: there are too many checkpoints.
    @raise Invalid: nothing can be tagged so, or only conflicts are.
    """
    if legal(tag).startswith(CONFLICT):
        raise Invalid(f"tags that begin with {CONFLICT!r} are made by the system only")
    if any(one.tag == tag for one in document.checkpoints):
        raise Exists(f"there is a checkpoint {tag!r} already; choose another tag")
    if len(document.checkpoints) >= MAX_CHECKPOINTS:
        raise TooLarge(
            f"a document has at most {MAX_CHECKPOINTS:,} checkpoints; remove one with "
            "DELETECHECKPOINT first"
        )
    new = Checkpoint(tag, document.current, stamp.now, stamp.user)
    every = sorted((*document.checkpoints, new), key=lambda one: one.tag)
    return stamp.apply(evolve(document, checkpoints=tuple(every)))


def reverted(document: Document, tag: str, stamp: Stamp, depth: int) -> Document:
    """
    The document with the text of a checkpoint; a change like any other.

    @raise NotFound: no such checkpoint.
    """
    return written(document, checkpoint(document, tag).revision.content, stamp, depth)


def without_checkpoint(document: Document, tag: str, stamp: Stamp) -> Document:
    """
    The document without one of its checkpoints.

    @raise NotFound: no such checkpoint.
    """
    gone = checkpoint(document, tag)
    rest = tuple(one for one in document.checkpoints if one is not gone)
    return stamp.apply(evolve(document, checkpoints=rest))


def described(document: Document, metadata: Metadata) -> Document:
    """The document with newer metadata; an older one changes nothing."""
    if metadata.number <= document.metadata.number:
        return document
    return evolve(document, metadata=metadata)


def buried(document: Document, stamp: Stamp) -> Document:
    """The tombstone of a document: no texts, no history, a newer version."""
    gone = Revision(empty(), stamp.now, stamp.user)
    return stamp.apply(
        evolve(document, current=gone, undo=(), redo=(), checkpoints=(), deleted=True)
    )
