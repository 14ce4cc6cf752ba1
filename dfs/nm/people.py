"""
Who ever logged in, and who is here now.

Decides that a user is known for ever before the first login is answered.  Must not know what users
may do.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator

from attrs import define, field
from twisted.logger import Logger

from dfs.core import names
from dfs.nm.journal import IJournal, PutUser
from dfs.wire.messages import UserLine
from dfs.wire.server import Peer


@define(eq=False)
class People:
    """Every user."""

    _journal: IJournal
    _known: set[str] = field(factory=set, init=False)
    _sorted: list[str] = field(factory=list, init=False)
    _here: dict[int, str] = field(factory=dict, init=False)
    _connections: dict[str, int] = field(factory=dict, init=False)
    _log = Logger(namespace="dfs.nm")

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, user: str) -> bool:
        return user in self._known

    @property
    def online(self) -> int:
        """How many users are connected."""
        return len(self._connections)

    def load(self, users: Iterable[str]) -> None:
        """Take over who was known."""
        self._known.update(users)
        self._sorted = sorted(self._known)

    async def arrive(self, peer: Peer, text: str) -> str:
        """
        Somebody says who they are.

        @return: the one spelling of their name.
        @raise Invalid: nobody can be called so.
        """
        user = names.user(text)
        number = peer.number
        if number not in self._here:
            self._here[number] = ""
            peer.when_lost(lambda: self._gone(number))
        if user not in self._known:
            await self._journal.commit([PutUser(user)])
            if user not in self._known:
                self._known.add(user)
                insort(self._sorted, user)
        if self._here.get(number) == user:
            return user
        if number in self._here:  # else it was lost while the journal was written
            self._leave(number)
            self._here[number] = user
            self._connections[user] = self._connections.get(user, 0) + 1
        self._log.info("{user} is here", log_event="login", user=user, peer=peer.address)
        return user

    def lines(self) -> Iterator[UserLine]:
        """Everybody, sorted."""
        for user in tuple(self._sorted):
            yield UserLine(user, user in self._connections)

    def _gone(self, number: int) -> None:
        """A connection is lost."""
        self._leave(number)
        del self._here[number]

    def _leave(self, number: int) -> None:
        """A connection speaks for nobody any more."""
        user = self._here[number]
        if user:
            self._here[number] = ""
            self._connections[user] -= 1
            if not self._connections[user]:
                del self._connections[user]
