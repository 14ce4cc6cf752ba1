"""
The folders of the name server: made with what stands in them, kept in the journal, numbered.

Decides that a folder is in the journal before, or together with, what stands in it, and which
folders somebody lacks who knows all up to a number.  Must not know who makes them, or why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from attrs import define, evolve, field

from dfs.core.folders import FolderRecord
from dfs.core.namespace import Folder, Namespace
from dfs.errors import TooLarge
from dfs.nm.entries import Entry
from dfs.nm.journal import Change, IJournal, PutFolder

#: Folders that one user may own.  One CREATE can make five hundred, and they stay.
MOST_OF_USER = 100_000


def _ignore() -> None:
    """Nobody wants to know."""


@define(eq=False)
class Folders:
    """
    Every folder.

    @ivar number: of the newest decision about any of them that is in the journal.
    @ivar on_news: called when there may be another one.
    @ivar _given: the newest number that was given to a decision.
    @ivar _order: ids in the order of their numbers; C{_gone} has those that were deleted.
    @ivar _wall: seconds since the epoch.
    @ivar _entropy: so many random bytes.
    @ivar _most: folders that one user may own.
    @ivar _owned: how many each user does.
    """

    _names: Namespace[Entry]
    _journal: IJournal
    _wall: Callable[[], float]
    _entropy: Callable[[int], bytes]
    _most: int = MOST_OF_USER
    number: int = field(default=0, init=False)
    on_news: Callable[[], None] = field(default=_ignore, init=False)
    _given: int = field(default=0, init=False)
    _order: dict[int, None] = field(factory=dict, init=False)
    _gone: dict[int, FolderRecord] = field(factory=dict, init=False)
    _owned: Counter[str] = field(factory=Counter, init=False)

    def load(self, records: Iterable[FolderRecord]) -> None:
        """Take over what was kept; those that stand are in the tree already."""
        for record in sorted(records, key=lambda one: one.number):
            self._order[record.id] = None
            self.number = self._given = record.number
            if record.gone:
                self._gone[record.id] = record
            else:
                self._owned[record.owner] += 1

    def room(self, owner: str) -> None:
        """
        Make sure that somebody may have one more.

        @raise TooLarge: they may not.
        """
        if self._owned[owner] >= self._most:
            raise TooLarge(
                f"{self._most:,} folders of yours exist already; delete some of them first"
            )

    @contextmanager
    def claim(self, path: str, owner: str) -> Iterator[tuple[Folder, str]]:
        """
        The folder in which a path stands, made if need be, and the name in it.

        It stays where it is as long as it is claimed.  What was made and not kept is forgotten.

        @param path: normalized.
        @raise Exists: a document is in the way.
        @raise Busy: a folder on the way is being deleted.
        @raise TooLarge: there are too many folders of this owner to make one.
        """
        above, _, _ = path.rpartition("/")
        if above and self._names.find(above) is None:
            self.room(owner)
        folder, name = self._names.open(path, lambda part, above: self.new(part, above, owner))
        folder.claims += 1
        try:
            yield folder, name
        finally:
            folder.claims -= 1
            self._names.prune(folder)

    def new(self, name: str, above: Folder, owner: str) -> Folder:
        """A folder with an id of its own, not yet in its place."""
        folder_id = 0
        # 63 bits: the largest positive integer of a database.
        while folder_id == 0 or folder_id in self._names.folders or folder_id in self._gone:
            folder_id = int.from_bytes(self._entropy(8), "big") >> 1
        return Folder(name, above, folder_id, owner, self._wall())

    # ---------------------------------------------------------------------------- decisions

    async def keep(self, folder: Folder, *changes: Change) -> None:
        """
        Keep a folder, and those above it, if they are not, with what is to stand in it.

        @raise DFSError: the journal does not.
        """
        await self._commit(self._fresh(folder), changes)
        self.on_news()

    async def move(self, folder: Folder, above: Folder, name: str) -> None:
        """
        Let a folder stand elsewhere.

        @param above: claimed.
        @raise Exists: the name is taken.
        """
        with self._names.reserved(above, name):
            fresh = self._fresh(above)
            moved = evolve(folder.record(self._next()), parent=above.id, name=name)
            await self._commit([*fresh, moved])
        self._names.move(folder, above, name)
        self.on_news()

    async def delete(self, folder: Folder) -> None:
        """Remove an empty folder that nobody claims."""
        folder.going = True
        try:
            await self._commit([evolve(folder.record(self._next()), gone=self._wall())])
        except BaseException:
            folder.going = False
            raise
        self._names.remove_folder(folder)
        self.on_news()

    def _fresh(self, folder: Folder) -> list[FolderRecord]:
        """What is not kept yet of a folder and those above it, the highest first."""
        unkept = [one for one in folder.line() if not one.kept]
        return [one.record(self._next()) for one in reversed(unkept)]

    def _next(self) -> int:
        self._given += 1
        return self._given

    async def _commit(self, records: list[FolderRecord], changes: Iterable[Change] = ()) -> None:
        """
        Nothing is waited for between giving numbers to records and this, because they have to
        reach the journal in the order of their numbers.
        """
        await self._journal.commit([*map(PutFolder, records), *changes])
        for record in records:
            self._was_kept(record)

    def _was_kept(self, record: FolderRecord) -> None:
        folder = self._names.folders.get(record.id)
        if folder is not None:
            self._owned[record.owner] += not folder.number
            folder.number = record.number
        if record.gone:
            self._gone[record.id] = record
            self._owned[record.owner] -= 1
        self._order.pop(record.id, None)
        self._order[record.id] = None
        self.number = record.number

    # -------------------------------------------------------------------------------- telling

    def after(self, number: int) -> list[FolderRecord]:
        """Every folder with a higher number, the lowest first."""
        found = []
        for folder_id in reversed(self._order):
            record = self._gone.get(folder_id)
            if record is None:
                folder = self._names.folders[folder_id]
                record = folder.record(folder.number)
            if record.number <= number:
                break
            found.append(record)
        found.reverse()
        return found
