"""
Which document of a pair is copied when, and what follows when that fails.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.pairs import PairState
from dfs.core.versions import Version
from dfs.errors import Corrupt, Internal, Locked, Unavailable
from dfs.nm.kept import NOTHING
from dfs.nm.replicator import FIRST_PAUSE, IN_FLIGHT, LONGEST_PAUSE, Problem, Retry
from dfs.wire.messages import Delete, DeleteFile, GetFileContent, PutFileContent
from tests.nm.documents import grave
from tests.nm.pairs import Held, PairRig, key

#: More than travels with a record.
LARGE = b"0123456789abcdef" * 32_768


class QuestionTests(PairRig):
    """
    What others ask about copies.
    """

    def test_equal(self) -> None:
        """Both members have the same when nothing is dirty, behind, or buried on one of them."""
        index, place = self.nm.index, self.place()
        self.nm.replicator.stop()
        self.assertTrue(self.equal())
        index.learn(self.entry(), Version(5, 0), 7, home=True)
        self.assertFalse(self.equal())
        index.learn(self.entry(), Version(5, 0), 7, home=False)
        self.assertTrue(self.equal())
        index.learn(self.entry(), Version(5, 1), 7, home=False)
        self.assertFalse(self.equal())
        index.learn(self.entry(), Version(5, 1), 7, home=True)
        self.assertTrue(self.equal())
        index.describe(self.entry(), self.entry().access, 8)
        self.assertFalse(self.equal())
        for home in (True, False):
            index.learn(self.entry(), Version(5, 1), 8, home=home)
        self.assertTrue(self.equal())
        index.haunt(grave(9, backup=True))
        self.assertFalse(self.equal())
        index.haunt(grave(9))
        self.assertTrue(self.equal())
        self.assertEqual(place.pair.state, PairState.PROTECTED)

    def test_lag(self) -> None:
        """The lag is how many documents are dirty, and since when the first of them is."""
        index, replicator, place = self.nm.index, self.nm.replicator, self.place()
        replicator.stop()
        now = self.clock.seconds()
        self.assertEqual(replicator.lag(place, now), (0, 0.0))
        index.learn(self.entry(1), Version(5, 0), 7, home=True)
        self.clock.advance(2)
        index.learn(self.entry(2), Version(5, 0), 7, home=True)
        self.clock.advance(1)
        index.learn(self.entry(1), Version(6, 0), 7, home=True)
        self.assertEqual(replicator.lag(place, now + 3), (2, 3.0))
        index.learn(self.entry(1), Version(6, 0), 7, home=False)
        self.assertEqual(replicator.lag(place, now + 3), (1, 1.0))
        self.assertEqual(replicator.lag(place, now), (1, 0.0))

    def test_errors(self) -> None:
        """What fails is told with its reason, until it is done or of no interest any more."""
        self.assertEqual(self.nm.replicator.errors(self.place()), [])
        self.ss1.shelf.gate = failing(Corrupt("it is damaged"), key(1), key(2))
        self.write(1)
        self.wait(1)
        self.write(2)
        self.wait(0.01)
        first, second = self.errors()
        self.assertEqual((first.document, first.error), (key(1), "it is damaged"))
        self.assertGreater(first.tries, 2)
        self.assertEqual(second, Problem(key(2), 1, "it is damaged"))
        self.ask(self.person("alice"), Delete("1.txt"))
        self.assertEqual([one.document for one in self.errors()], [key(2)])
        self.ss1.shelf.gate = lambda request: None
        self.wait(1)
        self.assertEqual(self.errors(), [])

    def errors(self) -> list[Problem]:
        """What stands against copying."""
        return self.nm.replicator.errors(self.place())


class OrderTests(PairRig):
    """
    Which document is next, and how many at once.
    """

    count = 3 * IN_FLIGHT

    def test_in_flight(self) -> None:
        """So many are under way at once, and no more; then the next ones, the oldest first."""
        held = self.backup.shelf.gate = Held(PutFileContent)
        for number in range(1, self.count + 1):
            self.write(number)
        self.wait(0.1)
        self.assertEqual((held.waiting, len(self.ss1.shelf.calls)), (IN_FLIGHT, IN_FLIGHT))
        held.open()
        self.wait(0.1)
        asked = [request.id for request in self.ss1.shelf.calls]
        self.assertEqual(asked, [key(number) for number in range(1, self.count + 1)])
        self.assertTrue(self.equal())

    def test_hot(self) -> None:
        """Documents that change faster than they are copied leave others their turn."""
        versions = dict.fromkeys((key(number) for number in range(1, IN_FLIGHT + 1)), 5)
        last = key(self.count)

        def write_again(request: Any) -> Deferred[None]:
            if isinstance(request, PutFileContent) and request.id != last:
                versions[request.id] += 1
                version = f"{versions[request.id]}.0"
                self.ss1.shelf.has(request.id, version)
                self.ss1.say(self.ss1.noted(request.id, version, metadata_number=7))
            # The note is here before the answer to the push is.
            return self.later()

        self.backup.shelf.gate = write_again
        for number in range(1, IN_FLIGHT + 1):
            self.write(number)
        self.write(self.count)
        self.wait(1)
        self.assertTrue(self.copied(self.count))
        self.assertGreater(min(versions.values()), 6)
        self.backup.shelf.gate = lambda request: None
        self.wait(1)
        self.assertTrue(self.equal())

    def later(self) -> Deferred[None]:
        """Fires in a hundredth of a second."""
        waiting: Deferred[None] = Deferred()
        self.clock.callLater(0.01, waiting.callback, None)
        return waiting

    def test_room_for_small(self) -> None:
        """Large documents that take their time leave room for small ones."""
        self.backup.shelf.reading = Deferred()
        last = self.count
        for number in range(1, last):
            self.write(number, "5.0", LARGE + bytes([number]), size=len(LARGE) + 1)
        self.write(last)
        self.wait(0.1)
        self.assertTrue(self.copied(last))
        self.assertEqual(sum(self.copied(number) for number in range(1, last)), 0)
        self.backup.shelf.reading.callback(None)
        self.wait(1)
        self.assertTrue(self.equal())

    def test_frozen_peer(self) -> None:
        """A peer that has stopped taking anything holds up no other pair."""
        self.stop()
        self.keep("ss2", [101, 102])
        self.start()
        self.members.clear()
        self.ss1, frozen = self.pair("ss1", 5001 + 10)
        ss2, backup = self.pair("ss2", 5002)
        frozen.shelf.gate = Held(PutFileContent)
        for number in range(1, self.count + 1):
            self.write(number)
        self.write(101, by=ss2)
        self.wait(0.1)
        self.assertTrue(self.equal("ss2"))
        self.assertEqual(backup.shelf.version(key(101)), "5.0")
        self.live(60)
        self.write(102, by=ss2)
        self.wait(0.1)
        self.assertTrue(self.equal("ss2"))
        self.assertFalse(self.equal("ss1"))
        self.assertLess(len(self.logged("replication_job_failed")), 2 * IN_FLIGHT)

    def test_restart(self) -> None:
        """What is dirty when the name server stops is copied by the next one."""
        self.backup.shelf.gate = held = Held(PutFileContent)
        self.write(1)
        self.write(2)
        self.wait(0.1)
        self.restart()
        held.open()
        self.ss1.register(last_seq=2)
        self.assertFalse(self.equal())
        self.backup.register()
        self.wait(1)
        self.assertTrue(self.copied(1) and self.copied(2))
        self.assertTrue(self.equal())

    def test_peer_away(self) -> None:
        """While one member is away nothing is tried; when it comes back everything is."""
        self.members.remove(self.backup)
        self.backup.goodbye()
        self.wait(0.1)
        self.write(1)
        self.live(20)
        self.assertEqual(self.ss1.shelf.calls, [])
        self.assertEqual(self.nm.replicator.lag(self.place(), self.clock.seconds())[0], 1)
        self.backup.register()
        self.wait(0.1)
        self.assertTrue(self.copied(1))

    def test_stop(self) -> None:
        """A name server that stops leaves nothing behind, whatever is under way or waits."""
        self.ss1.shelf.gate = failing(Corrupt("it is damaged"), key(1))
        self.write(1)
        self.backup.shelf.reading = Deferred()
        self.write(2, "5.0", LARGE, size=len(LARGE))
        self.wait(0.01)
        self.backup.shelf.gate = Held(PutFileContent)
        self.write(3)
        self.wait(0.01)
        # Rig.finish sees that nothing is on the clock; stopping twice is harmless.
        self.nm.replicator.stop()
        self.nm.replicator.wake(self.place())


class FirstSyncTests(PairRig):
    """
    A backup that comes for the first time.
    """

    count = 40

    def keep(self, pair: str, numbers: Any, **changes: Any) -> None:
        """Only the home primary has the documents."""
        super().keep(pair, numbers, backup=NOTHING)

    def test_all(self) -> None:
        """It gets everything; the same jobs do that."""
        self.wait(1)
        self.assertTrue(self.equal())
        self.assertEqual(len(self.backup.shelf.taken), self.count)


class FailureTests(PairRig):
    """
    What is done about what fails.
    """

    count = 50

    def test_document(self) -> None:
        """A document that fails is tried again, later and later; the others go on."""
        self.ss1.shelf.gate = failing(Corrupt("it is damaged"), key(1))
        for number in range(1, self.count + 1):
            self.write(number)
        self.wait(0.05)
        self.assertEqual(list(self.place().dirty), [self.entry(1)])
        self.live(60)
        tries = [one for one in self.ss1.shelf.calls if one.id == key(1)]
        self.assertTrue(10 <= len(tries) <= 20, len(tries))
        failed = self.logged("replication_job_failed")[-1]
        said = {one: failed[one] for one in ("pair", "kind", "document", "code", "reason")}
        self.assertEqual(
            said,
            {
                "pair": "ss1",
                "kind": "the copy",
                "document": key(1),
                "code": "CORRUPT",
                "reason": "it is damaged",
            },
        )
        self.assertEqual(failed["tries"], len(tries))
        self.ss1.shelf.gate = lambda request: None
        self.live(LONGEST_PAUSE)
        self.assertTrue(self.equal())

    def test_deleted(self) -> None:
        """A deletion does not wait because a copy failed before it."""
        self.ss1.shelf.gate = failing(Corrupt("it is damaged"), key(1))
        self.write(1)
        self.live(30)
        self.ask(self.person("alice"), Delete("1.txt"))
        self.wait(0.01)
        self.assertEqual(self.backup.orders, [DeleteFile(key(1), 1, "")])
        self.assertTrue(self.equal())

    def test_locked_on_the_peer(self) -> None:
        """So is one that the peer cannot take now."""
        self.backup.shelf.gate = failing(Locked("bob"), key(1))
        self.write(1)
        self.write(2)
        self.wait(0.05)
        self.assertTrue(self.copied(2))
        self.backup.shelf.gate = lambda request: None
        self.wait(1)
        self.assertTrue(self.equal())

    def test_peer(self) -> None:
        """A peer that takes nothing pauses its pair: one is tried, not all."""
        self.backup.shelf.gate = failing(Unavailable("its disk is full"))
        for number in range(1, self.count + 1):
            self.write(number)
        self.wait(0.02)
        self.assertLessEqual(len(self.backup.shelf.calls), IN_FLIGHT)
        self.live(60)
        tries = len(self.backup.shelf.calls)
        self.assertTrue(10 <= tries <= 30, tries)
        self.assertEqual(self.nm.replicator.errors(self.place())[0].document, "")
        self.backup.shelf.gate = lambda request: None
        self.live(LONGEST_PAUSE + 1)
        self.assertTrue(self.equal())
        self.assertEqual(self.nm.replicator.errors(self.place()), [])

    def test_one_moment(self) -> None:
        """A connection that breaks under many jobs costs one short pause, not one for each."""
        held = self.backup.shelf.gate = Held(PutFileContent)
        for number in range(1, self.count + 1):
            self.write(number)
        self.wait(0.1)
        self.assertEqual(held.waiting, IN_FLIGHT)
        self.network.cut(self.backup.address)
        held.open()
        self.wait(5 * FIRST_PAUSE)
        self.assertTrue(self.equal())

    def test_new_life(self) -> None:
        """A member that comes back does not wait for what its former life did."""
        self.backup.shelf.gate = failing(Unavailable("its disk is full"))
        self.write(1)
        self.live(40)
        self.assertFalse(self.equal())
        self.backup.shelf.gate = lambda request: None
        self.returned(self.backup)
        self.assertTrue(self.equal())

    def test_no_answer(self) -> None:
        """Who does not answer in time is asked again, through a new connection."""
        self.ss1.shelf.gate = lambda request: Deferred()
        self.write(1)
        self.live(9)
        self.assertEqual(self.logged("replication_job_failed"), [])
        self.ss1.shelf.gate = lambda request: None
        self.live(3)
        [failed] = self.logged("replication_job_failed")
        self.assertEqual(failed["code"], "UNAVAILABLE")
        self.assertTrue(self.equal())

    def test_internal(self) -> None:
        """A server's own defect is that of one document."""
        self.backup.shelf.gate = failing(Internal("a defect"), key(1))
        self.write(1)
        self.write(2)
        self.wait(0.05)
        self.assertTrue(self.copied(2))
        self.assertFalse(self.copied(1))

    def test_defect(self) -> None:
        """An answer that makes no sense is logged once in a while, and stops nobody else."""
        nonsense: list[Any] = [("nonsense",)]
        self.backup.shelf.lacks = lambda request: nonsense.pop() if nonsense else ()
        self.write(1)
        self.wait(0.05)
        self.write(2)
        self.wait(1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertTrue(self.copied(2))
        self.assertFalse(self.copied(1))
        self.live(LONGEST_PAUSE)
        self.assertTrue(self.equal())


class RetryTests(SynchronousTestCase):
    """
    How long something waits.
    """

    def test_pauses(self) -> None:
        """Twice as long from try to try, up to a limit, spread by chance."""
        retry, now, pauses = Retry(), 100.0, []
        for _ in range(10):
            retry.failed(now, 1.0, "it")
            pauses.append(round(retry.due - now, 6))
            now = retry.due
        self.assertEqual(pauses, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0])
        retry.failed(now, 0.0, "it")
        self.assertEqual(retry.due - now, LONGEST_PAUSE / 2)

    def test_while_it_waits(self) -> None:
        """What was begun before, and fails while it waits, makes it wait no longer."""
        retry = Retry()
        retry.failed(0.0, 1.0, "first")
        retry.failed(FIRST_PAUSE / 2, 1.0, "second")
        self.assertEqual(retry, Retry(1, FIRST_PAUSE, "first"))


def failing(error: Exception, *ids: str) -> Any:
    """A gate at which transfers of these documents fail, or all."""

    def gate(request: Any) -> None:
        if isinstance(request, GetFileContent | PutFileContent) and (not ids or request.id in ids):
            raise error

    return gate
