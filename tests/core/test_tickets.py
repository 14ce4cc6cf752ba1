"""
Tickets.
"""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import Right
from dfs.core.tickets import Ticket, check, key_from_secret, seal, unseal
from dfs.errors import Moved, Unauthenticated

KEY = key_from_secret(b"s" * 32)
TICKET = Ticket("0123456789abcdef", "alice", Right.READ, 1, 7, 1_000_060)

users = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


class TicketTests(SynchronousTestCase):
    """
    What is sealed, and what opens.
    """

    @given(users, st.sampled_from([Right.READ, Right.WRITE]), st.integers(1, 99))
    def test_round_trip(self, user: str, right: Right, number: int) -> None:
        """A ticket says what was sealed, whoever it is for."""
        ticket = evolve(TICKET, user=user, right=right, metadata_number=number)
        self.assertEqual(unseal(KEY, seal(KEY, ticket)), ticket)

    @given(users)
    def test_printable(self, user: str) -> None:
        """A sealed ticket needs no escaping on the wire."""
        self.assertRegex(seal(KEY, evolve(TICKET, user=user)), r"\A[A-Za-z0-9._-]+\Z")

    def test_other_key(self) -> None:
        """H60: a ticket of another cluster is not genuine."""
        sealed = seal(key_from_secret(b"t" * 32), TICKET)
        self.assertRaises(Unauthenticated, unseal, KEY, sealed)

    def test_secret_is_no_key(self) -> None:
        """The secret itself seals nothing."""
        self.assertRaises(Unauthenticated, unseal, KEY, seal(b"s" * 32, TICKET))

    @given(st.integers(0, 200), st.integers(0, 255))
    def test_changed(self, place: int, value: int) -> None:
        """A ticket with one changed byte is not genuine."""
        sealed = seal(KEY, TICKET)
        place %= len(sealed)
        changed = sealed[:place] + chr(value) + sealed[place + 1 :]
        if changed != sealed:
            self.assertRaises(Unauthenticated, unseal, KEY, changed)

    @given(st.text(max_size=80))
    def test_anything(self, text: str) -> None:
        """Whatever else is sent is refused, and nothing worse."""
        self.assertRaises(Unauthenticated, unseal, KEY, text)

    def test_time(self) -> None:
        """A ticket is good before its last second, and then the name server is to be asked."""
        check(TICKET, 1_000_059.9)
        self.assertRaises(Moved, check, TICKET, 1_000_060.0)
