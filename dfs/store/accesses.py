"""
Who read what, before it is written down.

Decides how much of it is remembered in memory.  Must not know when or how it is written.
"""

from __future__ import annotations

from attrs import define, field

from dfs.store.interfaces import Access

#: Documents whose last access is remembered in memory; beyond, the oldest is forgotten.
MAX_ACCESSES = 20_000


@define
class Accesses:
    """The last access of each document, until it is written."""

    _pending: dict[str, Access] = field(factory=dict, init=False)

    def add(self, document_id: str, access: Access) -> None:
        """Somebody read a document."""
        self._pending[document_id] = access
        if len(self._pending) > MAX_ACCESSES:
            del self._pending[next(iter(self._pending))]

    def get(self, document_id: str) -> Access | None:
        """The last access, if it was not written yet."""
        return self._pending.get(document_id)

    def forget(self, document_id: str) -> None:
        """The document is gone."""
        self._pending.pop(document_id, None)

    def waiting(self) -> dict[str, Access]:
        """What is to be written; it stays here until it L{was_written}."""
        return dict(self._pending)

    def was_written(self, accesses: dict[str, Access]) -> None:
        """These are on disk; what came meanwhile stays."""
        for document_id, access in accesses.items():
            if self._pending.get(document_id) is access:
                del self._pending[document_id]
