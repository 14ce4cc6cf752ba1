"""
Contents on their way into a store.

Decides how much room they are promised, and which of them a commit may still need.  Must not know
which documents refer to them.

Note [Room].  A share of the disk is kept free so that documents can still be deleted when it is
full.  Commits that only remove something may use it.  Pages of the database that were freed count
as room for small contents, because the database reuses them and never shrinks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial

from attrs import define, field
from twisted.python.failure import Failure

from dfs.core.measure import Measure
from dfs.errors import Unavailable
from dfs.store.interfaces import INLINE_BYTES
from dfs.store.ledger import Source
from dfs.store.objects import Objects, Spool
from dfs.store.transfers import Incoming, Threads

#: Bytes of the disk that are kept free for deleting; see Note [Room].
RESERVE_BYTES = 16 * 1024 * 1024


def free_bytes(path: str) -> int:
    """How many bytes this process may still write to the disk of C{path}."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


@define(eq=False)
class Arrivals:
    """
    All that are being received, or were and are not released.

    @ivar _free: how many bytes there are on the disk of a path.
    @ivar _reserve: bytes that are kept free, see Note [Room].
    @ivar _free_pages: bytes inside of the database that can be written again.
    @ivar _disk_failed: called when a file could not be written.
    """

    _path: str
    _objects: Objects
    _threads: Threads
    _free: Callable[[str], int]
    _reserve: int
    _free_pages: Callable[[], int]
    _disk_failed: Callable[[Failure], None]
    _known: dict[bytes, list[Incoming]] = field(factory=dict, init=False)
    _promised: dict[Incoming, int] = field(factory=dict, init=False)

    def receive(self, size: int | None, known: Measure | None) -> Incoming:
        """See L{dfs.store.interfaces.IStore.receive}."""
        self.check_room(size or 0, inline=size is not None and size <= INLINE_BYTES)
        incoming = Incoming(
            self._threads,
            partial(self._new_spool, known),
            on_disk_failure=self._disk_failed,
            on_known=self._received,
            on_gone=self._gone,
        )
        if size is not None and size > INLINE_BYTES:
            self._promised[incoming] = size
        return incoming

    def _new_spool(self, known: Measure | None) -> Spool:
        path, free, reserve = self._path, self._free, self._reserve

        def room() -> None:
            """Called in a thread, before each writing."""
            if free(path) < reserve:
                raise _no_room()

        return Spool(self._objects.incoming_path(), room, known, self._objects.files)

    def _received(self, incoming: Incoming) -> None:
        assert incoming.content is not None
        self._promised.pop(incoming, None)
        self._known.setdefault(incoming.content.sha256, []).append(incoming)

    def _gone(self, incoming: Incoming) -> None:
        self._promised.pop(incoming, None)
        if incoming.content is not None:
            same = self._known.get(incoming.content.sha256, [])
            if incoming in same:
                same.remove(incoming)
            if not same:
                self._known.pop(incoming.content.sha256, None)

    def check_room(self, size: int, *, inline: bool) -> None:
        """
        Make sure of some room; see Note [Room].

        @param inline: it goes into the database.
        @raise Unavailable: so many bytes more would leave too little.
        """
        free = self._free(self._path)
        for incoming, promised in self._promised.items():
            size += max(0, promised - incoming.size)
        if free - size >= self._reserve:
            return
        again = self._free_pages() if inline and free >= self._reserve // 2 else 0
        if free + again - size >= self._reserve:
            return
        raise _no_room()

    @property
    def crowded(self) -> bool:
        """Nothing may be written but what removes something."""
        return self._free(self._path) < self._reserve

    def pin(self, names: Iterable[bytes], sources: dict[bytes, Source]) -> list[Incoming]:
        """
        Keep the received contents that a commit may need, until each is unpinned.

        @param sources: gets where their bytes are.
        """
        pinned = []
        if self._known:
            for sha256 in names:
                for incoming in self._known.get(sha256, ()):
                    incoming.pins += 1
                    pinned.append(incoming)
                    sources.setdefault(
                        sha256, Source(incoming.size, incoming.data, incoming.path or "")
                    )
        return pinned


def _no_room() -> Unavailable:
    return Unavailable("disk full: delete something or add space, then try again")
