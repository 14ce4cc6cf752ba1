"""Stores in memory, as those ask them who take together what stores say."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from dfs.core.documents import Document
from dfs.core.folders import FolderRecord
from dfs.nm.journal import Disk
from dfs.offline.gathering import Rebuilt
from dfs.store.interfaces import Identity
from dfs.store.memory import MemoryDisk


@frozen
class MemorySource:
    """
    A disk of the simulation.
    """

    _disk: MemoryDisk

    @property
    def path(self) -> str:
        """Where it would be."""
        return self._disk.identity.name

    @property
    def identity(self) -> Identity:
        """Which store it is."""
        return self._disk.identity

    def folders(self) -> dict[int, FolderRecord]:
        """Every folder."""
        return self._disk.folders

    def ids(self) -> list[str]:
        """Every document."""
        return list(self._disk.documents)

    def document(self, document_id: str) -> Document | None:
        """One of them."""
        found = self._disk.documents.get(document_id)
        return None if found is None else found[1]


def disk_of(identity: Identity, documents: Iterable[Document] = ()) -> MemoryDisk:
    """A disk with these documents."""
    disk = MemoryDisk(identity)
    for document in documents:
        disk.seq += 1
        disk.documents[document.id] = (disk.seq, document)
    return disk


def journal_of(rebuilt: Rebuilt) -> Disk:
    """What a name server's journal would have."""
    disk = Disk(rebuilt.cluster_id)
    for change in rebuilt.changes():
        disk.apply(change)
    return disk
