"""
The few calls by which a store writes and reads files.

Decides nothing but how each of them is asked of the system.  A test hands in another object that
remembers what is durable, or fails.  Must not know what the files hold, nor where they lie.
"""

from __future__ import annotations

import os


class Files:
    """The files of this machine.  Every call may raise C{OSError}."""

    def make_folders(self, path: str) -> None:
        """Make a folder and those above it, each durable, unless they are there."""
        above = os.path.dirname(path)
        if not os.path.isdir(above):
            self.make_folders(above)
        try:
            self.make_folder(path)
        except FileExistsError:
            return
        self.sync_folder(above)

    def make_folder(self, path: str) -> None:
        """
        Make a folder in one that is there.

        @raise FileExistsError: there is one.
        """
        os.mkdir(path, 0o700)

    def names(self, path: str) -> list[str]:
        """What is in a folder."""
        return os.listdir(path)

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def create(self, path: str) -> int:
        """A descriptor that writes a new file."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: str) -> int:
        """A descriptor that reads a file."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def size(self, descriptor: int) -> int:
        """How many bytes an open file has."""
        return os.fstat(descriptor).st_size

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write bytes; how many it were."""
        return os.write(descriptor, data)

    def write_out(self, descriptor: int) -> None:
        """Linux begins to write what was written now, and does not wait."""
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self, descriptor: int) -> None:
        """Make the bytes of a file durable."""
        os.fdatasync(descriptor)

    def read(self, descriptor: int, size: int) -> bytes:
        """The next bytes, none at the end."""
        return os.read(descriptor, size)

    def close(self, descriptor: int) -> None:
        """Let go of a file."""
        os.close(descriptor)

    def link(self, path: str, second: str) -> None:
        """Give a file a second name."""
        os.link(path, second)

    def rename(self, path: str, other: str) -> None:
        """Give a file another name, in place of what had it."""
        os.rename(path, other)

    def unlink(self, path: str) -> None:
        """Take a name away."""
        os.unlink(path)


#: What a store uses unless it is told otherwise.
DISK = Files()
