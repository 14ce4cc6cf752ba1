"""
What is kept of a folder, by the name server and by every storage server.

Decides the shape of one, and how paths are made of them.  Must not know what stands in a folder.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from dfs.core.paths import MAX_PATH_BYTES

#: The id of the folder that everything stands in.  It has no record.
ROOT = 0

#: No path has more parts: each takes two of its bytes.
MOST_DEEP = MAX_PATH_BYTES // 2 + 1


@frozen
class FolderRecord:
    """
    A folder, as it was decided last.

    @ivar id: 63 bits for life; moving it is one change, however much is in it.
    @ivar parent: id of the folder that it stands in.
    @ivar owner: who may move and delete it.
    @ivar created: seconds since the epoch.
    @ivar number: raised by the name server with each change of any folder, so that whoever knows
        all up to one number lacks exactly those with higher ones.
    @ivar gone: when it was deleted, seconds since the epoch; 0 if it was not.
    """

    id: int
    parent: int
    name: str
    owner: str
    created: float
    number: int
    gone: float = 0.0


def path_of(folder: int, name: str, find: Callable[[int], FolderRecord | None]) -> str | None:
    """
    The path of what has a name in a folder.

    @param find: gives the record of a folder, if it is known.
    @return: None if some folder on the way is not known, or gone.
    """
    names = [name]
    for _ in range(MOST_DEEP):
        if folder == ROOT:
            names.reverse()
            return "/".join(names)
        record = find(folder)
        if record is None or record.gone:
            return None
        names.append(record.name)
        folder = record.parent
    return None  # in a circle, which nobody decided
