"""
What the name server knows about every document, in memory.

Decides how a document is found, by path and by id, and what of all documents is owed, dirty and
behind (L{dfs.nm.entries} says what that is).  Must not know about the journal, connections, or who
asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import intern

from dfs.core.access import AccessList
from dfs.core.folders import FolderRecord
from dfs.core.namespace import Folder, Namespace
from dfs.core.pairs import BACKUP, Pair
from dfs.core.paths import normalize
from dfs.core.versions import Version
from dfs.errors import NotFound
from dfs.nm.entries import Entry, Place
from dfs.nm.kept import Copy, Grave, Stored


def _ignore(thing: object) -> None:
    """Nobody wants to know."""


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
        self,
        pairs: Iterable[Pair],
        documents: Iterable[Stored],
        graves: Iterable[Grave] = (),
        folders: Iterable[FolderRecord] = (),
    ) -> None:
        """
        Take over what was kept.

        @raise KeyError: something stands in a folder, or belongs to a pair, that does not exist.
        @raise ValueError: folders stand in a circle.
        """
        self.names.load(folders)
        for pair in pairs:
            self.found(pair)
        for grave in graves:
            place = self.places[grave.pair]
            place.graves[grave.id] = grave
            # Whether it was behind when it was deleted is not known any more.
            at_home = not place.pair.home_active
            if grave.may_be_at(home=at_home):
                place.doubted.add((grave.id, at_home))
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
            stored.named,
            False,
            intern(stored.noted.modified_by),
            stored.home.packed() + stored.backup.packed() + stored.noted.packed(),
        )
        self.names.add(self.names.folders[stored.folder], stored.name, entry)
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
        place.unshown.pop(entry, None)
        self.on_copy(entry)
        self.on_gone(entry)

    def describe(self, entry: Entry, access: AccessList, number: int) -> None:
        """Replace the access list of a document; its storage servers are to be told."""
        entry.access = self.shared(access)
        entry.number = number
        self.assess(entry)

    def move(self, entry: Entry, folder: Folder, name: str, number: int) -> None:
        """Let a document stand elsewhere; its storage servers are to be told."""
        self.names.move(entry, folder, name)
        entry.number = entry.named = number
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
        if not entry.shown:
            place.unshown.setdefault(entry)
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
            place.raised.discard(grave.id)
            place.doubted -= {(grave.id, True), (grave.id, False)}

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
            raise NotFound(f"{path!r} is a folder, not a document; VIEWFOLDER shows what is in it")
        raise NotFound(f"there is no document {path!r}")

    def document_in(self, folder: Folder, name: str) -> Entry:
        """
        The document with a name in a folder.

        @raise NotFound: there is none.
        """
        found = folder.children.get(name)
        if isinstance(found, Entry) and found.live:
            return found
        if isinstance(found, Folder):
            raise NotFound(
                f"{found.path!r} is a folder, not a document; VIEWFOLDER shows what is in it"
            )
        raise NotFound(f"there is no document {folder.prefix + name!r}")

    def shared(self, access: AccessList) -> AccessList:
        """The same access list, in memory that others may share."""
        if access.grants:
            grants = tuple([(intern(user), intern(right)) for user, right in access.grants])
            return AccessList(intern(access.owner), grants)
        private = self._private.get(access.owner)
        if private is None:
            private = self._private[access.owner] = AccessList(intern(access.owner))
        return private
