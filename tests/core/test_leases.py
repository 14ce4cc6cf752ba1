"""
Until when a storage server may serve.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.leases import Lease

times = st.floats(0.0, 1e6)


class LeaseTests(SynchronousTestCase):
    """
    One server's lease, of ten seconds.
    """

    def setUp(self) -> None:
        self.lease = Lease(10.0)

    def test_never_given(self) -> None:
        """A server that was given no lease has none, and none has expired."""
        self.assertFalse(self.lease.holds(0.0))
        self.assertFalse(self.lease.expired(1e9))
        self.assertEqual(self.lease.left(5.0), 0.0)

    def test_counted_from_sending(self) -> None:
        """It ends so many seconds after the heartbeat was sent, whenever the answer came."""
        self.lease.grant(100.0)
        for now, holds in ((100.0, True), (109.99, True), (110.0, False), (1e9, False)):
            self.assertEqual((self.lease.holds(now), self.lease.expired(now)), (holds, not holds))
        self.assertEqual((self.lease.left(104.0), self.lease.left(111.0)), (6.0, 0.0))

    def test_answered_too_late(self) -> None:
        """An answer that comes when the lease that it gives is over gives nothing."""
        self.lease.grant(100.0)
        self.assertFalse(self.lease.holds(110.5))
        self.assertTrue(self.lease.expired(110.5))

    def test_revoked(self) -> None:
        """What was taken back is not held, and has not expired either: nobody waits for it."""
        self.lease.grant(100.0)
        self.lease.revoke()
        self.assertFalse(self.lease.holds(100.0))
        self.assertFalse(self.lease.expired(200.0))
        self.lease.grant(101.0)
        self.assertTrue(self.lease.holds(102.0))

    @given(st.lists(times, min_size=1), times)
    def test_order_of_answers(self, sent: list[float], now: float) -> None:
        """Answers may come in any order: the newest heartbeat counts."""
        self.setUp()
        for one in sent:
            self.lease.grant(one)
        self.assertEqual(self.lease.holds(now), now < max(sent) + 10.0)

    @given(times, times)
    def test_one_of_three(self, sent: float, now: float) -> None:
        """At any moment it holds, has expired, or was never given; never two of these."""
        self.setUp()
        self.lease.grant(sent)
        self.assertNotEqual(self.lease.holds(now), self.lease.expired(now))
