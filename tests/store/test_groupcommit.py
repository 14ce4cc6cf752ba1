"""What the one writer of a database promises."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Busy, Conflict, Internal, Unavailable
from dfs.store.groupcommit import GroupCommit, connect
from tests.store.faulty import Faults, broken
from tests.store.pump import Pump


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    """A work that adds a row and answers its number."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        return number

    return work


class GroupCommitTests(SynchronousTestCase):
    """Works are durable when they are answered; each has its own fate."""

    def setUp(self) -> None:
        self.path = self.mktemp()
        self.pump = Pump()
        self.faults = Faults()
        self.deaths: list[Failure] = []
        connection = self.faults.connect(self.path)
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
        self.writer = self.make(connection)

    def make(self, connection: sqlite3.Connection, limit: int = 100) -> GroupCommit:
        """A writer that hands over to the pump and is closed at the end."""
        writer = GroupCommit(
            connection,
            call_from_thread=self.pump.call_from_thread,
            on_fatal=self.deaths.append,
            limit=limit,
        )
        self.addCleanup(lambda: self.pump.result(writer.close()))
        return writer

    def rows(self) -> list[int]:
        """What is in the database, seen from outside."""
        with connect(self.path) as connection:
            return [row[0] for row in connection.execute("SELECT n FROM t ORDER BY n")]

    def hold(self) -> tuple[Callable[[], None], Deferred[None]]:
        """Stop the writer inside a work; how to let it go on, and when it did."""
        entered, gate = Pump(), Pump()

        def work(connection: sqlite3.Connection) -> None:
            entered.call_from_thread(lambda: None)
            gate.step()

        done = self.writer.submit(work)
        entered.step()
        return lambda: gate.call_from_thread(lambda: None), done

    def test_durable_when_answered(self) -> None:
        """A work that was answered is in the database, with its result."""
        self.assertEqual(self.pump.result(self.writer.submit(insert(7))), 7)
        self.assertEqual(self.rows(), [7])

    def test_one_transaction(self) -> None:
        """Works that wait share one transaction and are answered in order."""
        release, held = self.hold()
        answers: list[int] = []
        before = self.faults.executed.count("COMMIT")
        works = [self.writer.submit(insert(n)) for n in range(50)]
        for work in works:
            work.addCallback(answers.append)
        release()
        self.pump.outcome(held)
        for work in works:
            self.pump.outcome(work)
        self.assertEqual(answers, list(range(50)))
        self.assertEqual(self.faults.executed.count("COMMIT") - before, 2)

    def test_bad_neighbour(self) -> None:
        """A work that raises is undone alone; the others of its group are kept."""
        release, _ = self.hold()

        def bad(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO t VALUES (99)")
            raise Conflict("no")

        works: list[Deferred[Any]] = [self.writer.submit(insert(1)), self.writer.submit(bad)]
        works.append(self.writer.submit(insert(2)))
        # SQLite's own errors belong to the work too, unless they speak of the disk.
        works.append(self.writer.submit(insert(2)))
        release()
        outcomes = [self.pump.outcome(work) for work in works]
        self.assertEqual([outcomes[0], outcomes[2]], [1, 2])
        self.assertTrue(isinstance(outcomes[1], Failure) and outcomes[1].check(Conflict))
        self.assertTrue(isinstance(outcomes[3], Failure) and outcomes[3].check(sqlite3.Error))
        self.assertEqual(self.rows(), [1, 2])
        self.assertEqual(self.deaths, [])

    def test_full_disk(self) -> None:
        """A full disk fails the work, keeps nothing of it, and is no reason to stop."""
        self.faults.times = 1
        failed = self.pump.outcome(self.writer.submit(insert(1)))
        assert isinstance(failed, Failure)
        failed.trap(Unavailable)
        self.assertIn("disk full", failed.getErrorMessage())
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.pump.result(self.writer.submit(insert(2))), 2)
        self.assertEqual(self.deaths, [])

    def test_full_disk_for_one(self) -> None:
        """A work that fits is not harmed by a neighbour for which there is no room."""
        release, _ = self.hold()
        self.faults.statement, self.faults.times = "INSERT INTO t VALUES (?)", 2
        works = [self.writer.submit(insert(n)) for n in (1, 2)]
        release()
        outcomes = [self.pump.outcome(work) for work in works]
        self.assertIsInstance(outcomes[0], Failure)
        self.assertEqual(outcomes[1], 2)
        self.assertEqual(self.rows(), [2])

    def test_failed_fsync(self) -> None:
        """
        After an error of the disk everything that waits fails, and nothing is tried again.

        What met the error is in doubt, which is not an answer that a client would repeat.
        """
        release, held = self.hold()
        waiting: Deferred[Any] = self.writer.submit(insert(1))
        self.faults.error, self.faults.times = broken, 1
        release()
        for work, error in ((held, Internal), (waiting, Unavailable)):
            failure = self.pump.outcome(work)
            assert isinstance(failure, Failure)
            failure.trap(error)
        while not self.deaths:
            self.pump.step()
        executed = len(self.faults.executed)
        self.failureResultOf(self.writer.submit(insert(2)), Unavailable)
        self.pump.result(self.writer.close())
        self.assertEqual(len(self.faults.executed), executed)
        self.assertEqual(len(self.deaths), 1)
        self.assertEqual(self.rows(), [])

    def test_bounded(self) -> None:
        """When too many works wait, the next is refused at once."""
        release, held = self.hold()
        works = [self.writer.submit(insert(n)) for n in range(99)]
        self.failureResultOf(self.writer.submit(insert(1_000)), Busy)
        release()
        self.pump.outcome(held)
        for work in works:
            self.pump.outcome(work)
        self.assertEqual(self.pump.result(self.writer.submit(insert(1_000))), 1_000)

    def test_after(self) -> None:
        """What is to be done after a work is done when it is durable, and not when it failed."""
        seen: list[tuple[int, list[int]]] = []

        def after(number: int) -> None:
            seen.append((number, self.rows()))

        self.pump.result(self.writer.submit(insert(1), after))
        self.pump.outcome(self.writer.submit(insert(1), after))
        self.pump.result(self.writer.close())
        self.assertEqual(seen, [(1, [1])])

    def test_trouble_after(self) -> None:
        """What goes wrong after a work is logged and harms nobody."""
        self.assertEqual(self.pump.result(self.writer.submit(insert(0), lambda n: 1 // n)), 0)
        self.assertEqual(self.pump.result(self.writer.submit(insert(1))), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_close(self) -> None:
        """Closing finishes what waits and leaves one whole file; then everything is refused."""
        works = [self.writer.submit(insert(n)) for n in range(20)]
        closes = [self.writer.close(), self.writer.close()]
        self.failureResultOf(self.writer.submit(insert(21)), Unavailable)
        for close in closes:
            self.pump.result(close)
        self.assertEqual([self.successResultOf(work) for work in works], list(range(20)))
        self.successResultOf(self.writer.close())
        self.assertFalse(os.path.exists(self.path + "-wal"))
        self.assertEqual(self.rows(), list(range(20)))

    def test_many(self) -> None:
        """The log is copied into the database again and again, so it does not grow for ever."""
        for first in range(0, 4_000, 100):
            works = [self.writer.submit(insert(first + n)) for n in range(100)]
            for work in works:
                self.pump.outcome(work)
        self.assertLess(os.path.getsize(self.path + "-wal"), 2_000_000)
        self.assertEqual(self.rows(), list(range(4_000)))
