"""
A store that does not compare what it reads with its hash.
"""

from __future__ import annotations

from dfs.core.documents import Content
from dfs.sim.disks import ThreadedStore
from dfs.store.interfaces import INLINE_BYTES


class Unverified(ThreadedStore):
    """Believes its disk."""

    __slots__ = ()

    def small(self, content: Content) -> bytes | None:
        """The bytes, whatever they are."""
        if content.size > INLINE_BYTES:
            return None
        return self._data(content)
