"""
What the C{.meta} file of a document says.

Decides its keys.  Pure; must not know where it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from dfs.core.documents import Document, Revision
from dfs.core.folders import FolderRecord
from dfs.core.history import CONFLICT

_RIGHTS = {"r": "read", "w": "write"}


@frozen
class Written:
    """
    What became of a text.

    @ivar file: where it is, from the folder of the document on; None if it is nowhere.
    @ivar damaged: why it could not be read.
    """

    file: str | None
    damaged: str = ""


def moment(seconds: float) -> str:
    """A time: UTC."""
    try:
        text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError):
        return str(seconds)  # a calendar has no such day
    return text.replace("+00:00", "Z")


def describe(
    document: Document, path: str | None, written: Mapping[bytes, Written], note: str = ""
) -> dict[str, Any]:
    """
    Everything about a document but its texts.

    @param path: None if it is not known.
    @param written: what became of each of its contents, by hash.
    """
    metadata = document.metadata

    def text(revision: Revision) -> dict[str, Any]:
        return _text(revision, written[revision.content.sha256])

    return {
        "id": document.id,
        "path": path,
        "name": metadata.name,
        **({"note": note} if note else {}),
        "owner": metadata.access.owner,
        "access": [
            {"user": user, "right": _RIGHTS.get(right, right)}
            for user, right in metadata.access.grants
        ],
        "created": moment(metadata.created),
        **text(document.current),
        "version": str(document.version),
        "epoch": document.epoch,
        "metadata_number": metadata.number,
        "undo": [text(one) for one in document.undo],
        "redo": [text(one) for one in document.redo],
        "checkpoints": [
            {
                "tag": one.tag,
                "conflict": one.tag.startswith(CONFLICT),
                "made": moment(one.made),
                "made_by": one.made_by,
                **text(one.revision),
            }
            for one in document.checkpoints
        ],
    }


def _text(revision: Revision, written: Written) -> dict[str, Any]:
    figures = revision.content.measure
    return {
        "file": written.file,
        **({"damaged": written.damaged} if written.damaged else {}),
        "sha256": revision.content.sha256.hex(),
        "size": figures.size,
        "words": figures.words,
        "characters": figures.characters,
        "sentences": figures.sentences,
        "is_text": figures.is_text,
        "modified": moment(revision.modified),
        "modified_by": revision.modified_by,
    }


def describe_folder(record: FolderRecord, path: str | None, where: str) -> dict[str, Any]:
    """
    Everything about a folder.

    @param where: it is in the export.
    """
    return {
        "id": f"{record.id:016x}",
        "path": path,
        "name": record.name,
        "owner": record.owner,
        "created": moment(record.created),
        "folder": where,
    }


def as_json(value: object) -> bytes:
    """A file of JSON that people can read, too."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode(errors="backslashreplace") + b"\n"
