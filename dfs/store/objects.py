"""
Large contents: one immutable file for each, named by its hash.

Decides where the files are, in which order they become durable, and that their bytes are verified
while they are read.  Everything here may block and is called in threads, except where it says
otherwise.  Must not know who waits for the bytes, nor which documents refer to them.

Note [Order].  Bytes are written to C{incoming/} and fsynced; the file is linked into C{objects/}
and the folder fsynced; only then is the row committed that makes the content exist.  So a row
without its file means damage, and a file without a row means nothing and is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from attrs import define, field

from dfs.core.documents import Content
from dfs.core.measure import Measure, Measurer
from dfs.errors import Corrupt
from dfs.store.damage import Damaged
from dfs.store.files import DISK, Files
from dfs.store.groupcommit import is_crowded, reason, refusal
from dfs.store.interfaces import INLINE_BYTES, PIECE_BYTES

if TYPE_CHECKING:
    from hashlib import _Hash

#: The disk is set to work whenever so many bytes of an upload were written.
WRITE_OUT_BYTES = 8 * 1024 * 1024


@define
class Objects:
    """
    The two folders of a store that hold large contents.

    @ivar files: by which they are written and read.
    @ivar _made: folders in C{objects/} whose names are durable; that one of them is there does not
        say so, because a process may have been killed, or an fsync refused, after it was made.
    """

    _path: str
    files: Files = DISK
    _made: set[str] = field(factory=set, init=False)
    _received: int = field(default=0, init=False)

    def prepare(self) -> None:
        """Make the folders if they are missing; forget what was never finished."""
        files = self.files
        for folder in ("objects", "incoming"):
            files.make_folders(os.path.join(self._path, folder))
        incoming = os.path.join(self._path, "incoming")
        for name in files.names(incoming):
            files.unlink(os.path.join(incoming, name))
        files.sync_folder(self._path)
        files.sync_folder(os.path.dirname(os.path.abspath(self._path)))

    def incoming_path(self) -> str:
        """Where the next content may be received.  Called in the reactor's thread only."""
        self._received += 1
        return os.path.join(self._path, "incoming", str(self._received))

    def path(self, sha256: bytes) -> str:
        """Where a content is."""
        name = sha256.hex()
        return os.path.join(self._path, "objects", name[:2], name)

    def link(self, incoming: str, sha256: bytes) -> None:
        """
        Give a received, fsynced file its place.  Doing so twice is harmless.

        @raise OSError: the disk is full or failed, or there is no such file.
        """
        target = self.path(sha256)
        folder = os.path.dirname(target)
        if folder not in self._made:
            with contextlib.suppress(FileExistsError):
                self.files.make_folder(folder)
            self.files.sync_folder(os.path.dirname(folder))
            self._made.add(folder)
        # By way of a second name, so that a file that is there already is replaced in one moment:
        # it may be a damaged leftover, or it may be needed if this transaction is undone.
        second = incoming + ".link"
        with contextlib.suppress(FileExistsError):
            self.files.link(incoming, second)
        try:
            self._rename(second, target)
        except OSError:
            # Or its bytes would stay on a disk that may be full.
            with contextlib.suppress(OSError):
                self.files.unlink(second)
            raise
        # POSIX leaves both names alone if they are the same file already.
        with contextlib.suppress(FileNotFoundError):
            self.files.unlink(second)
        self.files.sync_folder(folder)

    def put(self, sha256: bytes, data: bytes) -> None:
        """
        Write a small content into a file.  Called in the writer's thread only.

        @raise OSError: the disk is full or failed.
        """
        path = os.path.join(self._path, "incoming", f"again-{sha256.hex()}")
        with contextlib.suppress(FileNotFoundError):
            self.files.unlink(path)
        descriptor = self.files.create(path)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self.files.write(descriptor, rest) :]
            self.files.sync(descriptor)
        finally:
            self.files.close(descriptor)
        self.link(path, sha256)
        self.files.unlink(path)

    def small(self, sha256: bytes) -> bytes | None:
        """The bytes of a small content that was L{put}; None if it was not, or is damaged."""
        try:
            descriptor = self.files.open(self.path(sha256))
        except OSError:
            return None
        try:
            data = self.files.read(descriptor, INLINE_BYTES + 1)
        except OSError:
            return None
        finally:
            self.files.close(descriptor)
        return data if hashlib.sha256(data).digest() == sha256 else None

    def size(self, sha256: bytes) -> int:
        """Bytes of the file of a content; -1 if there is none."""
        try:
            descriptor = self.files.open(self.path(sha256))
        except OSError:
            return -1
        try:
            return self.files.size(descriptor)
        finally:
            self.files.close(descriptor)

    def _rename(self, second: str, target: str) -> None:
        try:
            self.files.rename(second, target)
        except FileNotFoundError:
            # Somebody removed the folder; its contents are damaged now, and this may mend one.
            self.files.make_folders(os.path.dirname(target))
            self.files.rename(second, target)

    def remove(self, sha256: bytes) -> None:
        """Remove a file that no row names, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.files.unlink(self.path(sha256))

    def stored(self) -> Iterator[bytes]:
        """The hash of every file; what has no such name is none of ours and left alone."""
        top = os.path.join(self._path, "objects")
        for folder in self.files.names(top):
            for name in self.files.names(os.path.join(top, folder)):
                with contextlib.suppress(ValueError):
                    yield bytes.fromhex(name)

    def open(self, content: Content) -> int:
        """
        A descriptor of the file of a content.  Quick; called in the reactor's thread.

        @raise Corrupt: it is missing or has another size.
        @raise Busy: no descriptor is left.
        """
        try:
            descriptor = self.files.open(self.path(content.sha256))
        except OSError as error:
            if is_crowded(error):
                raise refusal(error) from error
            why = reason(error)
            raise Damaged(content.sha256, f"cannot be read: {why}") from error
        size = self.files.size(descriptor)
        if size != content.size:
            self.files.close(descriptor)
            raise Damaged(content.sha256, f"has {size} bytes on disk, not {content.size}")
        return descriptor


@define
class Spool:
    """
    A file in C{incoming/} that grows.

    @ivar path: of the file.
    @ivar _known: its figures, if it need not be measured.
    """

    path: str
    _room: Callable[[], None]
    _known: Measure | None = None
    _files: Files = DISK
    _descriptor: int = field(default=-1, init=False)
    _hash: _Hash = field(factory=hashlib.sha256, init=False)
    _measurer: Measurer = field(factory=Measurer, init=False)
    _dirty: int = field(default=0, init=False)

    def write(self, pieces: list[bytes]) -> None:
        """
        Add bytes.

        @raise Unavailable: there is no room.
        @raise OSError: the disk failed.
        """
        self._room()
        if self._descriptor < 0:
            self._descriptor = self._files.create(self.path)
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[self._files.write(self._descriptor, rest) :]
            self._hash.update(piece)
            # In this thread too: measuring keeps the interpreter's lock, so a second thread for
            # it was no faster.
            if self._known is None:
                self._measurer.update(piece)
            self._dirty += len(piece)
        if self._dirty >= WRITE_OUT_BYTES:
            # So seal() has less to wait for.
            self._files.write_out(self._descriptor)
            self._dirty = 0

    def seal(self) -> Content:
        """
        All bytes came: make them durable.

        @raise OSError: the disk failed.
        """
        self._files.sync(self._descriptor)
        self._files.close(self._descriptor)
        self._descriptor = -1
        return Content(self._hash.digest(), self._known or self._measurer.finish())

    def discard(self) -> None:
        """Remove the file; its content stays if it was linked elsewhere."""
        if self._descriptor >= 0:
            self._files.close(self._descriptor)
            self._descriptor = -1
        with contextlib.suppress(FileNotFoundError):
            self._files.unlink(self.path)


@define
class Scan:
    """A file of a content, being read and verified."""

    _descriptor: int
    _content: Content
    _files: Files = DISK
    _left: int = field(init=False)
    _hash: _Hash = field(factory=hashlib.sha256, init=False)

    def __attrs_post_init__(self) -> None:
        self._left = self._content.size

    def read(self, pieces: int) -> tuple[list[bytes], Corrupt | None]:
        """
        The next pieces, none at the end; the last of all only if every byte was right.

        @return: pieces that may be used, and why there will be no more.
        """
        good: list[bytes] = []
        while self._left and len(good) < pieces:
            try:
                piece = self._files.read(self._descriptor, min(PIECE_BYTES, self._left))
            except OSError as error:
                return good, self._damaged(reason(error))
            if not piece:
                return good, self._damaged("it became shorter")
            self._hash.update(piece)
            self._left -= len(piece)
            if not self._left and self._hash.digest() != self._content.sha256:
                return good, self._damaged("its bytes are not what was stored")
            good.append(piece)
        return good, None

    def close(self) -> None:
        """Let go of the file; harmless when called twice."""
        if self._descriptor >= 0:
            self._files.close(self._descriptor)
            self._descriptor = -1

    def _damaged(self, why: str) -> Corrupt:
        return Damaged(self._content.sha256, f"is damaged: {why}")
