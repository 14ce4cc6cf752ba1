"""Changes of one name follow each other."""

from __future__ import annotations

import sys

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Busy
from dfs.nm.turns import WAITING, Turns


def depth() -> int:
    """How many calls are under way."""
    frame, count = sys._getframe(), 0
    while frame.f_back is not None:
        frame, count = frame.f_back, count + 1
    return count


class TurnsTests(SynchronousTestCase):
    """Lines in front of names."""

    def setUp(self) -> None:
        self.turns = Turns()
        self.order: list[object] = []
        self.deepest = 0

    async def change(self, *names: str, until: Deferred[None] | None = None) -> None:
        """Have the turns at some names, one inside the other, until something happens."""
        if not names:
            if until is not None:
                await until
            self.deepest = max(self.deepest, depth())
            return
        async with self.turns.at(names[0]):
            self.order.append(names[0])
            await self.change(*names[1:], until=until)

    def begin(self, *names: str, until: Deferred[None] | None = None) -> Deferred[None]:
        """The same, beside what follows."""
        return Deferred.fromCoroutine(self.change(*names, until=until))

    def test_order(self) -> None:
        """First come, first served; another name waits for nobody."""
        gate: Deferred[None] = Deferred()
        begun = [self.begin("a", until=gate), self.begin("a", "b"), self.begin("c")]
        self.assertEqual(self.order, ["a", "c"])
        gate.callback(None)
        self.assertEqual(self.order, ["a", "c", "a", "b"])
        for one in begun:
            self.successResultOf(one)

    def test_limit(self) -> None:
        """Too many are refused; who is cancelled waits no more."""
        gate: Deferred[None] = Deferred()
        self.begin("a", until=gate)
        waiting = [self.begin("a") for _ in range(WAITING)]
        self.failureResultOf(self.begin("a"), Busy)
        waiting[3].cancel()
        self.failureResultOf(waiting[3], CancelledError)
        gate.callback(None)
        self.assertEqual(self.order, ["a"] * WAITING)

    def test_long_lines(self) -> None:
        """However many lines end in each other, no call is deep, and every name is free again."""
        gate: Deferred[None] = Deferred()
        begun = [self.begin("y", until=gate)]
        begun += [self.begin(f"x{number}", "y") for number in range(WAITING)]
        begun += [self.begin(f"x{number}") for number in range(WAITING) for _ in range(WAITING)]
        gate.callback(None)
        for one in begun:
            self.successResultOf(one)
        self.assertLess(self.deepest, depth() + 50)
        for name in ("y", "x0", f"x{WAITING - 1}"):
            self.successResultOf(self.begin(name))
