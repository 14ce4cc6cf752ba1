"""
Everything that stands on the disk of a storage server that has ended.

Decides how a store is read while nobody serves it.  Must not know what should be there.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from twisted.python.failure import Failure

from dfs.core.documents import Content, Document, Revision
from dfs.core.folders import path_of
from dfs.core.history import CONFLICT
from dfs.store.sqlite import SQLiteStore
from tests.process.processes import reactor


@frozen
class Disk:
    """
    What a store has.

    @ivar documents: those that are not deleted, by id; C{paths}: where they stand.
    @ivar texts: contents by hash.
    """

    documents: dict[str, Document]
    paths: dict[str, str]
    texts: dict[bytes, bytes]

    def at(self, path: str) -> Document:
        """The document that stands there."""
        (document,) = (self.documents[one] for one, there in self.paths.items() if there == path)
        return document

    def text(self, document: Document) -> bytes:
        """The present text."""
        return self.texts[document.current.content.sha256]

    def conflicts(self, document: Document) -> list[bytes]:
        """The texts that lost against others."""
        return [
            self.texts[one.revision.content.sha256]
            for one in document.checkpoints
            if one.tag.startswith(CONFLICT)
        ]

    def everything(self, document: Document) -> bytes:
        """All its texts: the present one, history, checkpoints, conflicts."""
        revisions: list[Revision] = [document.current, *document.undo, *document.redo]
        revisions += [one.revision for one in document.checkpoints]
        names = {one.content.sha256 for one in revisions}
        return b" ".join(self.texts[name] for name in names)


def _failed(failure: Failure) -> None:
    failure.raiseException()


def _unknown() -> str:
    raise AssertionError("there is no store")


async def read_disk(folder: Path, name: str) -> Disk:
    """All that a storage server has; every content is verified."""
    store = SQLiteStore.open(
        str(folder),
        name,
        call_from_thread=reactor.callFromThread,
        new_store_id=_unknown,
        on_fatal=_failed,
    )
    try:
        disk = Disk({}, {}, {})
        for summary in store.changes_after(0, 1_000_000):
            document = store.document(summary.id)
            if document is None or document.deleted:
                continue
            path = path_of(document.metadata.folder, document.metadata.name, store.folder)
            disk.documents[document.id] = document
            disk.paths[document.id] = path or "nowhere"
            for content in document.contents():
                if content.sha256 not in disk.texts:
                    disk.texts[content.sha256] = await _bytes(store, content)
        return disk
    finally:
        await store.close()


async def _bytes(store: SQLiteStore, content: Content) -> bytes:
    reader = store.reader(content)
    pieces = []
    try:
        while piece := await reader.read():
            pieces.append(piece)
    finally:
        reader.close()
    return b"".join(pieces)
