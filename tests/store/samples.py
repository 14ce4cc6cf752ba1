"""Documents to store."""

from __future__ import annotations

from dfs.core.access import AccessList
from dfs.core.documents import Content, Document, Metadata
from dfs.core.history import Stamp, content_of, created, written

ALICE = Stamp("alice", 1_000.5, 1, True)

#: Larger than what the database holds.
LARGE = bytes(range(256)) * 1_200


def new(number: int = 1, *, owner: str = "alice") -> Document:
    """A new, empty document."""
    metadata = Metadata(0xF, f"{number}.txt", AccessList(owner), 1_000.0, 1)
    return created(f"{number:016x}", metadata)


def with_text(document: Document, text: bytes | Content, depth: int = 16) -> Document:
    """The document after one more change."""
    content = text if isinstance(text, Content) else content_of(text)
    return written(document, content, ALICE, depth)
