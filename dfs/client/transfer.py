"""
PUT and GET: whole documents from and to local files.

Decides which name goes where, and that a local file is replaced as a whole or not at all.  Must
not know how content travels.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from typing import IO, BinaryIO

import click
from twisted.internet.defer import Deferred

from dfs.client.keyboard import StandardInput
from dfs.client.outcomes import done, each, warn_behind
from dfs.client.reading import Download
from dfs.client.screen import Progress, one_line
from dfs.client.verbs import Work
from dfs.columns import count
from dfs.errors import Conflict, Invalid, Unavailable

#: Bytes that are read from a local file at once.
PIECE = 256 * 1024

#: How often a download that was cut is begun again.
RESTARTS = 3

#: What begins to read a content.
Begin = Callable[[], Awaitable[Download]]


# ----------------------------------------------------------------------------------------- PUT


async def put(work: Work, names: tuple[str, ...]) -> None:
    """Store local files."""
    targets = put_targets(names)

    async def one(local: str) -> None:
        path = targets[local]
        if local == "-":
            await _put_input(work, path)
        else:
            await put_file(work, local, path)

    await each(work, tuple(targets), one)


def put_targets(names: tuple[str, ...]) -> dict[str, str]:
    """
    Which local file becomes which document.

    @raise click.UsageError: that cannot be told.
    """
    if len(names) == 1:
        if names[0] == "-":
            raise click.UsageError("standard input has no name; say PUT - <path>")
        return {names[0]: _last_part(names[0])}
    *locals, target = names
    if len(locals) == 1 and not target.endswith("/"):
        return {locals[0]: target}
    if not target.endswith("/"):
        raise click.UsageError("several files need a folder prefix, which ends with /, at the end")
    if "-" in locals:
        raise click.UsageError("standard input has no name; say PUT - <path>")
    return {local: target + _last_part(local) for local in locals}


def _last_part(name: str) -> str:
    return os.path.basename(name.rstrip("/")) or name


async def put_file(work: Work, local: str, path: str) -> None:
    """Store a local file as a whole document."""
    if os.path.isdir(local):
        raise Invalid(f"{local!r} is a folder; PUT -r stores it with all that is in it")
    with open(local, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        with _bar(work, path, size or None) as bar:
            committed = await work.session.put(path, lambda: _FileSource(file, bar))
    message = f"Put {one_line(path)}: {count(committed.size, 'byte')}."
    work.screen.committed(message, committed, path=path, local=local)


class _FileSource:
    """A local file, from its start."""

    def __init__(self, file: BinaryIO, bar: Progress) -> None:
        if file.seekable():
            file.seek(0)
            bar.reset()
        elif file.tell():
            raise Unavailable("the transfer was cut, and this input cannot be read twice")
        self._file = file
        self._bar = bar

    def read(self) -> bytes:
        """The next piece."""
        piece = self._file.read(PIECE)
        self._bar.update(len(piece))
        return piece


async def _put_input(work: Work, path: str) -> None:
    source = work.input
    if source is None:
        raise Invalid("the shell itself reads standard input; use dfs PUT - <path>")
    used: list[bool] = []

    def begin() -> _InputSource:
        if used:
            raise Unavailable("the transfer was cut, and standard input cannot be read twice")
        return _InputSource(source, used)

    committed = await work.session.put(path, begin)
    message = f"Put {one_line(path)}: {count(committed.size, 'byte')}."
    work.screen.committed(message, committed, path=path, local="-")


class _InputSource:
    """Standard input, once."""

    def __init__(self, source: StandardInput, used: list[bool]) -> None:
        self._source = source
        self._used = used

    def read(self) -> Deferred[bytes]:
        """The next piece."""
        self._used.append(True)
        return self._source.piece()


# ----------------------------------------------------------------------------------------- GET


async def get(work: Work, names: tuple[str, ...]) -> None:
    """Copy documents into local files."""
    targets = get_targets(names)

    async def one(path: str) -> None:
        await get_file(work, path, targets[path])

    await each(work, tuple(targets), one)


async def get_file(work: Work, path: str, local: str) -> None:
    """Copy a document into a local file, which is replaced as a whole, or to standard output."""
    # A bar without an end helps little, and a person can wait for one more question.
    asks = work.screen.shows_progress and local != "-"
    total = (await work.session.info(path)).index.size if asks else None
    await save(work, path, local, lambda: work.session.open_read(path), total)


def get_targets(names: tuple[str, ...]) -> dict[str, str]:
    """
    Which document becomes which local file.

    @raise click.UsageError: that cannot be told.
    """
    if len(names) == 1:
        return {names[0]: _last_part(names[0])}
    *paths, target = names
    if os.path.isdir(target):
        return {path: os.path.join(target, _last_part(path)) for path in paths}
    if len(paths) > 1:
        raise click.UsageError(f"several documents need a local folder, and {target!r} is none")
    return {paths[0]: target}


async def save(
    work: Work, path: str, local: str, begin: Begin, total: int | None, **fields: str
) -> None:
    """
    Copy a content into a local file, or to standard output.

    @param path: of its document.
    @param begin: begins to read it; called again if the server is lost.
    @param total: its bytes, if known.
    @param fields: what else a program wants to know.
    """
    if local == "-":
        await _to_output(work, path, begin)
        return
    with _replacing(os.path.realpath(local)) as file, _bar(work, path, total) as bar:
        size = await _fetch(work, path, begin, file, bar)
    message = f"Got {one_line(path)}: {count(size, 'byte')} into {one_line(local)}."
    done(work, message, path=path, **fields, local=local, size=size)


async def _to_output(work: Work, path: str, begin: Begin) -> None:
    download = await begin()
    warn_behind(work, path, download.newer_on)
    try:
        while piece := await download.read():
            work.screen.data(piece)
    finally:
        download.close()
    work.screen.data_end()


async def _fetch(work: Work, path: str, begin: Begin, file: IO[bytes], bar: Progress) -> int:
    """Write a content into a file, from the start again if its server is lost."""
    restarts = RESTARTS if file.seekable() else 0
    while True:
        download = await begin()
        try:
            while piece := await download.read():
                file.write(piece)
                bar.update(len(piece))
            warn_behind(work, path, download.newer_on)
            return download.size
        except (Unavailable, Conflict):
            if not restarts:
                raise
            restarts -= 1
            file.seek(0)
            file.truncate()
            bar.reset()
        finally:
            download.close()


@contextlib.contextmanager
def _replacing(target: str) -> Iterator[IO[bytes]]:
    """A file that takes the place of another when it is complete, and vanishes otherwise."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG | (0o666 & ~_umask())
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "is a folder", target)
    if not stat.S_ISREG(mode):
        # A device or a pipe cannot be replaced, only written to.
        with open(target, "wb") as file:
            yield file
        return
    try:
        number, name = tempfile.mkstemp(prefix=".dfs-", suffix=".part", dir=os.path.dirname(target))
    except OSError as error:
        # Nobody has heard of the temporary name.
        raise type(error)(error.errno, error.strerror, target) from None
    try:
        with open(number, "wb") as file:
            yield file
            os.fchmod(file.fileno(), stat.S_IMODE(mode))
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    """What is taken from the rights of a new file; it can be asked only by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _bar(work: Work, what: str, total: int | None) -> Iterator[Progress]:
    bar = work.screen.progress(what, total)
    try:
        yield bar
    finally:
        bar.close()
