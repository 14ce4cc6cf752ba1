"""
Two copies of one document: which is newer, and what becomes of both when neither is.

Decides what a member of a pair makes of a copy that it is sent.  Must not know how copies travel or
are stored.  The rules are those of C{tests/model/pair_model.py}; its names stand in brackets.

Note [Metadata].  Path, owner and access list are decided by the name server and numbered by it, so
whichever copy has the higher number has the right ones, whatever the texts are.

Note [Equal is not the same].  Counters never repeat, so equal versions are the same state, unless a
disk forgot commits that it had called durable and counted them again.  Taking two different states
for equal would leave them different for ever; they are treated as concurrent.
"""

from __future__ import annotations

import datetime

from attrs import evolve

from dfs.core.documents import Checkpoint, Content, Document
from dfs.core.history import CONFLICT, MAX_CHECKPOINTS, Stamp
from dfs.core.names import MAX_TAG, shortened
from dfs.core.versions import Version
from dfs.errors import Conflict


def received(own: Document | None, theirs: Document) -> Document | None:
    """
    What the peer makes of a copy from the active member.

    Only what is strictly newer is applied; an equal or older copy is harmless [put].

    @return: the new state; None if there is nothing to change.
    @raise Conflict: neither contains the other; nothing may be changed [put_over_concurrent].
    """
    if own is None:
        return theirs
    if own.version.concurrent(theirs.version):
        raise Conflict(f"this member has {own.version}, which is beside {theirs.version}")
    if _differ(own, theirs):
        raise Conflict(f"this member has another {own.version} than the one that came")
    new = theirs if theirs.version > own.version else own
    new = _with_newest_metadata(new, own, theirs)
    return None if new == own else new


def judged(own: Document | None, orphan: Document, server: str, stamp: Stamp) -> Document | None:
    """
    What the active member makes of a copy that only the returned member has.

    Untouched here since, it is adopted [adopt]; changed here too, the text here stays and the other
    one becomes a checkpoint [conflict-copy].  The new version is above both, so that repeating it
    changes nothing.

    @param server: the returned member.
    @param stamp: of the active member, now.
    @return: the new state; None if this member has it all already.
    @raise Conflict: it was deleted here and changed there; it needs a new id to live on.
    """
    if own is None:
        return stamp.apply(orphan)
    if own.version >= orphan.version and not _differ(own, orphan):
        return None
    if own.deleted and not orphan.deleted:
        raise Conflict("the document was deleted here")
    if orphan.version > own.version:
        return stamp.apply(_with_newest_metadata(orphan, own, orphan))
    above = Version(max(own.version.a, orphan.version.a), max(own.version.b, orphan.version.b))
    merged = evolve(own, version=above)
    if not orphan.deleted:
        merged = _with_conflicts(merged, orphan, server, stamp)
    return stamp.apply(_with_newest_metadata(merged, own, orphan))


def _differ(one: Document, other: Document) -> bool:
    """See Note [Equal is not the same]; metadata has its own number."""
    if one.version != other.version:
        return False
    return _texts(one) != _texts(other)


def _texts(document: Document) -> tuple[bool, list[str], list[Content]]:
    tags = [checkpoint.tag for checkpoint in document.checkpoints]
    return document.deleted, tags, document.contents()


def _with_newest_metadata(new: Document, one: Document, other: Document) -> Document:
    newest = max(one.metadata, other.metadata, key=lambda metadata: metadata.number)
    return new if new.metadata == newest else evolve(new, metadata=newest)


def _with_conflicts(own: Document, orphan: Document, server: str, stamp: Stamp) -> Document:
    """Keep the other text, and checkpoints that only the other copy has."""
    known = {one.tag: one for one in own.checkpoints}
    kept = [one.revision.content for one in own.checkpoints if one.tag.startswith(CONFLICT)]
    added = []
    if orphan.current.content not in (own.current.content, *kept):
        added.append(("", orphan.current))
    for one in orphan.checkpoints:
        mine = known.get(one.tag)
        if mine is None and len(known) < MAX_CHECKPOINTS:
            known[one.tag] = one
        elif mine is None or mine.revision.content != one.revision.content:
            added.append((f"-{one.tag}", one.revision))
    for suffix, revision in added:
        # A conflict is kept even above the limit: it may be the only copy.
        tag = _tag(server, suffix, stamp.now, known)
        known[tag] = Checkpoint(tag, revision, stamp.now, revision.modified_by)
    return evolve(own, checkpoints=tuple(sorted(known.values(), key=lambda one: one.tag)))


def _tag(server: str, suffix: str, now: float, taken: dict[str, Checkpoint]) -> str:
    """
    C{conflict-<server>-<UTC time>}, followed by the checkpoint's own tag; one that is not taken.

    When it would be too long, the time stays, and the server's name loses its middle.
    """
    when = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y%m%dT%H%M%S")
    number, ending = 1, ""
    while True:
        room = MAX_TAG - len(f"{CONFLICT}-{when}{ending}")
        head = f"{CONFLICT}{shortened(server, room)}-{when}"
        tag = head + suffix[: MAX_TAG - len(head + ending)] + ending
        if tag not in taken:
            return tag
        number += 1
        ending = f".{number}"
