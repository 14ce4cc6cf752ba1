"""
Who may do what with a document.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import MAX_GRANTS, AccessList, Right
from dfs.errors import Invalid, TooLarge

ALL = (Right.READ, Right.WRITE, Right.OWN)


def rights(access: AccessList, user: str) -> list[Right]:
    """What somebody may do."""
    return [right for right in ALL if access.allows(user, right)]


class AccessTests(SynchronousTestCase):
    """
    Access lists.
    """

    def test_owner(self) -> None:
        """The owner may do everything, others nothing."""
        access = AccessList("alice")
        self.assertEqual(rights(access, "alice"), list(ALL))
        self.assertEqual(rights(access, "bob"), [])

    def test_read(self) -> None:
        """Who may read may not write."""
        self.assertEqual(rights(AccessList("alice").granted("bob", Right.READ), "bob"), [ALL[0]])

    def test_write(self) -> None:
        """Who may write may read, and owns nothing."""
        access = AccessList("alice").granted("bob", Right.WRITE)
        self.assertEqual(rights(access, "bob"), [Right.READ, Right.WRITE])

    def test_changed(self) -> None:
        """A second grant replaces the first."""
        access = AccessList("alice").granted("bob", Right.WRITE).granted("bob", Right.READ)
        self.assertEqual(access.grants, (("bob", "r"),))

    def test_owner_keeps(self) -> None:
        """A grant to the owner changes nothing, and nothing can be taken from the owner."""
        access = AccessList("alice")
        self.assertIs(access.granted("alice", Right.READ), access)
        self.assertRaises(Invalid, access.revoked, "alice")

    def test_revoked(self) -> None:
        """What is taken away is gone; what was never given cannot be taken away."""
        access = AccessList("alice").granted("bob", Right.WRITE).granted("carol", Right.READ)
        self.assertEqual(access.revoked("bob").grants, (("carol", "r"),))
        self.assertRaises(Invalid, access.revoked, "dave")

    def test_limit(self) -> None:
        """H12: a grant above the limit is an error; a change of one that is there is not."""
        grants = tuple((f"user{number:04}", "r") for number in range(MAX_GRANTS))
        access = AccessList("alice", grants)
        self.assertRaises(TooLarge, access.granted, "bob", Right.READ)
        self.assertTrue(access.granted("user0000", Right.WRITE).allows("user0000", Right.WRITE))

    def test_letters(self) -> None:
        """H12: rights are R and W in any case; nothing else is a right."""
        self.assertEqual([Right.parse(text) for text in "rRwW"], [ALL[0], ALL[0], ALL[1], ALL[1]])
        for text in ("", "-X", "x", "o", "O", "rw", "r "):
            self.assertRaises(Invalid, Right.parse, text)

    @given(st.lists(st.tuples(st.sampled_from("bcde"), st.sampled_from(ALL[:2])), max_size=12))
    def test_sorted(self, granted: list[tuple[str, Right]]) -> None:
        """However grants come, each person has the last one, sorted by name."""
        access = AccessList("alice")
        for user, right in granted:
            access = access.granted(user, right)
        last = {user: right.value for user, right in granted}
        self.assertEqual(access.grants, tuple(sorted(last.items())))
