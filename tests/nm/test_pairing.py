"""
Pairs on their way through their states, with everything that can go wrong in between.
"""

from __future__ import annotations

from tests.nm.members import MembersRig


class LeaseTests(MembersRig):
    """
    Who may serve.
    """

    def test_one_at_a_time(self) -> None:
        """Only the active member may serve, and it is told so again and again."""
        self.protected()
        self.live(30)
        self.assertEqual(self.serves(), "ss1")
        self.assertEqual((self.ss1.asked().serve, self.backup.asked().serve), (True, False))
        self.assertEqual(self.ss1.asked().epoch, 1)

    def test_not_while_moving(self) -> None:
        """While the journal is about to say that another one serves, nobody may."""
        self.protected()
        self.holding = True
        self.ss1.goodbye()
        self.wait(1)
        self.ss1.back(epoch=1)
        self.assertFalse(self.ss1.asked().serve)
        self.assertFalse(self.backup.asked().serve)
        self.release()
        self.wait(1)
        self.assertEqual(self.serves(), "ss1_backup")
        self.assertEqual(self.ss1.asked().epoch, 2)

    def test_not_while_joining(self) -> None:
        """A member that lacks metadata serves when it has it."""
        self.protected()
        waiting = self.stuck()
        self.backup.script = lambda order: waiting
        self.nm.index.describe(self.entry(), self.entry().access, 8)
        self.ss1.goodbye()
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", ""))
        waiting.callback(None)
        self.wait(1)
        self.assertEqual(self.serves(), "ss1_backup")


class FailoverTests(MembersRig):
    """
    The active member is lost.
    """

    def test_promoted_and_lost(self) -> None:
        """A member that is lost while the journal makes it active does not come back by that."""
        self.protected()
        self.holding = True
        self.ss1.goodbye()
        self.wait(0.5)
        self.backup.goodbye()
        self.release()
        self.wait(1)
        self.assertEqual(self.states(), {"ss1": "FAILED", "ss1_backup": "FAILED"})
        self.assertEqual(self.state(), "DOWN")
        self.ss1.back(epoch=1)
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))
        self.defects()
