"""Jobs in lines."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Busy, Invalid
from dfs.ss.lines import WAITING, Lines


class LineTests(SynchronousTestCase):
    """L{Lines}."""

    def setUp(self) -> None:
        self.lines = Lines()
        self.order: list[str] = []

    def job(self, name: str, key: str = "a", until: Deferred[None] | None = None) -> Deferred[str]:
        """Put a job into a line."""

        async def work() -> str:
            self.order.append(f"{name} begins")
            if until is not None:
                await until
            self.order.append(f"{name} ends")
            return name

        return self.lines.run(key, work)

    def test_in_order(self) -> None:
        """Jobs with one key run one after the other, others beside them."""
        gate: Deferred[None] = Deferred()
        first = self.job("first", until=gate)
        second = self.job("second")
        self.assertEqual(self.successResultOf(self.job("other", "b")), "other")
        self.assertEqual(self.order, ["first begins", "other begins", "other ends"])
        gate.callback(None)
        self.assertEqual(self.successResultOf(first), "first")
        self.assertEqual(self.successResultOf(second), "second")
        self.assertEqual(self.order[3:], ["first ends", "second begins", "second ends"])

    def test_failure(self) -> None:
        """A job that fails stops nobody behind it."""

        async def fail() -> None:
            raise Invalid("no")

        gate: Deferred[None] = Deferred()
        self.job("first", until=gate)
        failing = self.lines.run("a", fail)
        last = self.job("last")
        gate.callback(None)
        self.failureResultOf(failing, Invalid)
        self.successResultOf(last)

    def test_given_up(self) -> None:
        """A job is done although nobody waits for it any more."""
        gate: Deferred[None] = Deferred()
        self.job("first", until=gate)
        second = self.job("second")
        second.addErrback(lambda _: None)
        second.cancel()
        gate.callback(None)
        self.assertEqual(self.order[-1], "second ends")

    def test_limit(self) -> None:
        """A line has an end; those in it are served however many they are."""
        gate: Deferred[None] = Deferred()
        waiting = [self.job("first", until=gate)]
        waiting += [self.job(str(number)) for number in range(WAITING)]
        self.failureResultOf(self.job("one too many"), Busy)
        gate.callback(None)
        for one in waiting:
            self.successResultOf(one)

    def test_gone(self) -> None:
        """A line that nobody stands in is not kept."""
        gate: Deferred[None] = Deferred()
        self.job("first", until=gate)
        self.assertTrue(self.lines.busy("a"))
        gate.callback(None)
        self.assertFalse(self.lines.busy("a"))
