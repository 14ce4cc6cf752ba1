"""
The table of a pair's states: complete, printed, and what is due.
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.pairs import TABLE, Action, Event, Facts, Pair, PairState, Presence, due, step

PAGE = Path(__file__).parents[2] / "docs" / "failover.rst"

HOME = Pair.founded("ss1")
HERE, GONE, UNKNOWN = Presence.HERE, Presence.GONE, Presence.UNKNOWN


def pair(state: PairState, *, synced: bool = True) -> Pair:
    """A pair in a state, its active member the one that this state says."""
    reversed_ = {
        PairState.FAILED_OVER,
        PairState.RECONCILING,
        PairState.REVERSED,
        PairState.HANDBACK,
    }
    active = HOME.backup if state in reversed_ else HOME.home
    return evolve(HOME, state=state, active=active, synced=synced, epoch=5)


class TableTests(SynchronousTestCase):
    """
    Steps.
    """

    def test_printed(self) -> None:
        """docs/failover.rst shows the table, cell by cell, and nothing else."""
        printed = set()
        for line in PAGE.read_text().splitlines():
            cells = re.split(r"  +", line)
            if len(cells) == 4 and cells[0] in PairState.__members__:
                printed.add(tuple(cells))
        table = {
            (
                state.value,
                event.value,
                "by role" if cell.state is None else cell.state.value,
                cell.action.value,
            )
            for (state, event), cell in TABLE.items()
        }
        self.assertEqual(printed, table)

    def test_blank(self) -> None:
        """What cannot happen is a defect of whoever says that it did."""
        blank = [(s, e) for s in PairState for e in Event if (s, e) not in TABLE]
        self.assertTrue(blank)
        for state, event in blank:
            self.assertRaises(ValueError, step, pair(state), event)

    def test_epoch(self) -> None:
        """The epoch is raised when, and only when, another member becomes active."""
        for (state, event), cell in TABLE.items():
            old = pair(state)
            new, action = step(old, event)
            self.assertEqual(action, cell.action)
            promoted = action is Action.PROMOTE
            self.assertEqual(new.active != old.active, promoted, (state, event))
            self.assertEqual(new.epoch, old.epoch + promoted)

    def test_roles(self) -> None:
        """In each state the member serves that its name says."""
        served_by_backup = {"FAILED_OVER", "RECONCILING", "REVERSED", "HANDBACK"}
        for state, event in TABLE:
            new, _ = step(pair(state), event)
            if new.state is not PairState.DOWN:
                self.assertEqual(not new.home_active, new.state.value in served_by_backup)

    def test_unfilled_never_leads(self) -> None:
        """A peer that was not in sync once is promoted by an operator only."""
        for (state, event), cell in TABLE.items():
            promotes = cell.action is Action.PROMOTE
            if not promotes or event is Event.FORCED:
                continue
            filled = {PairState.PROTECTED, PairState.REVERSED, PairState.HANDBACK}
            self.assertTrue(state in filled or event is Event.PEER_MAY_LEAD, (state, event))

    def test_synced(self) -> None:
        """A peer is in sync from the moment when both are equal, until it has to be filled."""
        filling = step(pair(PairState.SOLO, synced=False), Event.PEER_HERE)[0]
        self.assertFalse(filling.synced)
        protected = step(filling, Event.EQUAL)[0]
        self.assertTrue(protected.synced)
        self.assertTrue(step(protected, Event.PEER_LOST)[0].synced)
        self.assertFalse(step(pair(PairState.DEGRADED), Event.PEER_STALE)[0].synced)
        self.assertFalse(step(pair(PairState.FAILED_OVER), Event.REPLACED)[0].synced)

    def test_down_by_role(self) -> None:
        """Who served last serves again, in the state that its role says."""
        for old, state in (
            (pair(PairState.DOWN, synced=False), PairState.SOLO),
            (pair(PairState.DOWN), PairState.DEGRADED),
            (evolve(pair(PairState.DOWN), active="ss1_backup"), PairState.FAILED_OVER),
        ):
            self.assertIs(step(old, Event.ACTIVE_HERE)[0].state, state)

    def test_way_round(self) -> None:
        """A failure of the primary, its return and the handback end where they began."""
        now = pair(PairState.PROTECTED)
        for event in (
            Event.ACTIVE_LOST,
            Event.PEER_HERE,
            Event.EQUAL,
            Event.STABLE,
            Event.SWITCHED,
        ):
            now, _ = step(now, event)
        self.assertEqual(now, evolve(pair(PairState.PROTECTED), epoch=7))


class DueTests(SynchronousTestCase):
    """
    What has happened, from what is known.
    """

    def check(self, state: PairState, expected: Event | None, facts: Facts, **more: bool) -> None:
        """What is due."""
        self.assertIs(due(pair(state, **more), facts), expected)

    def test_nothing(self) -> None:
        """Nothing happens to a pair whose members are as its state says."""
        for state in (PairState.PROTECTED, PairState.REVERSED, PairState.SYNCING):
            self.check(state, None, Facts(HERE, HERE))
        for state in (PairState.SOLO, PairState.DEGRADED, PairState.FAILED_OVER):
            self.check(state, None, Facts(HERE, GONE))

    def test_start(self) -> None:
        """After the name server's start nothing happens before it knows."""
        for state in PairState:
            self.check(state, None, Facts(UNKNOWN, UNKNOWN, clean=True))

    def test_failover(self) -> None:
        """A primary that failed is followed by a backup that is here."""
        self.check(PairState.PROTECTED, Event.ACTIVE_LOST, Facts(GONE, HERE))
        self.check(PairState.PROTECTED, None, Facts(GONE, UNKNOWN))

    def test_both(self) -> None:
        """When both failed the peer's loss comes first, so nobody is promoted who is gone."""
        for state in (PairState.PROTECTED, PairState.REVERSED, PairState.HANDBACK):
            old = pair(state)
            facts = Facts(GONE, GONE)
            self.assertIs(due(old, facts), Event.PEER_LOST)
            alone, _ = step(old, Event.PEER_LOST)
            self.assertIs(due(alone, facts), Event.ACTIVE_LOST)
            self.assertIs(step(alone, Event.ACTIVE_LOST)[0].state, PairState.DOWN)

    def test_down(self) -> None:
        """Of a pair that is down the last active member may serve, the other one if it is equal."""
        self.check(PairState.DOWN, Event.ACTIVE_HERE, Facts(HERE, HERE))
        self.check(PairState.DOWN, Event.PEER_MAY_LEAD, Facts(GONE, HERE, clean=True))
        self.check(PairState.DOWN, None, Facts(GONE, HERE))
        self.check(PairState.DOWN, None, Facts(UNKNOWN, HERE, clean=True))
        self.check(PairState.DOWN, None, Facts(GONE, HERE, clean=True), synced=False)

    def test_return(self) -> None:
        """A peer that comes is taken in; if changes wait for both, it must have everything."""
        self.check(PairState.SOLO, Event.PEER_HERE, Facts(HERE, HERE))
        self.check(PairState.DEGRADED, Event.PEER_HERE, Facts(HERE, HERE))
        self.check(PairState.DEGRADED, Event.PEER_STALE, Facts(HERE, HERE, strict=True))
        self.check(PairState.FAILED_OVER, Event.PEER_HERE, Facts(HERE, HERE))

    def test_equal(self) -> None:
        """Who has everything may lead; who has followed for long enough gets its place back."""
        self.check(PairState.SYNCING, Event.EQUAL, Facts(HERE, HERE, equal=True))
        self.check(PairState.RECONCILING, Event.EQUAL, Facts(HERE, HERE, equal=True))
        self.check(PairState.REVERSED, Event.STABLE, Facts(HERE, HERE, stable=True))
        self.check(PairState.PROTECTED, None, Facts(HERE, HERE, equal=True, stable=True))

    def test_possible(self) -> None:
        """What is due can happen, whatever is known."""
        presences = list(Presence)
        for state in PairState:
            for active in presences:
                for peer in presences:
                    for bits in range(16):
                        flags = [bool(bits >> place & 1) for place in range(4)]
                        event = due(pair(state), Facts(active, peer, *flags))
                        self.assertTrue(event is None or (state, event) in TABLE)
