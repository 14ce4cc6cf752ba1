"""Who reads slowly, or asks for very much."""

from __future__ import annotations

from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dfs.wire.messages import (
    Create,
    Created,
    Done,
    Record,
    View,
)
from dfs.wire.reception import Handler
from dfs.wire.server import Exchange, Limits
from tests.wire.talking import House, Later
from tests.wire.test_server import created


class PressureTests(SynchronousTestCase):
    """Nobody is sent more than he takes."""

    def setUp(self) -> None:
        self.house = House({Create: created, View: self.flood}, Limits(stall_seconds=60))
        self.house.factory.doStart()
        self.addCleanup(self.house.factory.doStop)
        self.visitor = self.house.user()
        self.sent = 0

    async def flood(self, request: View, exchange: Exchange) -> Record:
        """Content without end."""
        while self.sent < 10:
            exchange.data(b"x" * 10)
            self.sent += 1
            room = exchange.room()
            if room is not None:
                await room
        return Done()

    def test_paused(self) -> None:
        """While the peer takes nothing, nothing more is written and nothing more is read."""
        self.visitor.server.pauseProducing()
        self.assertEqual(self.visitor.say("VIEW", "CREATE|a"), [])
        self.visitor.server.resumeProducing()
        self.assertEqual(len(self.visitor.heard()), 22)

    def test_gives_way(self) -> None:
        """Who asks for what takes long gives way to others after a few milliseconds."""
        clock = Clock()
        house = House({Create: self.slowly(clock)}, clock=clock)
        visitor = house.user()
        self.assertEqual(len(visitor.say(*["CREATE|a"] * 20)), 3)
        # Whoever has called meanwhile is first.
        others: list[str] = []
        clock.callLater(0, lambda: others.extend(visitor.heard()))
        clock.advance(0)
        self.assertEqual((len(others), len(visitor.heard())), (3, 14))

    def slowly(self, clock: Clock) -> Handler:
        """A handler that takes 2 ms."""

        def handle(request: Create, exchange: Exchange) -> Created:
            clock.rightNow += 0.002
            return Created(request.path)

        return handle

    def test_paused_in_between(self) -> None:
        """A handler that asks for room goes on when there is room."""
        wire = self.visitor.wire
        write = wire.write

        def full(data: bytes) -> None:
            write(data)
            self.visitor.server.pauseProducing()

        wire.write = full  # type: ignore[method-assign]
        self.visitor.say("VIEW")
        self.assertEqual(self.sent, 1)
        self.visitor.server.resumeProducing()
        self.assertEqual(self.sent, 2)
        self.visitor.leave()
        self.assertEqual(self.sent, 2)

    def test_gathering_is_bounded(self) -> None:
        """Many requests in one piece do not pile up answers before the transport may say stop."""
        wire = self.visitor.wire
        write = wire.write

        def full(data: bytes) -> None:
            write(data)
            if len(data) > 64 * 1024:
                self.visitor.server.pauseProducing()

        wire.write = full  # type: ignore[method-assign]
        data = (b"CREATE|" + b"x" * 1000 + b"\n") * 200
        heard = self.visitor.send(data)
        self.assertLess(len(heard), 80)
        for _ in range(3):
            self.visitor.server.resumeProducing()
            heard += self.visitor.heard()
        self.assertEqual(len(heard), 200)

    def test_stalled(self) -> None:
        """Who takes nothing for too long is dropped; who takes something in between is not."""
        self.visitor.server.pauseProducing()
        self.house.clock.pump([5] * 12)
        self.visitor.server.resumeProducing()
        self.visitor.server.pauseProducing()
        self.house.clock.pump([5] * 12)
        self.assertTrue(self.visitor.wire.open)
        self.house.clock.advance(5)
        self.assertTrue(self.visitor.wire.aborted)

    def test_stalled_at_the_end(self) -> None:
        """Who is refused and does not take even that is dropped too, once."""
        self.visitor.say("QUIT")
        self.house.clock.pump([5] * 14)
        self.assertTrue(self.visitor.wire.aborted)
        stranger = self.house.visitor()
        self.house.clock.pump([5] * 50)
        self.assertEqual(len(stranger.heard()), 1)
        self.assertTrue(stranger.wire.aborted)

    def test_no_room_after_the_end(self) -> None:
        """Who still writes when the connection is ending learns it."""
        later = Later()
        visitor = House({View: later}).user()
        visitor.say("#1|VIEW", "QUIT")
        exchange = later.asked[0][1]
        visitor.heard()
        exchange.data(b"x")
        room = exchange.room()
        assert room is not None
        self.failureResultOf(room, ConnectionLost)
        self.assertEqual(visitor.heard(), [])
        later.answer(0)
