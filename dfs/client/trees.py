"""
C{PUT -r} and C{GET -r}: whole folders from and to local ones.

Decides which name goes where: a folder is copied into a folder that is there already, and otherwise
gets the new name itself, as C{cp -r} does.  Must not know how content travels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from attrs import frozen

from dfs.client.outcomes import each
from dfs.client.transfer import get_file, put_file, put_targets
from dfs.client.verbs import Work
from dfs.core import paths
from dfs.errors import Exists, Internal, Invalid, NotFound


@frozen
class Pairing:
    """
    A local name and a path, of the same thing.

    @ivar folder: it is a folder.
    """

    local: str
    path: str
    folder: bool


# ----------------------------------------------------------------------------------------- PUT


async def put_tree(work: Work, local: str, target: str | None) -> None:
    """
    Store a local folder with everything in it.

    @param target: where; None: under its own name.
    """
    name = _name(os.path.abspath(local))
    if not os.path.isdir(local):
        names = (local,) if target is None else (local, target)
        await put_file(work, local, put_targets(names)[local])
        return
    path = name if target is None else target
    if target is not None and (target.endswith("/") or await _is_folder(work, target)):
        path = f"{target.strip('/')}/{name}".lstrip("/")
    found = {one.path: one for one in local_tree(local, path, work.screen.note)}

    async def one(path: str) -> None:
        if found[path].folder:
            await work.session.folders.make(path, existing=True)
        else:
            await put_file(work, found[path].local, path)

    await each(work, tuple(found), one)


async def _is_folder(work: Work, path: str) -> bool:
    try:
        [line] = await work.session.folders.view(path, itself=True)
    except NotFound:
        return False
    if not line.folder:
        raise Exists(f"{path!r} is a document, so no folder can be put there")
    return True


def local_tree(local: str, path: str, note: object) -> Iterator[Pairing]:
    """
    A local folder and everything in it, each folder before what is in it.

    Links to files are followed, links to folders are not; what is no file is left out and said so.

    @param note: called with a sentence about what is left out.
    """
    assert callable(note)
    yield Pairing(local, path, True)
    for entry in sorted(os.scandir(local), key=lambda one: one.name):
        below = f"{path}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from local_tree(entry.path, below, note)
        elif entry.is_file():
            yield Pairing(entry.path, below, False)
        else:
            note(f"{entry.path}: left out, it is no file and no folder")


# ----------------------------------------------------------------------------------------- GET


async def get_tree(work: Work, path: str, target: str | None) -> None:
    """
    Copy a folder with everything in it into a local one.

    @param target: where; None: under its own name, here.
    """
    lines = await work.session.folders.view(path, deep=True)
    root = paths.folder(path)
    into = _name(root) if target is None else target
    if target is not None and os.path.isdir(target):
        into = os.path.join(target, _name(root))
    cut = len(root) + 1 if root else 0
    if len(lines) == 1 and not lines[0].folder and lines[0].path == root:
        await get_file(work, root, into or _name(root))
        return
    found = {line.path: line.folder for line in lines}
    for line in lines:
        _demand_below(root, line.path)
    os.makedirs(into or ".", exist_ok=True)

    async def one(path: str) -> None:
        local = os.path.join(into, *path[cut:].split("/"))
        if found[path]:
            os.makedirs(local, exist_ok=True)
        else:
            await get_file(work, path, local)

    if found:
        await each(work, tuple(found), one)


def _demand_below(root: str, path: str) -> None:
    """
    Make sure that a path leads nowhere else: whoever answers may not be the name server.

    @raise Internal: it does, or it is none.
    """
    try:
        good = paths.normalize(path) == path and (not root or path.startswith(f"{root}/"))
    except Invalid:
        good = False
    if not good:
        raise Internal(f"the name server lists {path!r} in {root!r}; nothing was written")


def _name(path: str) -> str:
    return os.path.basename(path.rstrip("/"))
