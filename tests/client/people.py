"""
People at their desks, and real servers in memory.

Decides how a test says what a command prints, and how it is refused.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.cluster import Cluster
from tests.client.desk import Desk


class CommandCase(SynchronousTestCase):
    """A cluster, and people at their desks."""

    def setUp(self) -> None:
        self.cluster = Cluster("ss1")
        self.addCleanup(self.cluster.close)
        self.alice = self.desk("alice")
        self.bob = self.desk("bob")

    def desk(self, user: str, *, json: bool = False, terminal: bool = False) -> Desk:
        """Somebody's desk; the cluster knows them."""
        desk = Desk(self.cluster.session(user), self.cluster.run, json=json, terminal=terminal)
        desk.type("WHOAMI")
        return desk

    def done(self, line: str, *more: str, says: str, desk: Desk | None = None) -> None:
        """A command that ends well and prints exactly this."""
        desk = desk or self.alice
        self.assertEqual(desk.type(line, *more), says, line)
        self.assertEqual((desk.status, desk.complaints), (0, ""), line)

    def refused(
        self,
        line: str,
        *more: str,
        code: str,
        says: str = "",
        status: int = 1,
        by: Desk | None = None,
    ) -> None:
        """A command that is refused with a code and a word in the message."""
        desk = by or self.alice
        desk.type(line, *more)
        self.assertEqual(desk.status, status, f"{line}: {desk.complaints}")
        self.assertTrue(desk.complaints.startswith(f"ERROR [{code}]: "), desk.complaints)
        self.assertIn(says, desk.complaints)
        self.assertNotIn("Traceback", desk.complaints)
