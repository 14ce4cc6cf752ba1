"""
C{dfs admin rebuild}: the journal of a name server, made anew of the stores alone.

Decides that nothing of the stores is changed, and that a journal which is there is never
overwritten.  What the stores say is taken together in L{dfs.offline.gathering}.  Must not know who
asks, or what is printed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dfs.errors import Exists, Unavailable
from dfs.nm.sqlite import claim, make
from dfs.offline.gathering import Rebuilt, gathered
from dfs.store.still import StillStore


def rebuild(
    data: str, stores: Sequence[str], pairs: Sequence[tuple[str, str]] = (), *, dry: bool = False
) -> Rebuilt:
    """
    Make a journal.

    @param data: the folder for it.
    @param stores: the storage folders of all storage servers; nothing in them is changed.
    @param pairs: home primaries and backups whose names do not say it.
    @param dry: find out everything, write nothing.
    @raise DFSError: it cannot be done; nothing was written.
    """
    folder = Path(os.path.abspath(data))
    _refuse_journal(folder)
    try:
        with contextlib.ExitStack() as undo:
            near = next(one for one in (folder, *folder.parents) if one.is_dir())
            scratch = undo.enter_context(tempfile.TemporaryDirectory(prefix=".dfs-", dir=near))
            opened = []
            for number, path in enumerate(stores):
                store = StillStore.open(path, os.path.join(scratch, str(number)))
                undo.callback(store.close)
                opened.append(store)
            rebuilt = gathered(opened, dict(pairs))
            if not dry:
                _write(folder, rebuilt)
            return rebuilt
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror or error}") from error


def _refuse_journal(folder: Path) -> None:
    """
    Never overwrite one.

    @raise Exists: there is one.
    """
    for name in ("journal.db", "journal.db-wal"):
        if (folder / name).exists():
            raise Exists(
                f"{folder} holds a journal already ({name}), which is never overwritten: if it is "
                "lost or damaged, move it away, or choose another folder"
            )


def _write(folder: Path, rebuilt: Rebuilt) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = claim(folder)
    try:
        _refuse_journal(folder)
        make(folder / "journal.db", rebuilt.cluster_id, rebuilt.changes())
    finally:
        os.close(lock)
