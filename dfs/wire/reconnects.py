"""
Which connection of a client's session is the newest: the ones before it are closed.

Decides that what a client asked on a connection that it gave up is not begun after it has come
back on another one, however long a network kept the bytes.  So what it reads then about a change in
doubt stays true.  Must not know what is asked.
"""

from __future__ import annotations

import re

from attrs import define, field

from dfs.errors import Invalid
from dfs.wire.exchange import Peer
from dfs.wire.messages import SESSION_BYTES

_SESSION = re.compile("[0-9a-f]+")


@define(eq=False)
class Reconnects:
    """
    The newest connection of each session; the name of the user belongs to that of a session.

    There are no more of them than there are connections.
    """

    _newest: dict[tuple[str, str], Peer] = field(factory=dict, init=False)

    @staticmethod
    def check(session: str) -> None:
        """
        Whether a session can be called so.

        @raise Invalid: it cannot.
        """
        digits = 2 * SESSION_BYTES
        if session and not (len(session) == digits and _SESSION.fullmatch(session)):
            raise Invalid(f"a session is {digits} hex digits in small letters")

    def came(self, user: str, session: str, peer: Peer) -> None:
        """A client is here; if it was here before, that connection ends."""
        if not session:
            return
        key = (user, session)
        before = self._newest.get(key)
        self._newest[key] = peer
        if before is not None:
            before.close()
        peer.when_lost(lambda: self._gone(key, peer))

    def _gone(self, key: tuple[str, str], peer: Peer) -> None:
        if self._newest.get(key) is peer:
            del self._newest[key]
