"""
The name server and members of a pair begin again, in each state and order.
"""

from __future__ import annotations

from collections.abc import Callable

from dfs.errors import DFSError, NotFound
from dfs.sim.cluster import Cluster
from tests.simulation.faults import MEMBERS
from tests.simulation.restarts import RestartCase

#: Bytes per second of a line on which a pair stays for a while in the state in which it copies.
SLOW = 20_000.0


class NameServerTests(RestartCase):
    """
    H41: a name server dies in each state of a pair, comes back, and goes on there.
    """

    def continued(self, *, served: bool = True) -> None:
        """It dies and comes back: nobody fails over for that, and nothing is forgotten."""
        epoch = self.line_of("ss1").epoch
        if served:
            self.say_more()
        self.cluster.crash_nm()
        self.cluster.advance(2.0)
        self.cluster.start_nm()
        self.cluster.advance(4.0)
        self.assertIn(self.line_of("ss1").epoch - epoch, (0, 1) if self.handing_back else (0,))
        if served:
            self.say_more()
        self.cluster.slow("ss1")
        self.cluster.slow("ss1_backup")
        self.revive()
        self.nothing_lost()

    handing_back = False

    def alone(self) -> None:
        """A pair of which the backup never came."""
        self.cluster.close()
        self.cluster = Cluster("ss1", nm_settings=self.nm_settings)
        self.addCleanup(self.cluster.close)
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.fill()

    def fail_over(self) -> None:
        """The backup serves, and something new is there."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        for number in range(20):
            self.get(self.alice.undo(f"{number}.txt"))
            self.put(f"{number}.txt", f"Text {number}. " * 1000)

    def test_unprotected(self) -> None:
        """A pair without a backup stays one."""
        self.alone()
        self.assertEqual(self.state(), "UNPROTECTED")
        self.continued()

    def test_syncing(self) -> None:
        """A backup that is being filled goes on being filled."""
        self.alone()
        self.cluster.slow("ss1_backup", rate=SLOW)
        self.cluster.start("ss1_backup")
        self.until("SYNCING")
        self.continued()

    def test_protected(self) -> None:
        """A pair that protects goes on."""
        self.continued()

    def test_degraded(self) -> None:
        """What a lost backup lacks is not forgotten."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.say_more()
        self.continued()

    def test_failed_over(self) -> None:
        """A backup that serves goes on serving."""
        self.fail_over()
        self.continued()

    def test_reconciling(self) -> None:
        """A home primary that catches up goes on catching up."""
        self.fail_over()
        self.cluster.slow("ss1", rate=SLOW)
        self.cluster.start("ss1")
        self.until("RECONCILING")
        self.continued()

    def test_reversed(self) -> None:
        """A home primary that follows is given its place."""
        self.fail_over()
        self.cluster.start("ss1")
        self.until("REVERSED")
        # The rest of the handback's time may pass meanwhile.
        self.handing_back = True
        self.continued()

    def test_handback(self) -> None:
        """A handback that is interrupted is made or undone, and made later."""
        self.fail_over()
        self.cluster.start("ss1")
        self.until("REVERSED")
        # A session holds it up for as long as it may.
        session = self.get(self.alice.write("19.txt", 0))
        for _ in range(2000):
            if self.state() == "HANDBACK":
                break
            self.cluster.advance(0.01)
        self.assertEqual(self.state(), "HANDBACK")
        self.cluster.crash_nm()
        self.get(session.abort())
        self.cluster.start_nm()
        self.cluster.advance(5.0)
        self.say_more()
        self.nothing_lost()

    def test_down(self) -> None:
        """A pair that nobody serves waits for the one that served last."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.say_more()
        self.cluster.crash("ss1")
        self.until("DOWN")
        self.continued(served=False)

    def test_many_times(self) -> None:
        """A name server that dies every few seconds causes no failover and loses nothing."""
        for _ in range(15):
            self.say_more()
            self.cluster.crash_nm()
            self.cluster.advance(1.0)
            self.cluster.start_nm()
            self.cluster.advance(1.5)
        self.assertEqual(self.line_of("ss1").epoch, 1)
        self.nothing_lost()


class OrderTests(RestartCase):
    """
    Both are down; they come back in either order, with and without the name server.
    """

    def both_orders(self, break_down: Callable[[], str]) -> None:
        """
        @param break_down: brings both down from PROTECTED; returns who served last and alone has
            all, or nothing if both have.
        """
        for first, second in (MEMBERS, MEMBERS[::-1]):
            for nm_dies in (False, True):
                with self.subTest(first=first, nm_dies=nm_dies):
                    last = break_down()
                    if nm_dies:
                        self.cluster.crash_nm()
                        self.cluster.advance(3.0)
                        self.cluster.start_nm()
                    self.cluster.start(first)
                    self.cluster.advance(25.0)
                    self.first_serves_all_or_nothing(first, last)
                    self.cluster.start(second)
                    self.nothing_lost()

    def first_serves_all_or_nothing(self, first: str, last: str) -> None:
        """Who lacks nothing serves; anybody else does not."""
        if last in ("", first):
            self.assertEqual(self.read("a.txt"), "".join(self.said))
            self.say_more()
        elif self.state() == "DOWN":
            with self.assertRaises(DFSError):
                self.get(self.alice.read("a.txt"))
        else:
            # It was there before the other one was missed.
            self.assertTrue(self.may_be_behind, "it leads, and is known to lack something")
            self.assertTrue(self.get(self.alice.info("a.txt")).index.behind)

    may_be_behind = False

    def test_equal(self) -> None:
        """F14: of two that were equal and died together, either one serves."""

        def break_down() -> str:
            self.say_more()
            self.settle()
            for name in MEMBERS:
                self.cluster.crash(name)
            return ""

        self.both_orders(break_down)

    def test_home_has_more(self) -> None:
        """F14: the backup died first, so it does not lead when it comes back first."""

        def break_down() -> str:
            self.cluster.crash("ss1_backup")
            self.until("DEGRADED")
            self.say_more()
            self.cluster.crash("ss1")
            self.until("DOWN")
            return "ss1"

        self.both_orders(break_down)

    def test_home_has_more_at_once(self) -> None:
        """
        F16: if both died before anything was noticed, it may lead when it comes back first, but
        what it lacks is named.
        """
        self.may_be_behind = True

        def break_down() -> str:
            self.cluster.crash("ss1_backup")
            self.say_more()
            self.cluster.advance(1.0)
            self.cluster.crash("ss1")
            return "ss1"

        self.both_orders(break_down)

    def test_all_at_once(self) -> None:
        """F13: what was acknowledged just before all three died is there when they are back."""
        for first, second in (MEMBERS, MEMBERS[::-1]):
            with self.subTest(first=first):
                self.cluster.crash("ss1_backup")
                self.say_more()
                self.cluster.crash("ss1")
                self.cluster.crash_nm()
                self.cluster.start_nm()
                self.cluster.start(first)
                self.cluster.advance(25.0)
                self.cluster.start(second)
                self.nothing_lost()

    def test_backup_has_more(self) -> None:
        """F15: after a failover the home primary does not lead when it comes back first."""

        def break_down() -> str:
            self.cluster.crash("ss1")
            self.until("FAILED_OVER")
            self.say_more()
            self.cluster.crash("ss1_backup")
            self.until("DOWN")
            return "ss1_backup"

        self.both_orders(break_down)

    def test_backup_has_more_after_return(self) -> None:
        """F17: nor if it had begun to catch up."""

        def break_down() -> str:
            self.cluster.crash("ss1")
            self.until("FAILED_OVER")
            for number in range(20):
                self.put(f"{number}.txt", f"New text {number}. " * 1000)
                self.put(f"{number}.txt", f"Text {number}. " * 1000)
            self.say_more()
            self.cluster.slow("ss1", rate=SLOW)
            self.cluster.start("ss1")
            self.until("RECONCILING")
            self.cluster.crash("ss1_backup")
            self.cluster.crash("ss1")
            self.cluster.slow("ss1")
            self.until("DOWN")
            return "ss1_backup"

        self.both_orders(break_down)

    def test_three_failures(self) -> None:
        """F16: the home primary fails, its backup in its absence; both return; all is there."""
        self.cluster.part("ss1")
        self.get(self.alice.append("a.txt", " Unheard."))
        self.cluster.crash("ss1")
        self.cluster.join("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.append("a.txt", " Edited."))
        self.cluster.crash("ss1_backup")
        self.until("DOWN")
        self.cluster.start("ss1")
        self.cluster.advance(25.0)
        self.assertEqual(self.state(), "DOWN")
        self.cluster.crash("ss1")
        self.cluster.start("ss1_backup")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One. Edited.")
        self.cluster.start("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [b"One. Unheard."])

    def test_deleted_through_it_all(self) -> None:
        """H29: a document that was deleted during an outage stays so, whoever restarts then."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.delete("a.txt"))
        self.cluster.crash_nm()
        self.cluster.crash("ss1_backup")
        self.cluster.start_nm()
        self.cluster.start("ss1")
        self.cluster.advance(25.0)
        self.refused(self.alice.read("a.txt"), NotFound)
        self.cluster.start("ss1_backup")
        self.settle()
        for name in (*MEMBERS, *MEMBERS):
            self.cluster.crash(name)
            self.cluster.advance(30.0)
            self.cluster.start(name)
            self.settle()
        self.whole()
        self.refused(self.alice.read("a.txt"), NotFound)
        for name in MEMBERS:
            self.assertIsNone(self.on(name, "a.txt"))
