"""Promises about the memory that short contents take until it is their turn."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.errors import Busy, TooLarge
from dfs.ss.writing import APPEND_BYTES
from dfs.wire.messages import Append, Committed, Edit, Put, Write
from tests.ss.world import SlowTests

#: Bytes of one APPEND here.
SIZE = 100_000


class IntakeTests(SlowTests):
    """A server with room for three."""

    def setUp(self) -> None:
        super().setUp()
        self.intake = self.world.server.intake
        self.intake.limit = 3 * SIZE

    def append(self) -> Deferred[Committed]:
        """An APPEND on a connection of its own."""
        asked = self.world.call().ask(Append(self.world.ticket(), ""), b"x" * SIZE)
        self.world.pass_time(0.1)
        return asked

    def test_limit(self) -> None:
        """All that waits has a limit; who comes then is told to come again, and loses nothing."""
        self.disk.slow = True
        waiting = [self.append() for _ in range(3)]
        self.assertEqual(self.intake.held, 3 * SIZE)
        self.refused(Busy, Append(self.world.ticket(), "x"))
        self.disk.work()
        for one in waiting:
            self.world.result(one)
        self.ask(Append(self.world.ticket(), "y"))
        self.assertEqual(self.text(), b"x" * 3 * SIZE + b"y")
        self.assertEqual(self.intake.held, 0)

    def test_halfway(self) -> None:
        """What has come of a text counts, and no longer when its sender is lost."""
        connection = self.world.call()
        pieces = iter([b"x" * SIZE])
        sending = connection.send(
            Append(self.world.ticket(), ""), lambda: next(pieces, None) or Deferred()
        )
        sending.addErrback(lambda failure: None)
        self.world.pass_time(0.1)
        self.assertEqual(self.intake.held, SIZE)
        connection.close(abort=True)
        self.world.pass_time(0.1)
        self.assertEqual(self.intake.held, 0)

    def test_refused(self) -> None:
        """Nothing is held of what is refused, or longer than it may be."""
        self.refused(TooLarge, Append(self.world.ticket(), ""), b"x" * (APPEND_BYTES + 1))
        connection = self.world.call()
        outcome = self.world.outcome(
            connection.send(Append(self.world.ticket(), ""), lambda: b"x" * 60_000)
        )
        self.assertIn("are waiting to be added", str(outcome))
        self.assertEqual(self.intake.held, 0)

    def test_edits(self) -> None:
        """What is inserted while editing counts as well, until the draft has it."""
        self.put(b"One.")
        self.ask(Write(self.world.ticket(), 0))
        self.ask(Edit(0, "Number"))
        self.assertEqual(self.intake.held, 0)
        self.intake.limit = 3
        self.refused(Busy, Edit(0, "Number"))

    def test_put(self) -> None:
        """A text that goes to the disk piece by piece does not count."""
        self.ask(Put(self.world.ticket()), b"x" * 10 * SIZE)
        self.assertEqual(len(self.text()), 10 * SIZE)
