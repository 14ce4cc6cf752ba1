"""
Histories of access requests: what is left of them when servers die, and of rights that they gave.
"""

from __future__ import annotations

from dfs.errors import NotFound, Unauthorized
from dfs.wire.records import RequestLine
from tests.histories.pairs import PairCase


class RequestTests(PairCase):
    """
    Bob asks about a document of alice.
    """

    def setUp(self) -> None:
        super().setUp()
        self.put("a.txt", "One.")
        self.number = self.get(self.bob.requests.ask("a.txt", "w"))

    def inbox(self) -> list[RequestLine]:
        """What alice has to decide."""
        return self.get(self.alice.requests.inbox())

    def test_failover(self) -> None:
        """H28: a request, then a failover: it waits, and what it gives holds on the backup."""
        self.settle()
        self.cluster.crash("ss1")
        [line] = self.inbox()
        self.assertEqual((line.id, line.user, line.right), (self.number, "bob", "w"))
        self.until("FAILED_OVER")
        self.refused(self.bob.read("a.txt"), Unauthorized)
        self.get(self.alice.requests.approve(self.number))
        self.get(self.bob.append("a.txt", " Two."))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual((self.read("a.txt"), self.inbox()), ("One. Two.", []))

    def test_approved_then_failover(self) -> None:
        """H28: approved, then a failover at once: the right is there."""
        self.get(self.alice.requests.approve(self.number))
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.get(self.bob.append("a.txt", " Two."))
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_nobody_serves(self) -> None:
        """While nobody serves the document people ask and owners decide; it holds afterwards."""
        self.settle()
        self.cluster.crash("ss1_backup")
        self.cluster.crash("ss1")
        self.until("DOWN")
        self.get(self.alice.requests.approve(self.number))
        carol = self.person("carol")
        self.get(carol.requests.ask("a.txt", "r"))
        self.cluster.start("ss1")
        self.cluster.start("ss1_backup")
        self.settle()
        self.equal()
        self.get(self.bob.append("a.txt", " Two."))
        self.refused(carol.read("a.txt"), Unauthorized)
        self.assertEqual([line.user for line in self.inbox()], ["carol"])

    def test_name_server_dies(self) -> None:
        """H41: whenever the name server is killed, requests and decisions that were OK are kept."""
        before = self.inbox()
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.cluster.advance(2.0)
        self.assertEqual(self.inbox(), before)
        self.get(self.alice.requests.approve(self.number))
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.settle()
        self.assertEqual(self.inbox(), [])
        self.get(self.bob.append("a.txt", " Two."))
        carol = self.person("carol")
        self.assertGreater(self.get(carol.requests.ask("a.txt", "r")), self.number)

    def test_new_document(self) -> None:
        """H9: a new document of the same name has no request of the old one, now and later."""
        self.get(self.alice.delete("a.txt"))
        self.put("a.txt", "Another.")
        self.restart_nm()
        self.settle()
        self.assertEqual(self.inbox(), [])
        self.refused(self.alice.requests.approve(self.number), NotFound)
        self.refused(self.bob.read("a.txt"), Unauthorized)
        self.assertEqual(self.get(self.bob.requests.mine()), [])

    def test_rights_stay(self) -> None:
        """H10: what was approved, then taken away, stays away, whatever is reverted."""
        self.get(self.alice.requests.approve(self.number))
        self.get(self.bob.checkpoints.make("a.txt", "v1"))
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.get(self.alice.checkpoints.revert("a.txt", "v1"))
        self.refused(self.bob.read("a.txt"), Unauthorized)
