"""
What the stores of all storage servers say, taken together.

Decides which stores belong together, and in which order what they say becomes facts.  What is made
of one document is in L{dfs.offline.remains}, of names in L{dfs.offline.branches}, of a pair in
L{dfs.offline.members}.  Must not know where stores lie, or where the facts go.

Note [What the stores do not say].  Addresses come with the servers.  Users who own nothing, were
let in nowhere and wrote nothing log in anew.  Access requests, and what was decided while no
storage server could be told, are lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from attrs import define, evolve, field

from dfs.core.documents import Document
from dfs.core.folders import FolderRecord
from dfs.core.pairs import BACKUP, Pair, pair_of
from dfs.errors import Conflict, Invalid, NotFound
from dfs.nm.journal import (
    Change,
    DropDocument,
    Known,
    PutDocument,
    PutFolder,
    PutPair,
    PutServer,
    PutUser,
)
from dfs.nm.kept import Grave, Stored
from dfs.offline.branches import Tree, united
from dfs.offline.members import revived
from dfs.offline.remains import Alive, Gone, differs, outcome, people
from dfs.store.interfaces import Identity


class Source(Protocol):
    """A store that can be asked; see L{dfs.store.still.StillStore}."""

    @property
    def path(self) -> str:
        """Where it is, for messages."""

    @property
    def identity(self) -> Identity:
        """Which store it is."""

    def folders(self) -> Mapping[int, FolderRecord]:
        """Every folder."""

    def ids(self) -> Sequence[str]:
        """Every document."""

    def document(self, document_id: str) -> Document | None:
        """One of them."""


@define(eq=False)
class Remnant:
    """
    A pair, and what is left of it.

    @ivar home: the store of the home primary; C{backup} likewise.
    @ivar documents: how many there are.
    @ivar lacking: of how many the peer lacks something.
    @ivar behind: of how many the active member does.
    @ivar buried: how many are gone that some member may still have.
    """

    pair: Pair
    home: Source | None
    backup: Source | None
    documents: int = 0
    lacking: int = 0
    behind: int = 0
    buried: int = 0

    @property
    def alone(self) -> bool:
        """Only one member has a store."""
        return self.home is None or self.backup is None

    @property
    def stores(self) -> list[Source]:
        """Those that are there."""
        return [one for one in (self.home, self.backup) if one is not None]

    @property
    def missing(self) -> str:
        """The member that has none; empty if both have one."""
        if self.home is None:
            return self.pair.home
        return self.pair.backup if self.backup is None else ""

    def each(self) -> Iterator[tuple[Document | None, Document | None]]:
        """What either member has of each document, sorted by id."""
        ids = {one for store in self.stores for one in store.ids()}
        for document_id in sorted(ids):
            yield (
                None if self.home is None else self.home.document(document_id),
                None if self.backup is None else self.backup.document(document_id),
            )

    def settled(self) -> Pair:
        """The pair, now that it is known whether both members have the same."""
        equal = not (self.alone or self.lacking or self.behind or self.buried)
        return evolve(self.pair, synced=equal)


@define(eq=False)
class Rebuilt:
    """
    What a name server begins with.

    @ivar graves: documents that are gone and that some member may still have.
    @ivar said: what people should know.
    """

    cluster_id: str
    remnants: list[Remnant]
    users: set[str] = field(factory=set)
    documents: list[Stored] = field(factory=list)
    graves: list[Grave] = field(factory=list)
    tree: Tree = field(factory=lambda: Tree({}))
    said: list[str] = field(factory=list)

    @property
    def pairs(self) -> list[Pair]:
        """As they are."""
        return [one.settled() for one in self.remnants]

    def changes(self) -> Iterator[Change]:
        """All of it, as a journal takes it."""
        yield from (PutUser(name) for name in sorted(self.users))
        yield from (PutPair(pair) for pair in self.pairs)
        for remnant in self.remnants:
            for store in remnant.stores:
                identity = store.identity
                yield PutServer(Known(identity.name, identity.store_id, ""))
        yield from (PutFolder(one) for one in self.tree.folders.values())
        yield from (PutDocument(one) for one in self.documents)
        yield from (DropDocument(one) for one in self.graves)


def gathered(stores: Sequence[Source], pairs: dict[str, str]) -> Rebuilt:
    """
    What stores say, taken together.

    @param pairs: backups whose names do not say it, by their home primaries.
    @raise Conflict: they do not belong together.
    @raise Corrupt: one of them cannot be read.
    """
    said: list[str] = []
    joined = _joined(stores, said)
    cluster_id = joined[0].identity.cluster_id
    rebuilt = Rebuilt(cluster_id, _remnants(joined, pairs), said=said)
    rebuilt.tree = Tree(united(one.folders() for one in joined))
    seen: dict[int, str] = {}
    for remnant in rebuilt.remnants:
        _gather(remnant, rebuilt, seen)
        if remnant.missing:
            said.append(
                f"pair {remnant.pair.name}: there is no store of {remnant.missing}; what only that "
                "one has is not known"
            )
    rebuilt.documents = rebuilt.tree.settle(rebuilt.documents)
    rebuilt.users |= {one.owner for one in rebuilt.tree.folders.values()}
    rebuilt.users.discard("")
    _count(rebuilt)
    said += rebuilt.tree.said
    return rebuilt


def _joined(stores: Sequence[Source], said: list[str]) -> list[Source]:
    """
    The stores of the cluster, by name.

    @raise Conflict: they are of several clusters, or two of one server.
    @raise NotFound: there is none.
    """
    known: dict[str, Source] = {}
    for store in stores:
        name = store.identity.name
        if name in known:
            raise Conflict(
                f"{known[name].path} and {store.path} are both stores of {name}: give the newer one"
            )
        known[name] = store
        if not store.identity.cluster_id:
            said.append(f"{store.path} never belonged to a cluster, and has nothing: left out")
    joined = [one for one in known.values() if one.identity.cluster_id]
    if not joined:
        raise NotFound("none of these stores ever belonged to a cluster; there is nothing in them")
    if len({one.identity.cluster_id for one in joined}) > 1:
        clusters = "; ".join(f"{one.path} belongs to {one.identity.cluster_id}" for one in joined)
        raise Conflict(f"these are stores of several clusters: {clusters}")
    return sorted(joined, key=lambda one: one.identity.name)


def _remnants(stores: Sequence[Source], pairs: dict[str, str]) -> list[Remnant]:
    """
    The pairs that stores belong to.

    @raise Invalid: a server has no pair, or more than one.
    """
    homes = {backup: home for home, backup in pairs.items()}
    if len(homes) < len(pairs) or set(homes) & set(pairs):
        raise Invalid("--pair: each server is a member of one pair")
    named = {one.identity.name: one for one in stores}
    for name in (*pairs, *homes):
        if name not in named:
            raise Invalid(f"--pair: no store of {name} is given")
    found = {}
    for name in named:
        home = name if name in pairs else homes.get(name) or pair_of(name)
        backup = pairs.get(home, home + BACKUP)
        if name not in (home, backup):
            raise Invalid(f"the backup of {home} is {backup}, not {name}")
        found[home] = backup
    return [
        Remnant(
            revived(home, backup, _epoch(named.get(home)), _epoch(named.get(backup))),
            named.get(home),
            named.get(backup),
        )
        for home, backup in sorted(found.items())
    ]


def _epoch(store: Source | None) -> int | None:
    return None if store is None else store.identity.epoch


def _gather(remnant: Remnant, rebuilt: Rebuilt, seen: dict[int, str]) -> None:
    """Find out what becomes of each document of a pair."""
    pair = remnant.pair
    for home, backup in remnant.each():
        found = outcome(pair, home, backup, alone=remnant.alone)
        if found is None:
            continue
        if isinstance(found, Gone):
            rebuilt.graves.append(_grave(remnant, found, rebuilt))
            continue
        stored = found.stored
        other = seen.setdefault(stored.id, pair.name)
        if other != pair.name:
            raise Conflict(
                f"the document {stored.id:016x} is in the stores of {other} and of {pair.name}: if "
                f"they are a pair, say --pair HOME BACKUP"
            )
        _say_renamed(found, rebuilt)
        rebuilt.documents.append(stored)
        for document in (home, backup):
            if document is not None:
                rebuilt.users.update(people(document))


def _say_renamed(found: Alive, rebuilt: Rebuilt) -> None:
    if found.renamed:
        stored, tree = found.stored, rebuilt.tree
        rebuilt.said.append(
            f"{tree.path(stored.folder, found.renamed)} was deleted, and changed unseen: that text "
            f"is {tree.path(stored.folder, stored.name)} now"
        )


def _grave(remnant: Remnant, gone: Gone, rebuilt: Rebuilt) -> Grave:
    pair, document = remnant.pair, gone.document
    metadata = document.metadata
    path = rebuilt.tree.path(metadata.folder, metadata.name)
    if gone.unseen:
        rebuilt.said.append(
            f"{path} was deleted, and may have been changed on {pair.peer} unseen: such a text "
            f"becomes {path}.conflict-… when both are here"
        )
    return Grave(
        int(document.id, 16),
        pair.name,
        path,
        metadata.access.owner,
        gone.version,
        document.current.modified,
        gone.at_home,
        gone.at_backup,
    )


def _count(rebuilt: Rebuilt) -> None:
    """Find out what members of each pair lack."""
    places = {one.pair.name: one for one in rebuilt.remnants}
    for stored in rebuilt.documents:
        remnant = places[stored.pair]
        lacks, behind = differs(remnant.pair, stored)
        remnant.documents += 1
        remnant.lacking += lacks
        remnant.behind += behind
    for grave in rebuilt.graves:
        places[grave.pair].buried += 1
