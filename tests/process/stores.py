"""
What stands on the disk of a storage server that has ended.

Decides how a store is read while nobody serves it.  Must not know what should be there.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from twisted.internet import reactor
from twisted.python.failure import Failure

from dfs.core.folders import path_of
from dfs.store.sqlite import SQLiteStore


@frozen
class Stored:
    """
    The texts of a document.

    @ivar text: the present one.
    @ivar conflicts: those that lost against others.
    """

    text: bytes
    conflicts: tuple[bytes, ...]


def _failed(failure: Failure) -> None:
    failure.raiseException()


def _unknown() -> str:
    raise AssertionError("there is no store")


async def stored(folder: Path, name: str) -> dict[str, Stored]:
    """All documents of a storage server, by path; contents of at most 64 KiB."""
    store = SQLiteStore.open(
        str(folder),
        name,
        call_from_thread=reactor.callFromThread,  # type: ignore[attr-defined]
        new_store_id=_unknown,
        on_fatal=_failed,
    )
    try:
        found: dict[str, Stored] = {}
        for summary in store.changes_after(0, 1_000_000):
            document = store.document(summary.id)
            if document is None or document.deleted:
                continue
            metadata = document.metadata
            path = path_of(metadata.folder, metadata.name, store.folder)
            assert path is not None, f"nobody knows where {metadata.name} stands"
            found[path] = Stored(
                store.small(document.current.content) or b"",
                tuple(
                    store.small(one.revision.content) or b""
                    for one in document.checkpoints
                    if one.tag.startswith("conflict-")
                ),
            )
        return found
    finally:
        await store.close()
