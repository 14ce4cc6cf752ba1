"""
When a member of a pair has failed: silence, crashes, goodbyes; and when it has not.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError

from dfs.core.liveness import Intervals
from dfs.errors import Conflict
from dfs.nm.service import Settings
from dfs.wire.client import Connection
from tests.nm.members import Member, MembersRig


class SilenceTests(MembersRig):
    """
    Nothing is heard.
    """

    def setUp(self) -> None:
        """Both members are here; only the backup goes on to beat."""
        super().setUp()
        self.protected()

    def test_in_time(self) -> None:
        """After 15 s of silence the peer serves, and not before; the lease was over then."""
        self.ss1.deaf = True
        silent = self.clock.seconds()
        self.ss1.asked()
        self.live(14.5, self.backup)
        self.assertEqual(self.state(), "PROTECTED")
        self.assertFalse(self.ss1.leased)
        self.live(2, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))
        self.assertLess(self.backup.promotes[0][0] - silent, 16.5)

    def test_notes_are_heard(self) -> None:
        """A member that tells of changes is not silent."""
        for version in range(5, 12):
            self.write(self.ss1, f"{version}.0")
            self.live(4, self.backup)
        self.assertEqual(self.state(), "PROTECTED")

    def test_own_stall(self) -> None:
        """A name server that stood still for a minute fails nobody over it."""
        self.live(5)
        self.clock.advance(60)
        self.wait(1)
        self.live(5)
        self.assertEqual(self.state(), "PROTECTED")
        self.assertEqual(len(self.logged("stalled")), 1)

    def test_other_intervals(self) -> None:
        """--failure-after decides."""
        self.settings = Settings(Intervals(0.5, 1.0, 1.5, 1.0))
        self.stop()
        self.start()
        self.ss1.back(epoch=1)
        self.backup.back(epoch=1)
        self.ss1.until = self.clock.seconds() + 1.0
        for _ in range(8):
            self.backup.ask_to_serve()
            self.wait(0.4)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))


class CrashTests(MembersRig):
    """
    The connection breaks.
    """

    def setUp(self) -> None:
        """Both members are here."""
        super().setUp()
        self.protected()

    def test_crash(self) -> None:
        """A port that refuses for 1 s has no process: the peer serves, a second later."""
        self.ss1.vanish()
        self.wait(0.9)
        self.assertEqual(self.state(), "PROTECTED")
        self.wait(0.5)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_restarted(self) -> None:
        """A process that is started again within that second is not given up."""
        self.ss1.vanish()
        self.wait(0.5)
        self.ss1.back(epoch=1)
        self.wait(3)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))

    def test_only_the_connection(self) -> None:
        """A port that answers has a process that may have a lease: only silence counts."""
        self.ss1.part()
        self.live(13, self.backup)
        self.assertEqual(self.state(), "PROTECTED")
        self.live(4, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_answered_while_it_died(self) -> None:
        """A port that answered once, and refuses from then on, has no process behind it."""
        self.ss1.part()
        self.wait(0.3)
        self.ss1.vanish()
        self.wait(0.9)
        self.assertEqual(self.state(), "PROTECTED")
        self.wait(0.5)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_refuses_now_and_then(self) -> None:
        """A port that answers in between has a process behind it: only silence counts."""
        self.ss1.part()
        for _ in range(5):
            self.network.silence(self.ss1.address)
            self.wait(0.7)
            self.network.listen(self.ss1.address, self.ss1.factory)
            self.wait(0.3)
        self.assertEqual(self.state(), "PROTECTED")

    def test_peer(self) -> None:
        """A peer that crashed is away after a second."""
        self.backup.vanish()
        self.wait(1.5)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))

    def test_elsewhere_and_lost_again(self) -> None:
        """What the old port says of a member that moved on proves nothing about it."""
        self.ss1.vanish()
        self.wait(0.95)
        moved = Member(self, "ss1", "127.0.0.1:6001", self.ss1.store_id)
        self.ss1 = moved
        moved.back(epoch=1)
        self.assertTrue(moved.leased)
        moved.part()
        self.live(5, self.backup)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))

    def test_late_refusal(self) -> None:
        """A try that is answered late says nothing about where the member is now."""
        dial = self.network.dial
        late: list[Deferred[Connection]] = []

        def slowly(address: str) -> Deferred[Connection]:
            if address != self.storages["ss1"].address or self.clock.seconds() < lost + 0.05:
                return dial(address)
            late.append(Deferred())
            return late[-1]

        self.nm._watch._dial = slowly
        lost = self.clock.seconds()
        self.ss1.vanish()
        self.wait(0.5)
        self.assertEqual(len(late), 1)
        moved = self.ss1 = Member(self, "ss1", "127.0.0.1:6001", self.ss1.store_id)
        moved.back(epoch=1)
        moved.part()
        self.wait(0.45)
        if not late[0].called:
            late[0].errback(ConnectionRefusedError())
        self.live(3, self.backup)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))


class GoodbyeTests(MembersRig):
    """
    A member stops on purpose.
    """

    def test_active(self) -> None:
        """It gave its lease up: the peer serves at once."""
        self.protected()
        self.ss1.goodbye()
        self.wait(0.1)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_peer(self) -> None:
        """It is away at once."""
        self.protected()
        self.backup.goodbye()
        self.wait(0.1)
        self.assertEqual(self.state(), "DEGRADED")


class HeldTests(MembersRig):
    """
    Servers that are held off.
    """

    def test_impostor_after_a_restart(self) -> None:
        """The real member may still have a lease: nobody else serves before that is over."""
        self.protected()
        self.restart()
        self.backup.back(epoch=1)
        impostor = Member(self, "ss1", "127.0.0.1:6666", "f" * 32)
        with self.assertRaises(Conflict):
            impostor.register()
        self.live(2, self.backup)
        self.assertEqual(self.states()["ss1"], "HELD")
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.live(16, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_newer_than_the_journal(self) -> None:
        """A member that is held off while it serves is replaced when its lease is over."""
        self.protected()
        self.ss1.deaf = True
        self.ss1.note(f"{1:016x}", "5.0", metadata_number=9)
        self.assertEqual(self.states()["ss1"], "HELD")
        self.live(2, self.backup)
        self.assertEqual(self.serves(), "ss1")
        self.ss1.deaf = False
        self.live(20)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))
