"""
What each command does.

Decides what is asked of the library and what is printed.  Must not know how a command is typed, nor
where its output goes.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import click

from dfs.client.outcomes import done, each, warn_behind
from dfs.client.screen import one_line, typed
from dfs.client.verbs import Leave, Verb, Work
from dfs.errors import TooLarge

if TYPE_CHECKING:
    from dfs.client.reading import Download

#: Bytes of a document that READ --json writes into one object.
MOST_IN_JSON = 64 * 1024 * 1024


# ------------------------------------------------------------------------------------ reading


async def view(work: Work, all: bool, long: bool) -> None:
    """C{VIEW}."""
    from dfs.client import render

    lines = sorted(await work.session.view(all), key=lambda line: line.path)
    if work.screen.json:
        for line in lines:
            work.screen.record(**render.view_record(line))
    elif not lines:
        work.screen.text("No files found.\n")
    elif long:
        work.screen.text(render.view_table(lines) + "\n")
    else:
        work.screen.text("".join(f"{one_line(line.path)}\n" for line in lines))


async def read(work: Work, paths: tuple[str, ...], raw: bool) -> None:
    """C{READ}."""

    async def one(path: str) -> None:
        await show(work, await work.session.open_read(path), raw)

    await each(work, paths, one)


async def show(work: Work, download: Download, raw: bool, **fields: str) -> None:
    """
    Print a content.

    @param raw: send a terminal the bytes themselves.
    @param fields: what else a program wants to know.
    """
    if work.screen.json:
        await _show_json(work, download, fields)
        return
    warn_behind(work, download.path, download.newer_on)
    try:
        while piece := await download.read():
            work.screen.data(piece, raw=raw)
    finally:
        download.close()
        work.screen.data_end()


async def _show_json(work: Work, download: Download, more: dict[str, str]) -> None:
    content = bytearray()
    try:
        while piece := await download.read():
            content += piece
            if len(content) > MOST_IN_JSON:
                raise TooLarge("the document is too large for --json; use GET")
    finally:
        download.close()
    fields: dict[str, Any] = {
        "path": download.path,
        **more,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "behind": bool(download.newer_on),
    }
    try:
        fields["content"] = content.decode("utf-8")
    except UnicodeDecodeError:
        import base64

        fields["content_base64"] = base64.b64encode(content).decode("ascii")
    work.screen.record(**fields)


async def stream(work: Work, path: str, delay: float) -> None:
    """C{STREAM}."""
    words = work.session.stream(path, delay)
    newer_on, changed = "", False
    try:
        while piece := await words.read():
            if words.newer_on != newer_on:
                newer_on = words.newer_on
                warn_behind(work, path, newer_on)
            if words.changed and not changed:
                changed = True
                work.screen.note(
                    f"warning: {path}: the server was lost, and where the text goes on it is "
                    "another version than the one that began; READ shows all of it"
                )
            if work.screen.json:
                work.screen.record(text=piece.decode("utf-8", "backslashreplace"))
            else:
                work.screen.data(piece)
            work.screen.flush()
    finally:
        words.close()
        if not work.screen.json:
            work.screen.data_end()


async def execute(work: Work, path: str) -> None:
    """C{EXEC}."""
    from dfs.client.running import execute

    await execute(work, path)


async def info(work: Work, paths: tuple[str, ...]) -> None:
    """C{INFO}."""
    from dfs.client import render

    async def one(path: str) -> None:
        known = await work.session.info(path)
        work.screen.result(
            render.info_text(known.index, known.facts, known.note),
            **render.info_record(known.index, known.facts, known.note),
        )

    await each(work, paths, one)


# ------------------------------------------------------------------------------------ changing


async def create(work: Work, paths: tuple[str, ...]) -> None:
    """C{CREATE}."""

    async def one(path: str) -> None:
        id = await work.session.create(path)
        done(work, "File Created Successfully!", path=path, id=id)

    await each(work, paths, one)


async def append(work: Work, path: str, text: tuple[str, ...]) -> None:
    """C{APPEND}."""
    committed = await work.session.append(path, typed(" ".join(text)))
    work.screen.committed("Append Successful!", committed, path=path)


async def undo(work: Work, path: str) -> None:
    """C{UNDO}."""
    committed = await work.session.undo(path)
    work.screen.committed("Undo Successful!", committed, path=path)


async def redo(work: Work, path: str) -> None:
    """C{REDO}."""
    committed = await work.session.redo(path)
    work.screen.committed("Redo Successful!", committed, path=path)


async def write(work: Work, path: str, sentence: int, edits: tuple[str, ...]) -> None:
    """C{WRITE}."""
    from dfs.client.editor import edit

    await edit(work, path, sentence, edits)


async def retry(work: Work) -> None:
    """C{RETRY}."""
    from dfs.client.editor import retry

    await retry(work)


async def abort(work: Work) -> None:
    """C{ABORT}, where no session is open."""
    from dfs.client.editor import forget

    forget(work)


async def put(work: Work, recursive: bool, names: tuple[str, ...]) -> None:
    """C{PUT}."""
    if recursive:
        from dfs.client.trees import put_tree

        await put_tree(work, *_one_folder(names))
        return
    from dfs.client.transfer import put

    await put(work, names)


async def get(work: Work, recursive: bool, names: tuple[str, ...]) -> None:
    """C{GET}."""
    if recursive:
        from dfs.client.trees import get_tree

        await get_tree(work, *_one_folder(names))
        return
    from dfs.client.transfer import get

    await get(work, names)


def _one_folder(names: tuple[str, ...]) -> tuple[str, str | None]:
    """
    What is copied, and where to, if that was said.

    @raise click.UsageError: more was said.
    """
    if len(names) > 2:
        raise click.UsageError("with -r one folder is copied at a time: <folder> [<target>]")
    return names[0], names[1] if len(names) == 2 else None


async def add_access(work: Work, read: bool, write: bool, path: str, user: str) -> None:
    """C{ADDACCESS}."""
    right = right_of(read, write)
    await work.session.add_access(path, user, right)
    done(work, "Access granted successfully!", path=path, user=user, right=right)


def right_of(read: bool, write: bool) -> str:
    """
    The right that was named.

    @raise click.UsageError: none was, or both.
    """
    if read == write:
        raise click.UsageError("say either -R (read) or -W (read and write)")
    return "w" if write else "r"


async def rem_access(work: Work, path: str, user: str) -> None:
    """C{REMACCESS}."""
    await work.session.rem_access(path, user)
    done(work, "Access removed successfully!", path=path, user=user)


# ---------------------------------------------------------------------------------- the cluster


async def list_users(work: Work) -> None:
    """C{LIST}."""
    from dfs.client import render

    users = sorted(await work.session.users(), key=lambda line: line.user)
    if work.screen.json:
        for line in users:
            work.screen.record(user=line.user, online=line.online)
    else:
        work.screen.text(render.users_table(users) + "\n")


async def servers(work: Work) -> None:
    """C{SERVERS}."""
    from attrs import asdict

    from dfs.client import render

    lines = sorted(await work.session.servers(), key=lambda line: line.name)
    if work.screen.json:
        for line in lines:
            work.screen.record(**asdict(line))
    elif not lines:
        work.screen.text("No storage server has registered yet.\n")
    else:
        work.screen.text(render.servers_table(lines) + "\n")


async def status(work: Work, server: str) -> None:
    """C{STATUS}."""
    from dfs.client import render

    lines = [(line.name, line.value) for line in await work.session.status(server)]
    work.screen.result(render.facts(lines), **dict(lines))


async def whoami(work: Work) -> None:
    """C{WHOAMI}."""
    user = await work.session.whoami()
    work.screen.result(one_line(user), user=user)


async def help(work: Work, about: str) -> None:
    """C{HELP}."""
    if not about:
        for verb in work.table.verbs:
            work.screen.result(f"{verb.usage:42} {verb.meaning}", **_described(verb))
        return
    verb = work.table.find(about)
    settings = verb.command.context_settings
    with click.Context(verb.command, info_name=verb.name, **settings) as context:
        work.screen.result(verb.command.get_help(context), **_described(verb))


def _described(verb: Verb) -> dict[str, Any]:
    return {"command": verb.name, "usage": verb.usage, "meaning": verb.meaning}


async def leave(work: Work) -> None:
    """C{EXIT}."""
    raise Leave
