"""
Reading the database of a store: documents, and contents that lie in it.

Decides what is kept in memory because it was read last, and until when that is true.  Must not know
how anything is written (L{dfs.store.ledger} does).

Note [Changing].  The writer's thread commits before the reactor hears of it.  So from the moment at
which a change of a document is asked for until it is answered, the document is read from the
database each time.  Then what was committed is kept: it is what will be read and changed next.
Contents never change; one that nobody refers to any more is dropped.

Note [Weights].  What is kept is weighed in bytes of memory, roughly, with what Python adds to it.
So neither a million tiny texts nor access lists of a thousand people can fill the memory.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable

from twisted.logger import Logger

from dfs.core.documents import Content, Document, Metadata, Summary
from dfs.core.folders import FolderRecord
from dfs.errors import Corrupt, NotFound
from dfs.store.checksums import verified
from dfs.store.damage import Damage, Damaged
from dfs.store.encoding import (
    COLUMNS,
    HEAD_COLUMNS,
    HEAD_WIDTH,
    Row,
    decode,
    decode_head,
    decode_summary,
    head_of,
)
from dfs.store.interfaces import INLINE_BYTES, Access, Head
from dfs.store.objects import Objects
from dfs.store.recent import Recent

#: Bytes of memory for each kind of thing that is kept; see Note [Weights].
KEPT_BYTES = 16 * 1024 * 1024

#: Bytes that something takes besides: a content, a document without history, a text or checkpoint
#: of its history, a grant.
_CONTENT, _PLAIN, _REVISION, _GRANT = 256, 1_024, 640, 192

_DOCUMENT = f"SELECT {COLUMNS}, head_checksum, history_checksum FROM documents WHERE id = ?"
_HEAD = f"SELECT {HEAD_COLUMNS}, head_checksum FROM documents WHERE id = ?"
_CHANGES = f"SELECT {HEAD_COLUMNS}, head_checksum FROM documents WHERE seq > ? ORDER BY seq LIMIT ?"
_DATA = "SELECT data FROM contents WHERE sha256 = ?"
_KNOWN = "SELECT 1 FROM contents WHERE sha256 = ?"
_CONTENT_OF = "SELECT sha256, length(data) FROM contents WHERE sha256 = ?"
_CONTENTS = "SELECT sha256, length(data) FROM contents WHERE sha256 > ? ORDER BY sha256 LIMIT ?"
_ACCESS = "SELECT at, user FROM accesses WHERE document = ?"

_FOLDERS = "SELECT id, parent, name, owner, created, number, gone, checksum FROM folders"

_EMPTY = hashlib.sha256().digest()


def as_text(raw: bytes) -> str:
    """
    Text as a connection gives it, also what is damaged and none any more: so it is read, and its
    checksum is wrong.
    """
    return raw.decode(errors="surrogateescape")


def _named(document_id: object) -> str:
    """What a message calls a document: whatever is no text any more is escaped."""
    return str(document_id).encode(errors="backslashreplace").decode()


class Reading:
    """A connection that only reads, and what it read last."""

    _log = Logger(namespace="dfs.store.reading")

    def __init__(
        self,
        path: str,
        connection: sqlite3.Connection,
        kept_bytes: int = KEPT_BYTES,
        damage: Damage | None = None,
        objects: Objects | None = None,
    ) -> None:
        """
        @param path: of the store, for messages.
        @param kept_bytes: of memory for each kind of thing that is kept; see Note [Weights].
        @param damage: is told of contents that are damaged.
        @param objects: the files beside it, if they are not read as usual.
        """
        self._path = path
        self._damage = damage or Damage()
        self._objects = objects or Objects(path)
        self._connection = connection
        self._heads: Recent[str, Head] = Recent(kept_bytes)
        self._documents: Recent[str, Document] = Recent(kept_bytes)
        self._small: Recent[bytes, bytes] = Recent(kept_bytes)
        self._changing: Counter[str] = Counter()

    def _select(self, sql: str, *arguments: object) -> list[Row]:
        try:
            return self._connection.execute(sql, arguments).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Corrupt(f"the database of the store {self._path} is damaged: {error}") from error

    def document(self, document_id: str) -> Document | None:
        """See L{IStore.document}."""
        document = self._documents.get(document_id)
        if document is None:
            rows = self._select(_DOCUMENT, document_id)
            document = decode(whole(rows[0])) if rows else None
            if document is not None:
                self._keep(document)
        return document

    def head(self, document_id: str) -> Head | None:
        """See L{IStore.head}."""
        head = self._heads.get(document_id)
        if head is None:
            rows = self._select(_HEAD, document_id)
            head = decode_head(_head(rows[0])) if rows else None
            if head is not None:
                self._keep_head(head)
        return head

    def _keep(self, document: Document) -> None:
        if document.id not in self._changing:
            history = len(document.undo) + len(document.redo) + len(document.checkpoints)
            weight = _plain(document.metadata) + history * _REVISION
            self._documents.put(document.id, document, weight)

    def _keep_head(self, head: Head) -> None:
        if head.id not in self._changing:
            self._heads.put(head.id, head, _plain(head.metadata))

    def changes_after(self, seq: int, limit: int) -> list[Summary]:
        """See L{IStore.changes_after}."""
        rows = self._select(_CHANGES, seq, limit)
        sound = [summary for summary in map(self._summary, rows) if summary is not None]
        if rows and not sound:
            # None of them can be told of: what comes after them can.
            last = max((row[0] for row in rows if isinstance(row[0], int)), default=seq)
            return self.changes_after(last, limit) if last > seq else []
        return sound

    def _summary(self, row: Row) -> Summary | None:
        """What to tell of a document; nothing but to the log if its record is damaged."""
        try:
            return decode_summary(_head(row))
        except Corrupt as error:
            self._log.error(
                "document {document}: {reason}",
                log_event="record_damaged",
                document=_named(row[1]),
                reason=str(error),
            )
            return None

    def has(self, sha256: bytes) -> bool:
        """See L{IStore.has}."""
        return sha256 == _EMPTY or bool(self._select(_KNOWN, sha256))

    def small(self, content: Content) -> bytes | None:
        """See L{IStore.small}."""
        size = content.measure.size
        if size > INLINE_BYTES:
            return None
        if not size:
            return b""
        data = self._small.get(content.sha256)
        if data is None:
            data = self.fresh(content)
            self._small.put(content.sha256, data, len(data) + _CONTENT)
        return data

    def fresh(self, content: Content) -> bytes:
        """
        A small content, from the disk.

        @raise NotFound: no committed document refers to it (any more).
        @raise Corrupt: it is damaged.
        """
        data: bytes | None = None
        try:
            rows = self._select(_DATA, content.sha256)
            if not rows:
                raise unknown(content)
            data = rows[0][0]
        except Corrupt:
            pass  # pages of the database are damaged that belong to it
        if isinstance(data, bytes) and hashlib.sha256(data).digest() == content.sha256:
            return data
        again = self._objects.small(content.sha256)
        if again is None:
            self._damage.noticed(content.sha256)
            raise Damaged(content.sha256, "is damaged in the database")
        return again

    def content(self, sha256: bytes) -> Content | None:
        """See L{IStore.content}."""
        rows = self._select(_CONTENT_OF, sha256)
        return self._unmeasured(*rows[0]) if rows else None

    def _unmeasured(self, sha256: bytes, size: int | None) -> Content:
        """
        Nothing verifies the sizes in the table: what the bytes are, their hash says.

        @param size: of what lies in the database; None: it is a file.
        """
        return Content.unmeasured(sha256, self._objects.size(sha256) if size is None else size)

    def contents_after(self, sha256: bytes, limit: int) -> list[Content]:
        """See L{IStore.contents_after}."""
        rows = self._select(_CONTENTS, sha256, limit)
        return [self._unmeasured(*row) for row in rows if isinstance(row[0], bytes)]

    def last_access(self, document_id: str) -> Access | None:
        """What is written of who read a document last."""
        try:
            rows = self._select(_ACCESS, document_id)
        except Corrupt:
            return None
        sound = [row for row in rows if isinstance(row[0], float) and isinstance(row[1], str)]
        return Access(*sound[0]) if sound else None

    def free_pages(self) -> int:
        """Bytes inside of the database that can be written again."""
        pages = self._select("PRAGMA freelist_count")[0][0]
        size = self._select("PRAGMA page_size")[0][0]
        return int(pages) * int(size)

    # ---------------------------------------------------------------------- what is written

    def changes(self, document_id: str) -> None:
        """A change of a document is asked for; see Note [Changing]."""
        self._heads.drop(document_id)
        self._documents.drop(document_id)
        self._changing[document_id] += 1

    def changed(self, document_id: str) -> None:
        """It was answered, whatever the answer is."""
        self._changing[document_id] -= 1
        if not self._changing[document_id]:
            del self._changing[document_id]

    def committed(self, seq: int, document: Document, gone: Iterable[bytes]) -> None:
        """
        A change is durable, and L{changed} was called.

        @param gone: contents that nobody refers to any more.
        """
        for sha256 in gone:
            self._small.drop(sha256)
        if not document.deleted:
            self._keep(document)
            self._keep_head(head_of(seq, document))

    def folders(self) -> dict[int, FolderRecord]:
        """Every folder, by id."""
        return {row[0]: _folder(row) for row in self._select(_FOLDERS)}

    def folder(self, folder_id: int) -> FolderRecord | None:
        """One folder."""
        rows = self._select(f"{_FOLDERS} WHERE id = ?", folder_id)
        return _folder(rows[0]) if rows else None

    def close(self) -> None:
        """Read no more."""
        self._connection.close()


def _head(row: Row) -> Row:
    """
    A row that begins with a head and its checksum.

    @raise Corrupt: it is damaged.
    """
    verified(row[:HEAD_WIDTH], row[HEAD_WIDTH], f"the record of document {_named(row[1])}")
    return row


def whole(row: Row) -> Row:
    """
    A whole row of a document, with both checksums.

    @raise Corrupt: it is damaged.
    """
    *columns, head, history = row
    verified(columns[:HEAD_WIDTH], head, f"the record of document {_named(columns[1])}")
    verified(columns[HEAD_WIDTH:], history, f"the history of document {_named(columns[1])}")
    return row


def _folder(row: Row) -> FolderRecord:
    """
    A folder with its checksum.

    @raise Corrupt: it is damaged.
    """
    return FolderRecord(*verified(row[:-1], row[-1], "the record of a folder"))


def _plain(metadata: Metadata) -> int:
    """What a document without its history weighs."""
    return _PLAIN + len(metadata.name) + len(metadata.access.grants) * _GRANT


def unknown(content: Content) -> NotFound:
    """What to say of a content that no document has any more."""
    return NotFound(f"no document has the content {content.sha256.hex()} any more")
