"""Who may ask to be let in, and which grant answers whom."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import AccessList, Right
from dfs.core.requests import MAX_OF_DOCUMENT, MAX_OF_USER, AccessRequest, may_ask, room
from dfs.errors import Invalid, TooLarge

R, W = Right.READ, Right.WRITE
LIST = AccessList("alice", (("reader", "r"), ("writer", "w")))


class AskingTests(SynchronousTestCase):
    """Decisions about one request."""

    def test_who_may_ask(self) -> None:
        """Whoever lacks a right may ask for it; who has it is told so."""
        for user, right, has in (
            ("bob", R, ""),
            ("bob", W, ""),
            ("owner", W, ""),
            ("reader", R, "may read"),
            ("reader", W, ""),
            ("writer", R, "may read"),
            ("writer", W, "read and change"),
            ("alice", R, "own"),
            ("alice", W, "own"),
        ):
            if has:
                error = self.assertRaises(Invalid, may_ask, LIST, "a.txt", user, right)
                self.assertIn(has, str(error))
                self.assertIn("a.txt", str(error))
            else:
                may_ask(LIST, "a.txt", user, right)

    def test_answered(self) -> None:
        """A request is answered by the right that it asks for, or a greater one."""
        for user, right, answered in (
            ("reader", R, True),
            ("reader", W, False),
            ("writer", R, True),
            ("writer", W, True),
            ("bob", R, False),
        ):
            asked = AccessRequest(1, 7, user, right, 0.0)
            self.assertEqual(asked.answered_by(LIST), answered, (user, right))

    def test_room(self) -> None:
        """There are limits for a document and for a user; the refusal says what to do."""
        room("a.txt", MAX_OF_DOCUMENT - 1, MAX_OF_USER - 1)
        full = self.assertRaises(TooLarge, room, "a.txt", MAX_OF_DOCUMENT, 0)
        self.assertIn("APPROVE or DENY", str(full))
        busy = self.assertRaises(TooLarge, room, "a.txt", 0, MAX_OF_USER)
        self.assertIn("VIEWREQUESTS --mine", str(busy))
