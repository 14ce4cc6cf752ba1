"""
One at a time: who changes what has a name, and who waits for it.

Decides that changes of one name follow each other, first come first served, however long each
takes.  The name is one in a folder, so that it does not matter if the folder is moved meanwhile.
Must not know what is changed.

Note [Not inside each other].  Whoever leaves lets the next one go on, at once; and that one may
leave before this returns.  If each began inside the end of the one before, a long line would be
more than Python's stack can hold, and its name would stay taken for ever.  So who leaves inside of
somebody else's leaving only says so, and the outermost goes on with it.
"""

from __future__ import annotations

from collections import deque
from types import TracebackType

from attrs import define, field
from twisted.internet.defer import Deferred

from dfs.core.folders import ROOT
from dfs.errors import Busy

#: Id of a folder, and a name in it.
Key = tuple[int, str]

#: How many may wait for one name; more are refused.
WAITING = 64


@define(eq=False)
class Turns:
    """The lines in front of names; a name that nobody changes has none."""

    _lines: dict[Key, deque[Deferred[None]]] = field(factory=dict, init=False)
    _left: deque[Key] = field(factory=deque, init=False)

    def at(self, name: str, folder: int = ROOT) -> Turn:
        """
        Use with C{async with}: inside nobody else has this name.

        @param folder: the id of that in which the name stands.
        @raise Busy: too many wait already (on entering).
        """
        return Turn(self._lines, self._left, (folder, name))


@define(eq=False)
class Turn:
    """
    One turn at a name.

    @ivar _left: the names that were left, see Note [Not inside each other].
    """

    _lines: dict[Key, deque[Deferred[None]]]
    _left: deque[Key]
    _name: Key

    async def __aenter__(self) -> None:
        line = self._lines.get(self._name)
        if line is None:
            self._lines[self._name] = deque()
            return
        if len(line) >= WAITING:
            raise Busy(f"too many changes of {self._name[1]!r} at once; try again in a moment")
        mine: Deferred[None] = Deferred(line.remove)
        line.append(mine)
        await mine

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.append(self._name)
        if len(self._left) == 1:
            while self._left:
                self._hand_over(self._left[0])
                self._left.popleft()

    def _hand_over(self, name: Key) -> None:
        """Let the next one go on who waits for a name."""
        line = self._lines[name]
        if line:
            line.popleft().callback(None)
        else:
            del self._lines[name]
