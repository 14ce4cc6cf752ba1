"""
The commands: one table, from which the command line, the shell, HELP and completion are made.

Decides what each command is called, asks of the library, and prints.  Must not know where its
output goes or where its lines come from.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import click

from dfs.client.failures import NoNameServer
from dfs.client.screen import one_line, typed
from dfs.client.verbs import Failed, Leave, RemotePath, Table, UserName, Verb, VerbName, Work
from dfs.errors import DFSError, TooLarge

#: Bytes of a document that READ --json writes into one object.
MOST_IN_JSON = 64 * 1024 * 1024


def path_argument() -> click.Argument:
    """One document."""
    return click.Argument(["path"], type=RemotePath())


def paths_argument() -> click.Argument:
    """Documents."""
    return click.Argument(["paths"], type=RemotePath(), nargs=-1, required=True)


def flag(*names: str, help: str) -> click.Option:
    """Something that is asked for or not."""
    return click.Option(list(names), is_flag=True, help=help)


async def each(work: Work, paths: tuple[str, ...], do: Callable[[str], Awaitable[None]]) -> None:
    """
    The same for several documents; one that fails does not keep the others from it.

    @raise Failed: at least one failed.
    """
    if len(paths) == 1:
        await do(paths[0])
        return
    failed = False
    for path in paths:
        try:
            await do(path)
        except NoNameServer:
            raise
        except DFSError as error:
            work.screen.error(type(error)(f"{path}: {error}"))
            failed = True
    if failed:
        raise Failed


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
        if work.screen.json:
            await _read_json(work, path)
            return
        download = await work.session.open_read(path)
        try:
            while piece := await download.read():
                work.screen.data(piece, raw=raw)
        finally:
            download.close()
            work.screen.data_end()

    await each(work, paths, one)


async def _read_json(work: Work, path: str) -> None:
    download = await work.session.open_read(path)
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
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
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
    try:
        while piece := await words.read():
            if work.screen.json:
                work.screen.record(text=piece.decode("utf-8", "backslashreplace"))
            else:
                work.screen.data(piece)
            work.screen.flush()
    finally:
        words.close()
        if not work.screen.json:
            work.screen.data_end()


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


async def delete(work: Work, paths: tuple[str, ...]) -> None:
    """C{DELETE}."""

    async def one(path: str) -> None:
        await work.session.delete(path)
        done(work, "File deleted successfully!", path=path)

    await each(work, paths, one)


async def append(work: Work, path: str, text: tuple[str, ...]) -> None:
    """C{APPEND}."""
    committed = await work.session.append(path, typed(" ".join(text)))
    done(work, "Append Successful!", path=path, version=committed.version, size=committed.size)


async def undo(work: Work, path: str) -> None:
    """C{UNDO}."""
    committed = await work.session.undo(path)
    done(work, "Undo Successful!", path=path, version=committed.version, size=committed.size)


async def redo(work: Work, path: str) -> None:
    """C{REDO}."""
    committed = await work.session.redo(path)
    done(work, "Redo Successful!", path=path, version=committed.version, size=committed.size)


async def write(work: Work, path: str, sentence: int, edits: tuple[str, ...]) -> None:
    """C{WRITE}."""
    from dfs.client.editor import edit

    await edit(work, path, sentence, edits)


async def put(work: Work, names: tuple[str, ...]) -> None:
    """C{PUT}."""
    from dfs.client.transfer import put

    await put(work, names)


async def get(work: Work, names: tuple[str, ...]) -> None:
    """C{GET}."""
    from dfs.client.transfer import get

    await get(work, names)


async def add_access(work: Work, read: bool, write: bool, path: str, user: str) -> None:
    """C{ADDACCESS}."""
    if read == write:
        raise click.UsageError("say either -R (read) or -W (read and write)")
    right = "w" if write else "r"
    await work.session.add_access(path, user, right)
    done(work, "Access granted successfully!", path=path, user=user, right=right)


async def rem_access(work: Work, path: str, user: str) -> None:
    """C{REMACCESS}."""
    await work.session.rem_access(path, user)
    done(work, "Access removed successfully!", path=path, user=user)


def done(work: Work, message: str, **fields: Any) -> None:
    """Say that a change was made."""
    work.screen.result(message, message=message, **fields)


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


# --------------------------------------------------------------------------------------- table


def table() -> Table:
    """Every command."""
    return Table((*_reading(), *_changing(), *_cluster()))


def _reading() -> tuple[Verb, ...]:
    return (
        Verb(
            "VIEW",
            "[-a] [-l]",
            "List the documents that you may read.",
            view,
            (
                flag("-a", "all", help="Also those that you may not read."),
                flag("-l", "long", help="With words, size, last change, owner, server …"),
            ),
            aliases=("ls",),
            examples=("VIEW", "VIEW -al"),
        ),
        Verb(
            "READ",
            "[--raw] <path>…",
            "Print a document, byte for byte.",
            read,
            (
                flag("--raw", help="Do not escape control characters on a terminal."),
                paths_argument(),
            ),
            aliases=("cat",),
            examples=("READ notes.txt", "READ 'to do.txt' reports/q3.txt"),
        ),
        Verb(
            "STREAM",
            "<path> [-d <seconds>]",
            "Print a document word by word.",
            stream,
            (
                path_argument(),
                click.Option(
                    ["-d", "delay"],
                    type=click.FloatRange(0, 3600),
                    default=0.1,
                    help="Seconds from one word to the next; 0.1 by default.",
                ),
            ),
            examples=("STREAM story.txt", "STREAM story.txt -d 0.5"),
        ),
        Verb(
            "INFO",
            "<path>…",
            "Tell everything about a document.",
            info,
            (paths_argument(),),
            aliases=("stat",),
            examples=("INFO notes.txt",),
        ),
    )


def _changing() -> tuple[Verb, ...]:
    return (
        Verb(
            "CREATE",
            "<path>…",
            "Make a new, empty document.",
            create,
            (paths_argument(),),
            aliases=("touch",),
            examples=("CREATE notes.txt",),
        ),
        Verb(
            "WRITE",
            '<path> <sentence> [-e "<word> <text>"]…',
            "Lock one sentence and insert words into it.",
            write,
            (
                path_argument(),
                click.Argument(["sentence"], type=int),
                click.Option(
                    ["-e", "edits"],
                    multiple=True,
                    help="An edit; with at least one, nothing is asked and all are committed.",
                ),
            ),
            examples=(
                "WRITE notes.txt 0",
                "WRITE> 0 Hello",
                "WRITE> 1 world.",
                "WRITE> ETIRW",
                "dfs WRITE notes.txt 0 -e '0 Hello' -e '1 world.'",
            ),
            details="Sentences and words count from 0. Each line '<word> <text>' inserts the text"
            " before that word; \\n, \\t and \\\\ mean newline, tab and backslash. ETIRW commits"
            " all lines as one change; ABORT, or the end of the input, drops them.",
            free_text=True,
        ),
        Verb(
            "APPEND",
            "<path> <text>…",
            "Add text to the end of a document.",
            append,
            (path_argument(), click.Argument(["text"], nargs=-1, required=True)),
            examples=("APPEND notes.txt 'One more line.\\n'",),
            details="\\n, \\t and \\\\ mean newline, tab and backslash.",
            free_text=True,
        ),
        Verb(
            "PUT",
            "<local>… [<path>]",
            "Store local files as whole documents.",
            put,
            (click.Argument(["names"], type=click.Path(allow_dash=True), nargs=-1, required=True),),
            examples=("PUT notes.txt", "PUT draft.txt reports/q3.txt", "PUT a.txt b.txt texts/"),
            details="A <path> that ends with / is a folder prefix; several files need one. The"
            " local name - is standard input. An existing document gets the new content as one"
            " change that can be undone.",
        ),
        Verb(
            "GET",
            "<path>… [<local>]",
            "Copy whole documents into local files.",
            get,
            (click.Argument(["names"], type=RemotePath(), nargs=-1, required=True),),
            examples=("GET notes.txt", "GET reports/q3.txt q3.txt", "GET notes.txt -"),
            details="A local file that exists is replaced, at once and as a whole. The local name"
            " - is standard output. Several documents need a local folder.",
        ),
        Verb(
            "UNDO",
            "<path>",
            "Take the last change back.",
            undo,
            (path_argument(),),
            examples=("UNDO notes.txt",),
        ),
        Verb(
            "REDO",
            "<path>",
            "Bring back what UNDO took.",
            redo,
            (path_argument(),),
            examples=("REDO notes.txt",),
        ),
        Verb(
            "DELETE",
            "<path>…",
            "Remove a document with its history.",
            delete,
            (paths_argument(),),
            aliases=("rm",),
            examples=("DELETE notes.txt",),
        ),
        Verb(
            "ADDACCESS",
            "-R|-W <path> <user>",
            "Let somebody read, or read and write.",
            add_access,
            (
                flag("-R", "-r", "read", help="To read."),
                flag("-W", "-w", "write", help="To read and write."),
                path_argument(),
                click.Argument(["user"], type=UserName()),
            ),
            examples=("ADDACCESS -R notes.txt bob",),
        ),
        Verb(
            "REMACCESS",
            "<path> <user>",
            "Take somebody's access away.",
            rem_access,
            (path_argument(), click.Argument(["user"], type=UserName())),
            examples=("REMACCESS notes.txt bob",),
        ),
    )


def _cluster() -> tuple[Verb, ...]:
    return (
        Verb("LIST", "", "List all users, and who is online.", list_users),
        Verb("WHOAMI", "", "Tell who you are here.", whoami),
        Verb("SERVERS", "", "List the storage servers.", servers),
        Verb(
            "STATUS",
            "[<server>]",
            "Tell how the name server is, or a storage server.",
            status,
            (click.Argument(["server"], default=""),),
            examples=("STATUS", "STATUS ss1"),
        ),
        Verb(
            "HELP",
            "[<command>]",
            "List the commands, or explain one.",
            help,
            (click.Argument(["about"], type=VerbName(), default=""),),
            examples=("HELP", "HELP WRITE"),
        ),
        Verb("EXIT", "", "Leave the shell.", leave, aliases=("quit",)),
    )
