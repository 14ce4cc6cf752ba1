"""One healthy cluster, end to end."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.cluster import Cluster


class ClusterTests(SynchronousTestCase):
    """The parts work together."""

    def setUp(self) -> None:
        self.cluster = Cluster("ss1", "ss1_backup")
        self.addCleanup(self.cluster.close)

    def test_a_document_lives(self) -> None:
        """What one person writes, another one with the right reads; sizes are right at once."""
        run = self.cluster.run
        alice, bob = self.cluster.session("alice"), self.cluster.session("bob")
        run(bob.whoami())
        run(alice.create("notes.txt"))
        session = run(alice.write("notes.txt", 0))
        run(session.edit(0, "Hello world."))
        run(session.commit())
        run(alice.add_access("notes.txt", "bob", "r"))
        self.assertEqual(run(bob.read("notes.txt")), b"Hello world.")
        [line] = run(bob.view())
        self.assertEqual((line.path, line.words, line.size), ("notes.txt", 2, 12))
