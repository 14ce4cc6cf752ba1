"""
Which verb is answered by what.

Decides what a storage server answers at all; C{STATUS} and the greeting are added elsewhere.  Must
not know how anything is answered.
"""

from __future__ import annotations

from typing import Any

from dfs.ss.checkpoints import Checkpoints
from dfs.ss.copies import Copies
from dfs.ss.mending import Mending
from dfs.ss.orders import Orders
from dfs.ss.reading import Reading
from dfs.ss.writing import Writing
from dfs.wire import messages
from dfs.wire.messages import Request
from dfs.wire.reception import Handler


def handlers(
    reading: Reading,
    writing: Writing,
    checkpoints: Checkpoints,
    orders: Orders,
    copies: Copies,
    mending: Mending,
) -> dict[type[Request[Any]], Handler]:
    """The table of verbs."""
    return {
        messages.Read: mending.mended(reading.read),
        messages.Stream: mending.mended(reading.stream),
        messages.Stat: reading.stat,
        messages.Put: writing.put,
        messages.Append: mending.mended(writing.append),
        messages.Undo: writing.undo,
        messages.Redo: writing.redo,
        messages.Write: mending.mended(writing.write),
        messages.Edit: mending.mended(writing.edit),
        messages.Etirw: writing.etirw,
        messages.Abort: writing.abort,
        messages.MakeCheckpoint: checkpoints.make,
        messages.ViewCheckpoint: mending.mended(checkpoints.view),
        messages.Revert: checkpoints.revert,
        messages.ListCheckpoints: checkpoints.list,
        messages.DeleteCheckpoint: checkpoints.delete,
        messages.PutMetadata: orders.put_metadata,
        messages.PutFolders: orders.put_folders,
        messages.DeleteFile: orders.delete_file,
        messages.Promote: orders.promote,
        messages.Drain: orders.drain,
        messages.GetFileContent: copies.get_file_content,
        messages.PutFileContent: copies.put_file_content,
        messages.Renote: copies.renote,
        messages.GetContent: mending.get_content,
        messages.PutContent: mending.put_content,
    }
