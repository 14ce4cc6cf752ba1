"""
Documents as rows of a table.

Decides which columns a document has and what is in them.  The columns of L{HEAD_COLUMNS} come
first, so that whoever wants no history does not read it.  Must not know about databases.

Histories are packed, because a document may have seventeen texts and a thousand checkpoints, and
each of them names a content.  A revision is L{_REVISION} followed by the name of its author; a
checkpoint is L{_CHECKPOINT}, its tag, its author, its revision.

Decides also the *record* of a document, which travels from one store to another: L{_RECORD}, the
metadata as JSON, the present revision, and the packed histories.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from struct import Struct
from struct import error as StructError
from typing import Any

from dfs.core.access import AccessList
from dfs.core.documents import Checkpoint, Content, Document, Metadata, Revision, Summary
from dfs.core.history import CONFLICT
from dfs.core.measure import Measure
from dfs.core.versions import Version
from dfs.errors import Invalid
from dfs.store.interfaces import Head

SUMMARY_COLUMNS = (
    "seq, id, a, b, epoch, sha256, size, words, characters, sentences, is_text,"
    " modified, modified_by, number, checkpoints, conflicts, deleted"
)
HEAD_COLUMNS = SUMMARY_COLUMNS + ", folder, name, named, owner, grants, created"
HISTORY_COLUMNS = "undo, redo, kept"
COLUMNS = f"{HEAD_COLUMNS}, {HISTORY_COLUMNS}"

#: How many columns a head has.
HEAD_WIDTH = HEAD_COLUMNS.count(",") + 1

#: A row, as SQLite takes and gives it.
Row = tuple[Any, ...]

#: sha256, size, words, characters, sentences, is_text, modified, bytes of modified_by.
_REVISION = Struct("<32sQQQQ?dH")
#: bytes of tag, made, bytes of made_by.
_CHECKPOINT = Struct("<HdH")
#: how it begins; bytes of: metadata, present revision, undo, redo, checkpoints.
_RECORD = Struct("<4sIIIII")
_RECORD_MAGIC = b"dfs2"

#: No whole number in a record is as large: databases take no larger ones.
_LIMIT = 2**63

#: What reading something else may raise.
_NO_RECORD = (
    *(StructError, ValueError, TypeError, IndexError, AttributeError),
    *(OverflowError, RecursionError),
)

_ID = re.compile(r"[0-9a-f]{16}")


def _pack(revision: Revision) -> bytes:
    content = revision.content
    figures = content.measure
    by = revision.modified_by.encode()
    return (
        _REVISION.pack(
            content.sha256,
            figures.size,
            figures.words,
            figures.characters,
            figures.sentences,
            figures.is_text,
            revision.modified,
            len(by),
        )
        + by
    )


def _unpack(packed: bytes, at: int) -> tuple[Revision, int]:
    """The revision that begins there, and where it ends."""
    sha256, size, words, characters, sentences, is_text, modified, length = _REVISION.unpack_from(
        packed, at
    )
    at += _REVISION.size
    content = Content(sha256, Measure(size, words, characters, sentences, is_text))
    end = at + length
    return Revision(content, modified, packed[at:end].decode()), end


def _pack_all(revisions: tuple[Revision, ...]) -> bytes:
    return b"".join([_pack(one) for one in revisions])


def _unpack_all(packed: bytes) -> tuple[Revision, ...]:
    revisions = []
    at = 0
    while at < len(packed):
        revision, at = _unpack(packed, at)
        revisions.append(revision)
    return tuple(revisions)


def _pack_checkpoints(checkpoints: tuple[Checkpoint, ...]) -> bytes:
    parts = []
    for one in checkpoints:
        tag, by = one.tag.encode(), one.made_by.encode()
        parts += [_CHECKPOINT.pack(len(tag), one.made, len(by)), tag, by, _pack(one.revision)]
    return b"".join(parts)


def _unpack_checkpoints(packed: bytes) -> tuple[Checkpoint, ...]:
    checkpoints = []
    at = 0
    while at < len(packed):
        of_tag, made, of_by = _CHECKPOINT.unpack_from(packed, at)
        at += _CHECKPOINT.size
        tag = packed[at : at + of_tag].decode()
        at += of_tag
        by = packed[at : at + of_by].decode()
        revision, at = _unpack(packed, at + of_by)
        checkpoints.append(Checkpoint(tag, revision, made, by))
    return tuple(checkpoints)


def _grants(text: str) -> tuple[tuple[str, str], ...]:
    if not text:
        return ()
    return tuple((user, right) for user, right in json.loads(text))


def conflicts_of(document: Document) -> int:
    """How many checkpoints of a document are conflicts."""
    return sum(one.tag.startswith(CONFLICT) for one in document.checkpoints)


def summarize(seq: int, document: Document) -> Summary:
    """What the name server is told about a document."""
    current = document.current
    return Summary(
        seq,
        document.id,
        document.version,
        document.epoch,
        current.content,
        current.modified,
        current.modified_by,
        document.metadata.number,
        len(document.checkpoints),
        conflicts_of(document) if document.checkpoints else 0,
        document.deleted,
    )


def head_of(seq: int, document: Document) -> Head:
    """A document without its history."""
    return Head(
        seq,
        document.id,
        document.metadata,
        document.version,
        document.epoch,
        document.current,
        len(document.checkpoints),
        conflicts_of(document),
        document.deleted,
    )


def encode(document: Document) -> Row:
    """
    The row of a document, in the order of L{COLUMNS} but without C{seq}, exactly as SQLite gives
    it back.
    """
    metadata, version, current = document.metadata, document.version, document.current
    figures = current.content.measure
    grants = metadata.access.grants
    return (
        document.id,
        version.a,
        version.b,
        document.epoch,
        current.content.sha256,
        figures.size,
        figures.words,
        figures.characters,
        figures.sentences,
        int(figures.is_text),
        float(current.modified),
        current.modified_by,
        metadata.number,
        len(document.checkpoints),
        conflicts_of(document),
        int(document.deleted),
        metadata.folder,
        metadata.name,
        metadata.named,
        metadata.access.owner,
        json.dumps(grants, ensure_ascii=False, separators=(",", ":")) if grants else "",
        float(metadata.created),
        _pack_all(document.undo),
        _pack_all(document.redo),
        _pack_checkpoints(document.checkpoints),
    )


def _current(row: Row) -> Revision:
    measure = Measure(row[6], row[7], row[8], row[9], row[10] == 1)
    return Revision(Content(row[5], measure), row[11], row[12])


def _metadata(row: Row) -> Metadata:
    access = AccessList(row[20], _grants(row[21]))
    return Metadata(row[17], row[18], access, row[22], row[13], row[19])


def decode_summary(row: Row) -> Summary:
    """What L{encode} made, of L{SUMMARY_COLUMNS}."""
    measure = Measure(row[6], row[7], row[8], row[9], row[10] == 1)
    return Summary(
        row[0],
        row[1],
        Version(row[2], row[3]),
        row[4],
        Content(row[5], measure),
        row[11],
        row[12],
        row[13],
        row[14],
        row[15],
        row[16] == 1,
    )


def decode_head(row: Row) -> Head:
    """What L{encode} made, of L{HEAD_COLUMNS}."""
    return Head(
        row[0],
        row[1],
        _metadata(row),
        Version(row[2], row[3]),
        row[4],
        _current(row),
        row[14],
        row[15],
        row[16] == 1,
    )


def decode(row: Row) -> Document:
    """What L{encode} made, of all L{COLUMNS}."""
    return Document(
        id=row[1],
        metadata=_metadata(row),
        version=Version(row[2], row[3]),
        epoch=row[4],
        current=_current(row),
        undo=_unpack_all(row[23]),
        redo=_unpack_all(row[24]),
        checkpoints=_unpack_checkpoints(row[25]),
        deleted=row[16] == 1,
    )


def names(sha256: bytes, size: int, undo: bytes, redo: bytes, kept: bytes) -> Iterator[bytes]:
    """
    The hash of every content that a row refers to, as often as it does; the empty content is
    nowhere stored and not among them.
    """
    if size:
        yield sha256
    for packed in (undo, redo):
        at = 0
        while at < len(packed):
            fields = _REVISION.unpack_from(packed, at)
            at += _REVISION.size + fields[7]
            if fields[1]:
                yield fields[0]
    at = 0
    while at < len(kept):
        of_tag, _, of_by = _CHECKPOINT.unpack_from(kept, at)
        at += _CHECKPOINT.size + of_tag + of_by
        fields = _REVISION.unpack_from(kept, at)
        at += _REVISION.size + fields[7]
        if fields[1]:
            yield fields[0]


def encode_record(document: Document) -> bytes:
    """A whole document as bytes; the same document always as the same bytes."""
    metadata, version = document.metadata, document.version
    described = json.dumps(
        [
            *(document.id, version.a, version.b, document.epoch, document.deleted),
            *(metadata.number, metadata.named, float(metadata.created)),
            *(metadata.folder, metadata.name, metadata.access.owner, metadata.access.grants),
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    parts = (
        described,
        _pack(document.current),
        _pack_all(document.undo),
        _pack_all(document.redo),
        _pack_checkpoints(document.checkpoints),
    )
    return _RECORD.pack(_RECORD_MAGIC, *map(len, parts)) + b"".join(parts)


def decode_record(record: bytes) -> Document:
    """
    What L{encode_record} made.

    @raise Invalid: it is nothing that L{encode_record} makes: damaged, or of another kind.
    """
    try:
        document = _decode_record(record)
        # Whatever was cut off, left over or written in another way shows here.
        genuine = encode_record(document) == record and _is_sound(document)
    except _NO_RECORD as error:
        raise Invalid(f"this is no record of a document: {error}") from error
    if not genuine:
        raise Invalid("this is no record of a document: it is damaged")
    return document


def _decode_record(record: bytes) -> Document:
    magic, *lengths = _RECORD.unpack_from(record)
    if magic != _RECORD_MAGIC:
        raise ValueError("it begins in another way")
    at = _RECORD.size
    parts = []
    for length in lengths:
        parts.append(record[at : at + length])
        at += length
    described, current, undo, redo, checkpoints = parts
    id_, a, b, epoch, deleted, *of_name_server = json.loads(described)
    number, named, created, folder, name, owner, grants = of_name_server
    access = AccessList(owner, tuple((user, right) for user, right in grants))
    return Document(
        id_,
        Metadata(folder, name, access, created, number, named),
        Version(a, b),
        epoch,
        _unpack(current, 0)[0],
        _unpack_all(undo),
        _unpack_all(redo),
        _unpack_checkpoints(checkpoints),
        deleted,
    )


def _is_sound(document: Document) -> bool:
    """Whether every value is one that a store can keep."""
    metadata, version = document.metadata, document.version
    grants = metadata.access.grants
    revisions = [document.current, *document.undo, *document.redo]
    revisions += [one.revision for one in document.checkpoints]
    measures = [one.content.measure for one in revisions]
    whole = [version.a, version.b, document.epoch]
    whole += [metadata.number, metadata.named, metadata.folder]
    counts = [n for m in measures for n in (m.size, m.words, m.characters, m.sentences)]
    texts = [document.id, metadata.name, metadata.access.owner]
    times = [metadata.created, *(one.modified for one in revisions)]
    times += [one.made for one in document.checkpoints]
    return (
        all(type(number) is int and 0 <= number < _LIMIT for number in whole + counts)
        and all(isinstance(text, str) for text in texts)
        and all(isinstance(user, str) and right in ("r", "w") for user, right in grants)
        and all(type(time) is float and math.isfinite(time) for time in times)
        and isinstance(document.deleted, bool)
        and _ID.fullmatch(document.id) is not None
    )
