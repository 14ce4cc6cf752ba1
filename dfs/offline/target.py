"""
The folder that an export is written to.

Decides that it was empty, that nothing is written beside it, that what is there is durable before
it is said to be complete.  Must not know what is written.

Note [One step at a time].  Files are opened by their name in a folder that is open already: so no
path can be too long, and none can lead anywhere else.

Note [Durable at once].  An fsync of each of very many small files takes minutes, even if nothing is
left to write.  One C{syncfs} for all of them takes seconds, and tells of errors of the disk too.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from attrs import define, field

from dfs.errors import Exists, Invalid, Unavailable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: What a disk says of a name that it cannot take.
_NO_NAME = (errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG, errno.EPROTO)


def claim(path: str, *, outside: str) -> bool:
    """
    Make the folder, or make sure that it is empty.

    @param outside: a folder that it may not be in.
    @return: whether it was made.
    @raise Invalid: it would be in there.
    @raise Exists: there is something.
    """
    mine, other = os.path.realpath(path), os.path.realpath(outside)
    if os.path.commonpath([mine, other]) == other:
        raise Invalid(f"{path} is inside of the store {outside}; choose a folder elsewhere")
    try:
        there = os.path.lexists(path)
        os.makedirs(path, mode=0o700, exist_ok=True)
        if os.listdir(path):
            raise Exists(f"{path} is not empty; choose a new folder, or empty this one")
    except (FileExistsError, NotADirectoryError):
        raise Exists(f"{path} is a file; choose a new folder") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be made: {error.strerror}") from error
    return not there


def give_back(path: str) -> None:
    """Remove a folder that nothing was written to."""
    with suppress(OSError):
        os.rmdir(path)


@define(eq=False)
class Target:
    """
    An open folder.

    @ivar files: how many were written.
    @ivar size: of all of them, in bytes.
    @ivar _open: C{os.open}; C{_mkdir} likewise.
    """

    _path: str
    _open: Callable[..., int] = os.open
    _mkdir: Callable[..., None] = os.mkdir
    files: int = field(default=0, init=False)
    size: int = field(default=0, init=False)

    @contextmanager
    def folder(self, names: Iterable[str]) -> Iterator[int]:
        """A descriptor of a folder below this one; it exists."""
        descriptor = os.open(self._path, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for name in names:
                above, descriptor = descriptor, self._open(name, _FOLDER, dir_fd=descriptor)
                os.close(above)
            yield descriptor
        finally:
            os.close(descriptor)

    def make(self, folder: int, names: Sequence[str]) -> str:
        """
        Make a folder.

        @param names: the first that the disk takes.
        @return: that one.
        """
        return _first(names, lambda name: self._mkdir(name, 0o700, dir_fd=folder))

    def write(self, folder: int, names: Sequence[str], pieces: Iterable[bytes]) -> str:
        """
        Write a new file; if the pieces end with an error, there is none.

        @param names: the first that the disk takes.
        @return: that one.
        """
        opened: list[int] = []

        def create(name: str) -> None:
            opened.append(self._open(name, _NEW, 0o600, dir_fd=folder))

        name = _first(names, create)
        try:
            with open(opened[0], "wb", buffering=0) as file:
                written = sum(_write(file.fileno(), piece) for piece in pieces)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        self.files += 1
        self.size += written
        return name

    def settle(self) -> None:
        """
        Make everything durable, see Note [Durable at once].

        @raise OSError: the disk failed.
        """
        with self.folder([]) as top:
            _sync_all(top)


def _sync_all(descriptor: int) -> None:
    """Make everything durable that is on a disk; Python has no word for it."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
    elif syncfs(descriptor):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _write(descriptor: int, piece: bytes) -> int:
    """Write all of it."""
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return len(piece)


def _first(names: Sequence[str], attempt: Callable[[str], None]) -> str:
    """The first name that the disk takes."""
    for name in names[:-1]:
        try:
            attempt(name)
        except OSError as error:
            if error.errno not in _NO_NAME:
                raise
        else:
            return name
    attempt(names[-1])
    return names[-1]
