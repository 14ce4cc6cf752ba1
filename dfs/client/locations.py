"""
Where documents were last found.

Decides how long a location and its ticket are believed.  Pure; must not know how documents are
located, nor have a clock of its own.
"""

from __future__ import annotations

from collections import OrderedDict

from dfs.wire.messages import Located

#: How many locations are kept.
MOST = 10_000

#: A ticket is not used any more when it has fewer seconds left than this.
MARGIN = 5.0

#: No ticket is believed for longer, whatever the clocks of two machines say; in seconds.
LONGEST = 60.0


class Locations:
    """
    The newest locations, the least recently used one forgotten first.

    A ticket that allows writing is good for reading too.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str], tuple[float, Located]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def remember(self, path: str, right: str, located: Located, wall: float, now: float) -> None:
        """
        Keep an answer of the name server.

        @param right: C{r} or C{w}.
        @param wall: seconds since the epoch, to compare with the ticket's end.
        @param now: seconds on the clock that L{find} is asked with.
        """
        # Seconds that are left, not the moment: so a wall clock that jumps does no harm later.
        lasts = min(located.expires - wall, LONGEST) - MARGIN
        if lasts <= 0:
            return
        self._known[path, right] = (now + lasts, located)
        self._known.move_to_end((path, right))
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def find(self, path: str, right: str, now: float) -> Located | None:
        """A location that is still good."""
        for key in (path, right), (path, "w"):
            entry = self._known.get(key)
            if entry is None:
                continue
            if now < entry[0]:
                self._known.move_to_end(key)
                return entry[1]
            del self._known[key]
        return None

    def forget(self, path: str) -> None:
        """Believe nothing about a document any more."""
        self._known.pop((path, "r"), None)
        self._known.pop((path, "w"), None)

    def forget_below(self, path: str) -> None:
        """Believe nothing about what stands at a path, or in the folder there."""
        below = path + "/"
        for key in [key for key in self._known if key[0] == path or key[0].startswith(below)]:
            del self._known[key]

    def forget_elsewhere(self, path: str, server: str) -> None:
        """Believe nothing about a document any more unless it is on that server."""
        known = [self._known.get((path, right)) for right in "rw"]
        if any(entry is not None and entry[1].server != server for entry in known):
            self.forget(path)
