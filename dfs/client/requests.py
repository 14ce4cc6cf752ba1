"""
Access requests, for those who use the library.

Decides what is asked about them, and what is told when a decision is in doubt.  Must not know a
terminal, nor how a name server is found.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.client.asking import Asker
from dfs.client.failures import Unanswered, in_doubt
from dfs.core import paths
from dfs.wire.messages import (
    Approve,
    Decided,
    Deny,
    RequestAccess,
    RequestLine,
    ViewRequests,
)


class Requests:
    """
    What C{Session.requests} can do; all methods fail as those of the session do.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def ask(self, path: str, right: str) -> Deferred[int]:
        """
        Ask the owner of a document to be let in; what was asked for before is replaced.

        @param right: C{r} to read, C{w} to read and write.
        @return: the number of the request.
        """
        return Deferred.fromCoroutine(self._ask(path, right))

    def inbox(self) -> Deferred[list[RequestLine]]:
        """Who asks about this user's documents, the oldest request first."""
        return Deferred.fromCoroutine(self._asker.name_server_list(ViewRequests()))

    def mine(self) -> Deferred[list[RequestLine]]:
        """What this user asked for and nobody decided yet, the oldest request first."""
        return Deferred.fromCoroutine(self._asker.name_server_list(ViewRequests(mine=True)))

    def approve(self, number: int) -> Deferred[Decided]:
        """Grant what a request asks for."""
        return Deferred.fromCoroutine(self._decide(Approve(number)))

    def deny(self, number: int) -> Deferred[Decided]:
        """Remove a request and grant nothing."""
        return Deferred.fromCoroutine(self._decide(Deny(number)))

    async def _ask(self, path: str, right: str) -> int:
        # Asking twice is asking once.
        return (await self._asker.name_server(RequestAccess(paths.normalize(path), right))).id

    async def _decide(self, request: Approve | Deny) -> Decided:
        try:
            return await self._asker.name_server(request, repeatable=False)
        except Unanswered:
            raise in_doubt(f"{request.verb} {request.id}", "", "VIEWREQUESTS") from None
