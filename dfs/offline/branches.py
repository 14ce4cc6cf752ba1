"""
The tree of names that the stores still know.

Decides which folders there are, that each stands somewhere, and that no name is taken twice.  Must
not know where the records of folders come from, nor what a document holds.

Note [Numbers of folders].  Each decision about a folder has a number, so the record with the
highest one is the newest, whoever has it.  A store that is not there may know of decisions that
nobody else does; so the numbers go on far above, beginning with the newest folder, which is decided
once more as it is.

Note [Who keeps a name].  Two with one name were never there at the same time; one of them gave it
up and no store says so.  Folders keep it, because others stand in them; of documents the one that
was made last does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, evolve, field

from dfs.core.folders import ROOT, FolderRecord, path_of
from dfs.core.paths import beside
from dfs.nm.kept import Stored
from dfs.offline.remains import NUMBERS, renamed


def united(stores: Iterable[Mapping[int, FolderRecord]]) -> dict[int, FolderRecord]:
    """The newest record of each folder."""
    found: dict[int, FolderRecord] = {}
    for folders in stores:
        for one in folders.values():
            known = found.get(one.id)
            if known is None or one.number > known.number:
                found[one.id] = one
    return found


@define(eq=False)
class Tree:
    """
    Folders, and who has which name.

    @ivar folders: all of them, by id.
    @ivar said: what people should know of what was decided here.
    """

    folders: dict[int, FolderRecord]
    said: list[str] = field(factory=list, init=False)
    _number: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        newest = max(self.folders.values(), key=lambda one: one.number, default=None)
        self._number = NUMBERS
        if newest is not None:
            self._number += newest.number
            self.folders[newest.id] = evolve(newest, number=self._number)

    def path(self, folder: int, name: str) -> str:
        """Where something stands, or at least what it is called."""
        return path_of(folder, name, self.folders.get) or name

    def settle(self, documents: list[Stored]) -> list[Stored]:
        """
        Let everything stand somewhere, each under a name of its own.

        @return: the documents, as they are called now.
        """
        for document in documents:
            if document.folder != ROOT and not self._stands(document.folder):
                self._make(document)
        for one in list(self.folders.values()):
            if not one.gone and one.parent != ROOT and not self._stands(one.parent):
                self._uproot(one)
        for one in [one for one in self.folders.values() if not one.gone]:
            if path_of(one.parent, one.name, self.folders.get) is None:
                self._uproot(one)
        taken = self._name_folders()
        claims: dict[tuple[int, str], list[Stored]] = {}
        for document in documents:
            claims.setdefault((document.folder, document.name), []).append(document)
        return [
            one
            for place, claimants in claims.items()
            for one in self._one_each(place, claimants, taken)
        ]

    def _stands(self, folder: int) -> bool:
        record = self.folders.get(folder)
        return record is not None and not record.gone

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _make(self, document: Stored) -> None:
        """A folder that is known by its id alone, because a document stands in it."""
        folder_id, owner = document.folder, document.access.owner
        name = f"lost-folder-{folder_id:016x}"
        self.folders[folder_id] = FolderRecord(
            folder_id, ROOT, name, owner, document.created, self._next()
        )
        self.said.append(f"documents stand in a folder that no store knows: it is {name} now")

    def _uproot(self, record: FolderRecord) -> None:
        """A folder that stands nowhere, or in itself."""
        name = beside(record.name, f".lost-folder-{record.id:016x}")
        self.folders[record.id] = evolve(record, parent=ROOT, name=name, number=self._next())
        self.said.append(f"the folder {record.name!r} stood nowhere: it is {name} now")

    def _name_folders(self) -> set[tuple[int, str]]:
        """
        Let each folder have a name of its own.

        @return: the names that are taken.
        """
        taken: set[tuple[int, str]] = set()
        for one in sorted(self.folders.values(), key=lambda one: -one.number):
            if one.gone:
                continue
            if (one.parent, one.name) in taken:
                name = beside(one.name, f".rebuilt-{one.id:016x}")
                self.said.append(f"two folders were called {one.name!r}: one is {name} now")
                one = evolve(one, name=name, number=self._next())
                self.folders[one.id] = one
            taken.add((one.parent, one.name))
        return taken

    def _one_each(
        self, place: tuple[int, str], claimants: list[Stored], taken: set[tuple[int, str]]
    ) -> list[Stored]:
        """Of all that claim a name one keeps it; see Note [Who keeps a name]."""
        keeps = max(claimants, key=lambda one: (one.created, one.id))
        found = []
        for one in claimants:
            if one is keeps and place not in taken:
                found.append(one)
                continue
            name = beside(one.name, f".rebuilt-{one.id:016x}")
            self.said.append(
                f"more than one claims {self.path(*place)!r}: the document {one.id:016x} of "
                f"{one.access.owner} is {self.path(one.folder, name)!r} now"
            )
            found.append(renamed(one, name))
        return found
