"""
The place of the home primary: given back, given away, and when that does not work.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.core.pairs import PairState
from dfs.errors import Busy, Conflict, DFSError
from dfs.nm.service import Settings
from dfs.wire.messages import Create
from tests.nm.members import MembersRig
from tests.nm.pairs import Held


class HandbackTests(MembersRig):
    """
    The home primary has followed for long enough.
    """

    def setUp(self) -> None:
        """The backup serves, the home primary follows."""
        super().setUp()
        self.reversed()

    def test_handed_back(self) -> None:
        """After 30 s, not before; in the next epoch, and no lease overlaps."""
        self.live(29)
        self.assertEqual(self.state(), "REVERSED")
        self.live(4)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.assertEqual((self.place.pair.epoch, self.backup.drains), (3, 1))
        self.assertEqual(len(self.logged("handback_complete")), 1)
        self.defects()

    def test_flushed(self) -> None:
        """What was committed before the end of the drain is on the home primary first."""
        gate = self.ss1.shelf.gate = Held(object)
        self.live(29.5)
        finish = Deferred[None]()
        self.backup.finish = lambda: finish
        self.live(2)
        self.assertEqual((self.state(), self.backup.drains), ("HANDBACK", 1))
        self.assertTrue(self.backup.asked().drain)
        self.write(self.backup, "4.1")
        finish.callback(None)
        self.wait(0.2)
        self.assertEqual(self.state(), "HANDBACK")
        gate.open()
        self.wait(0.5)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.assertEqual(str(self.entry().version), "4.1")

    def test_not_flushed(self) -> None:
        """What does not reach the home primary in time keeps the place with the backup."""
        self.live(29.5)
        self.ss1.shelf.gate = Held(object)
        finish = Deferred[None]()
        self.backup.finish = lambda: finish
        self.live(2)
        self.write(self.backup, "4.1")
        finish.callback(None)
        self.live(2)
        self.assertEqual((self.state(), self.serves()), ("REVERSED", "ss1_backup"))
        self.assertFalse(self.backup.answers[-1].drain)

    def test_notes_are_awaited(self) -> None:
        """A change that was committed and not told yet is waited for."""
        self.live(29.5)
        self.backup.seq += 1
        self.live(2)
        self.assertEqual(self.state(), "HANDBACK")
        self.live(2)
        self.assertEqual((self.state(), self.serves()), ("REVERSED", "ss1_backup"))

    def test_made_elsewhere_meanwhile(self) -> None:
        """A new document goes to another pair: it would keep this one from being handed back."""
        ss2 = self.storage("ss2", 5003)
        ss2.back()
        alice = self.person("alice")
        for number in range(self.count):
            self.ask(alice, Create(f"on ss2 {number}"))
        self.backup.finish = self.stuck
        self.live(31)
        self.assertEqual(self.state(), "HANDBACK")
        self.ask(alice, Create("new"))
        self.assertEqual(self.nm.index.document("new").place.pair.name, "ss2")
        ss2.goodbye()
        self.ask(alice, Create("where else"))

    def test_still_editing(self) -> None:
        """A backup that cannot finish goes on; it is tried again, less and less often."""

        def busy() -> None:
            raise Busy("somebody is still editing")

        self.backup.finish = busy
        self.live(60)
        self.assertEqual((self.state(), self.serves()), ("REVERSED", "ss1_backup"))
        # After 30, 35, 45 s: pauses of 5, 10, 20 s.
        self.assertEqual(self.backup.drains, 3)
        self.assertFalse(self.backup.answers[-1].drain)
        self.backup.finish = lambda: None
        self.live(60)
        self.assertEqual(self.state(), "PROTECTED")

    def test_active_lost(self) -> None:
        """The backup dies while it finishes: the home primary serves."""
        self.backup.finish = self.stuck
        self.live(31)
        self.assertEqual(self.state(), "HANDBACK")
        self.backup.vanish()
        self.wait(2)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))
        self.defects()

    def test_peer_lost(self) -> None:
        """The home primary dies meanwhile: the backup goes on."""
        self.backup.finish = self.stuck
        self.live(31)
        self.ss1.goodbye()
        self.live(2, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))
        self.assertFalse(self.backup.answers[-1].drain)
        self.live(5, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))
        self.defects()

    def test_lost_before_the_commit(self) -> None:
        """The home primary dies while the journal is busy with it: the pair is served again."""
        finish = Deferred[None]()
        self.backup.finish = lambda: finish
        self.live(31)
        self.assertEqual(self.state(), "HANDBACK")
        self.holding = True
        finish.callback(None)
        self.wait(0.2)
        self.assertTrue(self.place.moving)
        self.ss1.goodbye()
        self.release()
        self.live(2, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))
        self.assertEqual(self.place.pair.epoch, 4)
        self.defects()

    def test_journal_fails(self) -> None:
        """Nothing has changed until the journal says so, and the drain is undone then."""
        self.backup.finish = self.fail_journal
        self.live(35)
        self.assertEqual((self.state(), self.serves()), ("HANDBACK", "ss1_backup"))
        self.disk.trouble = ""
        self.backup.finish = lambda: None
        self.live(2)
        self.assertEqual((self.state(), self.serves()), ("REVERSED", "ss1_backup"))
        self.assertFalse(self.backup.answers[-1].drain)
        self.live(10)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))

    def fail_journal(self) -> None:
        """From now on nothing is kept."""
        self.disk.trouble = "disk full"

    def test_flapping(self) -> None:
        """Who failed twice within an hour waits twice as long."""
        self.live(31)
        for _ in range(2):
            self.assertEqual(self.state(), "PROTECTED")
            self.ss1.goodbye()
            self.live(1, self.backup)
            self.ss1.back(epoch=self.place.pair.epoch)
            self.live(29)
            self.assertEqual(self.state(), "REVERSED")
            self.live(35)
        self.assertEqual(self.state(), "PROTECTED")
        self.assertEqual(len(self.logged("handback_complete")), 3)

    def test_stopped_meanwhile(self) -> None:
        """A name server that stops in the middle leaves nothing that ticks; the next goes on."""
        self.live(29.5)
        self.backup.seq += 1
        self.live(1.5)
        self.assertEqual(self.state(), "HANDBACK")
        self.stop()
        for link in list(self.network.links):
            link.cut()
        self.clock.advance(0.001)
        soon = self.clock.seconds() + 0.1
        calls = [one for one in self.clock.getDelayedCalls() if one.getTime() < soon]
        self.assertEqual(calls, [])
        self.start()
        self.backup.seq -= 1
        self.backup.back(epoch=2)
        self.ss1.back(epoch=1)
        self.live(35)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.defects()


class AtOnceTests(MembersRig):
    """
    C{--handback-after 0}, and a peer that comes and goes.
    """

    def setUp(self) -> None:
        """The backup serves, and finishes when the test says so."""
        super().setUp()
        self.settings = Settings(handback_after=0.0)
        self.finishing: list[Deferred[None]] = []
        self.backup.finish = self.later
        self.given(PairState.FAILED_OVER, "ss1_backup", epoch=2)
        self.backup.back(epoch=2)

    def later(self) -> Deferred[None]:
        """It has not finished yet."""
        self.finishing.append(Deferred())
        return self.finishing[-1]

    def test_tried_twice(self) -> None:
        """What an earlier try found out is not what the present one relies on."""
        self.ss1.back(epoch=1)
        self.assertEqual((self.state(), len(self.finishing)), ("HANDBACK", 1))
        self.holding = True
        self.ss1.goodbye()  # the backup will be told to go on
        self.wait(0.1)
        self.ss1.back(epoch=1)
        self.finishing[0].callback(None)
        self.wait(0.1)
        self.release()
        self.wait(0.3)
        self.assertEqual((self.state(), len(self.finishing)), ("HANDBACK", 2))
        self.assertEqual(self.serves(), "ss1_backup")
        self.finishing[1].callback(None)
        self.wait(0.3)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.defects()


class NeverTests(MembersRig):
    """
    C{--handback-after never}.
    """

    def setUp(self) -> None:
        """The backup serves, the home primary follows."""
        super().setUp()
        self.settings = Settings(handback_after=None)
        self.reversed()

    def test_never(self) -> None:
        """Only when an operator orders it, and then only that once."""
        self.live(700)
        self.assertEqual(self.state(), "REVERSED")
        self.order("handback")
        self.live(2)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.ss1.goodbye()
        self.live(1, self.backup)
        self.ss1.back(epoch=3)
        self.live(60)
        self.assertEqual((self.state(), self.serves()), ("REVERSED", "ss1_backup"))


class SwitchTests(MembersRig):
    """
    An operator gives the place of the home primary away.
    """

    def setUp(self) -> None:
        """Both are here."""
        super().setUp()
        self.protected()

    def refused(self, error: type[DFSError], pattern: str) -> None:  # type: ignore[override]
        """The order fails."""
        with self.assertRaisesRegex(error, pattern):
            self.order("failover")

    def test_switched(self) -> None:
        """The backup serves in the next epoch; nothing is behind."""
        self.write(self.ss1, "5.0")
        self.order("failover")
        self.wait(0.5)
        self.assertEqual((self.state(), self.serves()), ("REVERSED", "ss1_backup"))
        self.assertEqual(len(self.place.behind), 0)
        self.live(33)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))

    def test_busy(self) -> None:
        """Somebody edits: nothing has changed, and the home primary is told to go on."""

        def busy() -> None:
            raise Busy("somebody is still editing")

        self.ss1.finish = busy
        self.refused(Busy, "still editing")
        self.wait(0.2)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))

    def test_no_answer(self) -> None:
        """A member that has finished and could not say so is told at once that it goes on."""
        self.ss1.finish = self.stuck
        self.refused(DFSError, "did not answer")
        self.wait(1.5)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.assertEqual(len(self.ss1.promotes), 1)
        self.assertFalse(self.ss1.answers[-1].drain)

    def test_twice(self) -> None:
        """One order at a time."""
        self.ss1.finish = self.stuck
        first = Deferred.fromCoroutine(self.nm.pairing.switch(self.place))
        first.addErrback(lambda failure: None)
        self.refused(Conflict, "")
        self.wait(3)

    def test_lost_meanwhile(self) -> None:
        """The home primary dies and returns meanwhile: that is what counts, not the order."""
        finish = Deferred[None]()
        self.ss1.finish = lambda: finish
        failures: list[object] = []
        ordered = Deferred.fromCoroutine(self.nm.pairing.switch(self.place))
        ordered.addErrback(lambda failure: failures.append(failure.value))
        self.wait(0.1)
        self.holding = True
        self.backup.goodbye()
        self.wait(0.1)
        finish.callback(None)
        self.wait(0.1)
        self.release()
        self.live(3, self.ss1)
        self.assertIsInstance(failures[0], Busy)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))
        self.defects()
