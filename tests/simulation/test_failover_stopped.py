"""
Members that stop and wake up, that are cut off, and those who go on talking to them.
"""

from __future__ import annotations

from dfs.client.drafts import SessionEnded
from dfs.errors import DFSError, Unauthorized
from dfs.nm.service import Settings
from dfs.sim.cluster import Cluster
from tests.simulation.faults import FaultCase


class StoppedTests(FaultCase):
    """
    SIGSTOP, and SIGCONT when another one serves.
    """

    def setUp(self) -> None:
        super().setUp()
        self.put("a.txt", "One. Two.")
        self.settle()

    def test_waiting_in_its_sockets(self) -> None:
        """
        H26, F4: what was sent to a stopped primary is refused when it wakes up after the failover,
        before anybody has told it anything: it reads nothing out and commits nothing.
        """
        ticket = self.placed("a.txt").ticket
        [writer] = self.asked("ss1", f"WRITE|{ticket}|0")
        self.cluster.advance(0.1)
        self.say(writer, b"EDIT|0|Mine\n")
        self.assertEqual(writer.heard.count(b"OK|"), 2)
        idle = self.asked("ss1", "STATUS")[0]
        self.cluster.advance(1.0)
        self.cluster.freeze("ss1")
        writer.heard = idle.heard = b""
        writer.write(b"ETIRW\n")
        late = self.asked(
            "ss1",
            f"READ|{ticket}",
            f"STREAM|{ticket}",
            f"STAT|{ticket}",
            f"APPEND|{ticket}| Three.",
            f"UNDO|{ticket}",
            f"WRITE|{ticket}|1",
            f"PUT|{ticket}|bytes=0",
        )
        self.until("FAILED_OVER")
        self.get(self.alice.append("a.txt", " Four."))
        before = self.on("ss1", "a.txt")
        # The name server cannot have told it: not even that it is there again.
        self.cluster.part("ss1")
        self.cluster.thaw("ss1")
        self.cluster.advance(0.2)
        for line in [writer, *late]:
            self.not_served(line)
        self.assertEqual(self.on("ss1", "a.txt"), before)
        self.cluster.join("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One. Two. Four.")
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [])

    def test_committed_before(self) -> None:
        """
        H26: what a primary acknowledged, unheard, before it was stopped is adopted when it wakes
        up; where its backup was edited, both texts are kept.
        """
        self.put("b.txt", "One.")
        self.settle()
        self.cluster.part("ss1")
        for path in ("a.txt", "b.txt"):
            self.get(self.alice.append(path, " Unheard."))
        self.cluster.freeze("ss1")
        self.cluster.join("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.append("a.txt", " Edited."))
        self.cluster.thaw("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One. Two. Edited.")
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [b"One. Two. Unheard."])
        self.assertEqual(self.read("b.txt"), "One. Unheard.")
        self.assertEqual(self.conflicts_on("ss1", "b.txt"), [])

    def test_shorter_than_a_failover(self) -> None:
        """A primary that stood still for 12 s goes on in its epoch, and so does its session."""
        session = self.get(self.alice.write("a.txt", 0))
        self.get(session.edit(0, "Mine"))
        self.cluster.freeze("ss1")
        self.cluster.advance(12.0)
        self.cluster.thaw("ss1")
        self.get(session.commit())
        self.settle()
        self.assertEqual(self.line_of("ss1").epoch, 1)
        self.assertEqual(self.read("a.txt"), "Mine One. Two.")

    def test_backup_stops(self) -> None:
        """H21: a backup that was stopped, or cut off, for 4 s catches up by itself."""
        for stop, go_on in (
            (self.cluster.freeze, self.cluster.thaw),
            (self.cluster.part, self.cluster.join),
        ):
            stop("ss1_backup")
            self.put("a.txt", f"{stop}")
            self.cluster.advance(4.0)
            go_on("ss1_backup")
            self.settle()
            self.whole()
            self.assertEqual(self.text_on("ss1_backup", "a.txt"), f"{stop}".encode())
        self.assertEqual(self.line_of("ss1").epoch, 1)

    def test_backup_serves_nobody(self) -> None:
        """H21: a backup answers no ticket while its primary lives, after a restart neither."""
        ticket = self.placed("a.txt").ticket
        self.cluster.crash("ss1_backup")
        self.put("a.txt", "Three.")
        self.cluster.start("ss1_backup")
        for _ in range(100):
            lines = self.asked("ss1_backup", f"READ|{ticket}", f"APPEND|{ticket}|x")
            self.cluster.advance(0.05)
            for line in lines:
                self.not_served(line)
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "Three.")

    def test_revoked_writer(self) -> None:
        """
        H28, I7: a writer whose right was taken away while the primary stood still commits nothing
        there when it wakes up, nor at its backup.
        """
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.settle()
        session = self.get(self.bob.write("a.txt", 0))
        self.get(session.edit(0, "Bob"))
        self.cluster.freeze("ss1")
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.cluster.thaw("ss1")
        with self.assertRaises(DFSError):
            self.get(session.commit())
        self.settle()
        self.refused(self.bob.write("a.txt", 0), Unauthorized)
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.refused(self.bob.write("a.txt", 0), Unauthorized)
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_revoked_during_a_session(self) -> None:
        """A writer whose right was taken away during a session is refused at its end."""
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        session = self.get(self.bob.write("a.txt", 0))
        self.get(session.edit(0, "Bob"))
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.refused(session.commit(), Unauthorized)
        self.assertEqual(self.read("a.txt"), "One. Two.")


