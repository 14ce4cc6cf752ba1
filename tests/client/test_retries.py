"""What is tried again, and when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.failures import NoNameServer, Unanswered, Unreachable
from dfs.client.retries import LONGEST_PAUSE, Attempts
from dfs.errors import ERRORS, Busy, Moved, Unavailable


def attempts(patience: float = 10.0, *, repeatable: bool = False) -> Attempts:
    """Tries that begin at 0, with the longest pauses that chance may give."""
    return Attempts(0.0, patience, repeatable, lambda: 1.0)


class RetryTests(SynchronousTestCase):
    """Nothing is done twice that could do harm."""

    def test_certain_failures(self) -> None:
        """What certainly was not done is tried again, a change too."""
        for error in (Moved, Busy, Unavailable, Unreachable, NoNameServer):
            self.assertIsNotNone(attempts().pause(error("x"), 0.0), error)

    def test_refusals(self) -> None:
        """A refusal is final, whatever was asked."""
        for error in set(ERRORS) - {Moved, Busy, Unavailable}:
            self.assertIsNone(attempts(repeatable=True).pause(error("x"), 0.0), error)

    def test_doubt(self) -> None:
        """What may have been done is repeated only if that does no harm."""
        self.assertIsNone(attempts().pause(Unanswered("x"), 0.0))
        self.assertIsNotNone(attempts(repeatable=True).pause(Unanswered("x"), 0.0))

    def test_moved_once(self) -> None:
        """After the first MOVED the next try is at once, after others it waits."""
        tries = attempts()
        self.assertEqual(tries.pause(Moved("x"), 0.0), 0.0)
        self.assertGreater(tries.pause(Moved("x"), 0.0) or 0, 0)

    def test_pauses_grow(self) -> None:
        """Pauses double up to the longest one."""
        tries = attempts(1000.0)
        pauses = [tries.pause(Busy("x"), 0.0) or 0 for _ in range(9)]
        self.assertEqual(pauses[:3], [0.05, 0.1, 0.2])
        self.assertEqual(pauses[-1], LONGEST_PAUSE)

    @given(some.floats(0, 60), some.floats(0, 1), some.floats(0, 60))
    def test_patience_ends(self, patience: float, chance: float, now: float) -> None:
        """No try begins after the patience is over."""
        pause = Attempts(0.0, patience, True, lambda: chance).pause(Busy("x"), now)
        self.assertTrue(pause is None or now + pause <= patience)
