"""
What becomes of a document of which the stores of a pair are all that is left.

Decides what a rebuilt name server knows of it: that it lives, and what each member has of it, or
that it is gone, and who may still have it.  What a running name server would make of that is in
L{dfs.core.replicas}, L{dfs.nm.notes} and L{dfs.nm.rescue}.  Must not know other documents, or where
they stand.

Note [Deleted here, alive there].  The member that is active decides, because deletions are orders
to it.  If it has buried the document, the other one is told to; a text that only the other one has
is rescued then, as ever.  If only the other one has buried it, that is the end too if it had seen
all that the active member has.  If it had not, the text stays, but not under its name: that was
free from the deletion on.

Note [Numbers].  A member that is not there may have names and rights that were never seen here.
Numbers far above any that it can have make sure that what is decided here is newer than them, and
that no number is given twice.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from attrs import evolve, frozen

from dfs.core.documents import Document
from dfs.core.history import CONFLICT
from dfs.core.pairs import Pair
from dfs.core.paths import beside
from dfs.core.versions import Version
from dfs.nm.kept import NOTHING, Copy, Noted, Stored

#: How many numbers are passed over; see Note [Numbers].
NUMBERS = 1_000_000


@frozen
class Alive:
    """
    It lives.

    @ivar renamed: the name that it had to give up; empty if it did not.
    """

    stored: Stored
    renamed: str = ""


@frozen
class Gone:
    """
    It was deleted.

    @ivar document: the tombstone, which has its name and owner.
    @ivar version: the newest that the deletion has seen.
    @ivar at_home: the home primary may still have it; C{at_backup} likewise.
    @ivar unseen: the deletion has not seen all of what is there.
    """

    document: Document
    version: Version
    at_home: bool
    at_backup: bool
    unseen: bool = False


def outcome(
    pair: Pair, home: Document | None, backup: Document | None, *, alone: bool
) -> Alive | Gone | None:
    """
    What becomes of a document.

    @param home: what the store of the home primary has; C{backup} likewise.
    @param alone: only the active member has a store.
    @return: None if there is nothing to know.
    """
    active, peer = (home, backup) if pair.home_active else (backup, home)
    if active is None:
        # Buried where nobody serves, and never heard of here: nothing is left to tell.
        return None if peer is None or peer.deleted else Alive(_stored(pair, home, backup))
    if active.deleted:
        there = alone if peer is None else not peer.deleted
        unseen = peer is not None and there and not active.version >= peer.version
        return _gone(pair, active, there, unseen=unseen) if there else None
    stored = _stored(pair, home, backup)
    if peer is not None and peer.deleted and not active.version >= peer.version:
        if peer.version >= active.version:
            return _gone(pair, peer, there=True, at_active=True)
        return _set_aside(stored, pair.active, active)
    if alone:
        stored = evolve(stored, number=stored.number + NUMBERS)
    return Alive(stored)


def _gone(
    pair: Pair, tombstone: Document, there: bool, *, at_active: bool = False, unseen: bool = False
) -> Gone:
    at_home = there and pair.home_active is at_active
    return Gone(tombstone, tombstone.version, at_home, there and not at_home, unseen)


def _set_aside(stored: Stored, server: str, document: Document) -> Alive:
    """What a deletion has not seen stays, beside its name."""
    when = datetime.datetime.fromtimestamp(document.current.modified, datetime.UTC)
    name = beside(stored.name, f".conflict-{server}-{when:%Y%m%dT%H%M%S}")
    return Alive(renamed(stored, name), stored.name)


def renamed(stored: Stored, name: str) -> Stored:
    """The same under another name, which its members are to be told."""
    return evolve(stored, name=name, number=stored.number + 1, named=stored.number + 1)


def _stored(pair: Pair, home: Document | None, backup: Document | None) -> Stored:
    """What is known of a document that lives; what its members have differs or not."""
    found = [one for one in (home, backup) if one is not None]
    metadata = max((one.metadata for one in found), key=lambda one: one.number)
    active = home if pair.home_active else backup
    shown = active or found[0]
    content = shown.current.content
    figures = content.measure
    return Stored(
        int(shown.id, 16),
        metadata.folder,
        metadata.name,
        pair.name,
        metadata.access,
        metadata.created,
        metadata.number,
        metadata.named,
        Noted(
            content.sha256,
            figures.size,
            figures.words,
            figures.characters,
            figures.sentences,
            shown.version.a,
            shown.version.b,
            shown.epoch,
            shown.current.modified,
            len(shown.checkpoints),
            sum(one.tag.startswith(CONFLICT) for one in shown.checkpoints),
            figures.is_text,
            shown.current.modified_by,
        ),
        _copy(home),
        _copy(backup),
    )


def _copy(document: Document | None) -> Copy:
    """What a member has."""
    if document is None:
        return NOTHING
    return Copy(document.version.a, document.version.b, max(1, document.metadata.number))


def differs(pair: Pair, stored: Stored) -> tuple[bool, bool]:
    """Whether the peer lacks something of a document, and whether the active member does."""
    home, backup = stored.home, stored.backup
    active, peer = (home, backup) if pair.home_active else (backup, home)
    lacks = peer.number < stored.number or not peer.version >= active.version
    behind = peer.number > 0 and not (active.number and active.version >= peer.version)
    return active.number > 0 and lacks, behind


def people(document: Document) -> Iterator[str]:
    """Everybody whom a document names."""
    yield document.metadata.access.owner
    yield from (user for user, _ in document.metadata.access.grants)
    revisions = [document.current, *document.undo, *document.redo]
    for checkpoint in document.checkpoints:
        yield checkpoint.made_by
        revisions.append(checkpoint.revision)
    yield from (one.modified_by for one in revisions)
