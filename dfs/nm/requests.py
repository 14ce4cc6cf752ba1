"""
The access requests that wait, in memory.

Decides how they are found: by number, by document, by user.  Must not know the journal, nor who may
ask or decide (L{dfs.nm.inbox}).
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from dfs.core.access import AccessList
from dfs.core.requests import AccessRequest


@define(eq=False)
class Requests:
    """
    Every request that waits.

    @ivar last: the highest number that was ever given.
    """

    last: int = field(default=0, init=False)
    _by_id: dict[int, AccessRequest] = field(factory=dict, init=False)
    _on: dict[int, dict[str, AccessRequest]] = field(factory=dict, init=False)
    _by: dict[str, dict[int, AccessRequest]] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._by_id)

    def load(self, requests: Iterable[AccessRequest], last: int) -> None:
        """Take over what was kept."""
        for request in sorted(requests, key=lambda one: one.id):
            self.add(request)
        self.last = max(self.last, last)

    def number(self) -> int:
        """A number for a new request, whatever becomes of it."""
        self.last += 1
        return self.last

    def find(self, number: int) -> AccessRequest | None:
        """The request with a number."""
        return self._by_id.get(number)

    def pending(self, document: int, user: str) -> AccessRequest | None:
        """What somebody asks for about a document; there is one such request at most."""
        return self._on.get(document, {}).get(user)

    def everything(self) -> list[AccessRequest]:
        """All of them as they are now, the oldest first."""
        return list(self._by_id.values())

    def of_user(self, user: str) -> list[AccessRequest]:
        """Those of one user, the oldest first."""
        return list(self._by.get(user, {}).values())

    def on_document(self, document: int) -> int:
        """How many are about a document."""
        return len(self._on.get(document, ()))

    def answered_by(self, document: int, access: AccessList) -> list[AccessRequest]:
        """The requests about a document that an access list answers."""
        return [one for one in self._on.get(document, {}).values() if one.answered_by(access)]

    def add(self, request: AccessRequest) -> None:
        """Know a request; it replaces an older one of the same user about the same document."""
        old = self.pending(request.document, request.user)
        if old is not None:
            self.remove(old)
        self.last = max(self.last, request.id)
        self._by_id[request.id] = request
        self._on.setdefault(request.document, {})[request.user] = request
        self._by.setdefault(request.user, {})[request.id] = request

    def remove(self, request: AccessRequest) -> None:
        """Forget a request, if it is still there."""
        if self._by_id.pop(request.id, None) is None:
            return
        on, by = self._on[request.document], self._by[request.user]
        del on[request.user], by[request.id]
        if not on:
            del self._on[request.document]
        if not by:
            del self._by[request.user]

    def forget(self, document: int) -> None:
        """A document is gone, and what was asked about it with it."""
        for request in list(self._on.get(document, {}).values()):
            self.remove(request)
