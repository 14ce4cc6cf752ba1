"""
Which promotions count as the loss of a member.
"""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.pairs import Pair, PairState
from dfs.sim.eras import Eras
from tests.simulation.faults import FaultCase


class EraTests(SynchronousTestCase):
    """
    Of one pair, told by hand.
    """

    def setUp(self) -> None:
        self.pairs = {"ss1": Pair("ss1", 1, "ss1", PairState.PROTECTED, True)}
        self.eras = Eras(self.pairs)
        self.first = self.eras.now()

    def become(self, state: PairState, epoch: int, active: str) -> int:
        """The journal says so now."""
        self.pairs["ss1"] = evolve(self.pairs["ss1"], state=state, epoch=epoch, active=active)
        return self.eras.now() - self.first

    def test_failover(self) -> None:
        """Whoever is promoted because the other one is lost begins an era."""
        self.assertEqual(self.become(PairState.DEGRADED, 1, "ss1"), 0)
        self.assertEqual(self.become(PairState.FAILED_OVER, 2, "ss1_backup"), 1)

    def test_handback(self) -> None:
        """Whoever it is handed back to does not."""
        self.become(PairState.FAILED_OVER, 2, "ss1_backup")
        self.assertEqual(self.become(PairState.HANDBACK, 2, "ss1_backup"), 1)
        self.assertEqual(self.become(PairState.PROTECTED, 3, "ss1"), 1)

    def test_lost_while_handing_back(self) -> None:
        """A member that is lost while it hands back is lost."""
        self.become(PairState.HANDBACK, 2, "ss1_backup")
        self.assertEqual(self.become(PairState.DEGRADED, 3, "ss1"), 2)

    def test_other_pair(self) -> None:
        """All pairs count together; a new one begins where it begins."""
        self.pairs["ss2"] = Pair("ss2", 1, "ss2", PairState.PROTECTED, True)
        self.assertEqual(self.eras.now() - self.first, 1)


class ClusterEraTests(FaultCase):
    """
    On a whole cluster.
    """

    def test_failover_and_back(self) -> None:
        """A crash begins one era, and the way back none."""
        eras = Eras(self.cluster.journal.pairs)
        first = eras.now()
        self.cluster.network.mark = lambda owner: eras.now()
        self.cluster.crash("ss1")
        self.cluster.advance(20.0)
        self.assertEqual(self.line_of("ss1").epoch, 2)
        self.assertEqual(eras.now(), first + 1)
        self.cluster.start("ss1")
        self.settle()
        self.assertEqual(self.line_of("ss1").epoch, 3)
        self.assertEqual(eras.now(), first + 1)
