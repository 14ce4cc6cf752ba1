"""
What the commands about folders and places do: CREATEFOLDER, VIEWFOLDER, MOVE, DELETEFOLDER, DELETE.

Decides what is asked of the library and what is printed.  Must not know how a command is typed, nor
where its output goes.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfs.client.outcomes import done, each
from dfs.client.screen import one_line
from dfs.client.verbs import Work
from dfs.errors import NotFound

if TYPE_CHECKING:
    from dfs.wire.messages import ViewLine


async def create_folder(work: Work, parents: bool, paths: tuple[str, ...]) -> None:
    """C{CREATEFOLDER}."""

    async def one(path: str) -> None:
        id = await work.session.folders.make(path, existing=parents)
        done(work, "Folder Created Successfully!", path=path, id=id)

    await each(work, paths, one)


async def view_folder(
    work: Work, all: bool, long: bool, deep: bool, itself: bool, paths: tuple[str, ...]
) -> None:
    """C{VIEWFOLDER}."""

    async def one(path: str) -> None:
        lines = await work.session.folders.view(path, all=all, deep=deep, itself=itself)
        if len(paths) > 1 and not work.screen.json:
            work.screen.text(f"{one_line(path)}:\n")
        # What stands in one folder needs its names only; what stands below it, its paths.
        _show(work, lines, long=long, whole=deep or itself)

    await each(work, paths or ("/",), one)


def _show(work: Work, lines: Sequence[ViewLine], *, long: bool, whole: bool) -> None:
    from dfs.client import render

    if work.screen.json:
        for line in lines:
            work.screen.record(**render.folder_record(line))
    elif not lines:
        work.screen.text("No files found.\n")
    elif long:
        work.screen.text(render.view_table(lines, whole=whole) + "\n")
    else:
        names = [render.name_of(line, whole=whole) for line in lines]
        work.screen.text("".join(f"{one_line(name)}\n" for name in names))


async def move(work: Work, names: tuple[str, ...]) -> None:
    """C{MOVE}."""
    *sources, target = names
    if len(sources) > 1 and not target.endswith("/"):
        target += "/"

    async def one(path: str) -> None:
        placed = await work.session.folders.move(path, target)
        message = f"Moved {one_line(path)} to {one_line(placed)}."
        work.screen.result(message, message=message, path=path, target=placed)

    await each(work, tuple(sources), one)


async def delete(work: Work, recursive: bool, force: bool, paths: tuple[str, ...]) -> None:
    """C{DELETE}."""

    async def one(path: str) -> None:
        try:
            if recursive and await _is_folder(work, path):
                await _delete_folder(work, path, recursive=True)
                return
            await work.session.delete(path)
        except NotFound:
            if not recursive and await _is_folder(work, path):
                raise NotFound(f"{path!r} is a folder; rm -r removes it with all in it") from None
            if not force:
                raise
            return
        done(work, "File deleted successfully!", path=path)

    await each(work, paths, one)


async def _is_folder(work: Work, path: str) -> bool:
    try:
        [line] = await work.session.folders.view(path, itself=True)
    except NotFound:
        return False
    return line.folder


async def delete_folder(work: Work, recursive: bool, paths: tuple[str, ...]) -> None:
    """C{DELETEFOLDER}."""

    async def one(path: str) -> None:
        await _delete_folder(work, path, recursive=recursive)

    await each(work, paths, one)


async def _delete_folder(work: Work, path: str, *, recursive: bool) -> None:
    bar = work.screen.progress(f"deleting {path}", None, unit=" documents")
    try:
        documents = await work.session.folders.delete(
            path, recursive=recursive, on_deleted=lambda _: bar.update(1)
        )
    finally:
        bar.close()
    message = "Folder deleted successfully!"
    if documents:
        message += f" {documents} document{'s' * (documents != 1)} went with it."
    work.screen.result(message, message=message, path=path, documents=documents)