class SlowDiskTests(FaultCase):
    """
    A primary that is stopped while its disk works.
    """

    def setUp(self) -> None:
        self.cluster = Cluster(
            "ss1", "ss1_backup", nm_settings=Settings(handback_after=5.0), fsync=0.5
        )
        self.addCleanup(self.cluster.close)
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.put("a.txt", "One.")
        self.settle()

    def test_between_commit_and_answer(self) -> None:
        """
        H26: a change that reaches the disk only after the failover is not acknowledged; if it is
        anywhere at the end, then as a conflict, and what the backup took stays the text.
        """
        ticket = self.placed("a.txt").ticket
        [line] = self.asked("ss1", f"APPEND|{ticket}| Late.")
        self.cluster.advance(0.1)
        self.cluster.freeze("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.append("a.txt", " Edited."))
        self.cluster.thaw("ss1")
        self.cluster.advance(1.0)
        self.assertNotIn(b"OK|", line.heard)
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One. Edited.")
        self.assertIn(self.conflicts_on("ss1", "a.txt"), ([], [b"One. Late."]))


class CutTests(FaultCase):
    """
    Lines that carry nothing, both ways or one.
    """

    def setUp(self) -> None:
        super().setUp()
        self.put("a.txt", "One.")
        self.settle()

    def refuses_after_its_lease(self) -> None:
        """The primary, which its clients can reach, commits and reads nothing after 10 s."""
        ticket = self.placed("a.txt").ticket
        self.cluster.advance(11.0)
        lines = self.asked("ss1", f"APPEND|{ticket}| Alone.", f"READ|{ticket}")
        self.cluster.advance(1.0)
        for line in lines:
            self.not_served(line)
        self.until("FAILED_OVER")
        self.assertEqual(self.text_on("ss1", "a.txt"), b"One.")

    def taken_over(self) -> None:
        """The backup serves, and all is as it was after the end of it."""
        self.get(self.alice.append("a.txt", " Two."))
        self.assertEqual(self.placed("a.txt").server, "ss1_backup")

    def test_both_ways(self) -> None:
        """F5: a primary that only its clients reach stops after 10 s, and is replaced."""
        self.cluster.part("ss1")
        self.refuses_after_its_lease()
        self.taken_over()
        self.cluster.join("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_not_heard(self) -> None:
        """F8: a primary that hears the name server, but is not heard, is replaced."""
        self.cluster.deafen("nm", "ss1")
        self.refuses_after_its_lease()
        self.taken_over()
        self.cluster.undeafen("nm", "ss1")
        self.settle()
        self.whole()

    def test_hears_nothing(self) -> None:
        """F9: a primary that is heard, but hears nothing, is replaced within 30 s."""
        self.cluster.deafen("ss1")
        began = self.cluster.clock.seconds()
        self.refuses_after_its_lease()
        self.assertLessEqual(self.cluster.clock.seconds() - began, 30.0)
        self.taken_over()
        self.cluster.undeafen("ss1")
        self.settle()
        self.whole()

    def test_hears_nothing_for_hours(self) -> None:
        """H34: a backup that hears no answer for hours holds up nobody, and comes back."""
        self.cluster.deafen("ss1_backup")
        for hour in range(3):
            self.cluster.advance(3600.0)
            self.put("a.txt", f"{hour}")
            self.assertEqual(self.read("a.txt"), f"{hour}")
        waiting = [link for link in self.cluster.network.links if link.waits]
        self.assertLess(len(waiting), 100)
        self.cluster.undeafen("ss1_backup")
        self.settle()
        self.whole()
        self.assertEqual(self.line_of("ss1").epoch, 1)

    def test_up_and_down(self) -> None:
        """F20: a link that is down for 12 s of every 15 s loses nothing and causes few changes."""
        said = "One."
        for number in range(120):
            self.cluster.part("ss1")
            self.cluster.advance(12.0)
            self.cluster.join("ss1")
            self.cluster.advance(3.0)
            if number % 10 == 0:
                said += f" {number}."
                self.get(self.alice.append("a.txt", f" {number}."))
        self.assertLessEqual(self.line_of("ss1").epoch - 1, 2)
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), said)

    def test_session_at_a_cut_primary(self) -> None:
        """F5: a session at a primary that is cut off commits nothing once the backup serves."""
        session = self.get(self.alice.write("a.txt", 0))
        self.get(session.edit(0, "Mine"))
        self.cluster.part("ss1")
        self.until("FAILED_OVER")
        self.cluster.join("ss1")
        self.refused(session.commit(), SessionEnded)
        self.assertEqual(session.draft.edits, ((0, "Mine"),))
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One.")
