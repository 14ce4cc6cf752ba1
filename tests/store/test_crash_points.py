"""Stopped at any call to its disk, a store has what it had before or after, whole."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter

from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.store.sqlite import SQLiteStore
from tests.store.dying import fingerprint, seen
from tests.store.moments import Contents, Moment, State, Trap, contents, opened, scratch, states
from tests.store.pump import Pump
from tests.store.steps import SECOND, STEPS, Hands, Step


class CrashPointTests(SynchronousTestCase):
    """Every step of the script, every moment in it, every state that the disk may then be in."""

    def setUp(self) -> None:
        self.top = scratch()
        self.addCleanup(shutil.rmtree, self.top)
        self.pump = Pump()
        self.deaths: list[Failure] = []
        self.checked: Counter[str] = Counter()
        self.distinct: set[object] = set()
        self.chance = random.Random(5)

    def contents(self, state: State) -> Contents:
        """What a store says that is opened on a disk; afterwards it can be written to."""
        root = f"{self.top}/state"
        shutil.rmtree(root, ignore_errors=True)
        state.make(root)
        said: list[Contents] = []

        def check(store: SQLiteStore, pump: Pump) -> None:
            said.append(contents(store, pump))
            Hands(store, pump, self.trap.gate).upload(9, SECOND)

        opened(root, check)
        return said[0]

    def survive(self, step: str, moments: list[Moment], allowed: list[list[Contents]]) -> None:
        """
        Crash at each moment.

        @param allowed: what may be there, by how many transactions were finished.
        """
        for moment in moments:
            may = list(allowed[min(moment.commits, len(allowed) - 1)])
            if moment.committing:
                may += allowed[min(moment.commits + 1, len(allowed) - 1)]
            for state in states(moment, self.chance):
                what = (fingerprint(state.tree), state.database, moment.commits)
                if what not in self.distinct:
                    self.distinct.add(what)
                    self.checked[step] += 1
                    found = self.contents(state)
                    self.assertIn(found, may, f"{step}: crash before {moment.call}")

    def run_step(self, store: SQLiteStore, step: Step) -> None:
        """One step, and a crash at each of its moments."""
        before = contents(store, self.pump)
        self.trap.begin()
        self.trap.keeping = True
        step.act(Hands(store, self.pump, self.trap.gate))
        self.trap.keep("the next step")
        self.trap.keeping = False
        moments = self.trap.moments
        after = before if step.act.__name__ == "_close" else contents(store, self.pump)
        middle = [before] if step.whole else self.middle(step, before, moments)
        allowed = [[before] if n == 0 else middle for n in range(step.commits)]
        self.survive(step.name, moments, [*allowed, [after]])

    def middle(self, step: Step, before: Contents, moments: list[Moment]) -> list[Contents]:
        """What is there after the first of two transactions."""
        at = next(one for one in moments if one.commits == 1)
        return [self.contents(State(states(at, self.chance)[-1].tree, at.database))]

    def test_crash_points(self) -> None:
        """Old or new, whole, readable, tidy and writable: at every moment, in every state."""
        self.trap = Trap(f"{self.top}/disk", keeping=True)
        os.makedirs(self.trap.root)
        store = self.trap.open(self.pump, self.deaths)
        empty = contents(store, self.pump)
        self.survive("open a new store", self.trap.moments, [[empty]])
        for step in STEPS:
            self.run_step(store, step)
        self.trap.begin()
        self.trap.keeping = True
        store = self.trap.open(self.pump, self.deaths)
        said = contents(store, self.pump)
        self.survive("open again", self.trap.moments, [[said]])
        self.pump.result(store.close())
        self.assertEqual(self.deaths, [])
        total = sum(self.checked.values())
        print(f"\n{total:,} distinct crash states:", dict(self.checked))
        self.assertGreater(total, 1_000)

    def again(self, step: Step, moment: Moment) -> list[State]:
        """
        The process was killed at a moment, and what it wrote is not durable yet: another one does
        what was not done.  What a loss of power leaves after its answer.
        """
        root = f"{self.top}/again"
        shutil.rmtree(root, ignore_errors=True)
        State(seen(moment.disk), moment.database).make(root)
        trap = Trap(root)
        trap.files.disk = moment.disk.copy({})
        store = trap.open(self.pump, self.deaths)
        if moment.commits < step.commits:
            step.act(Hands(store, self.pump, trap.gate))
        trap.keeping = True
        trap.keep("the end")
        trap.keeping = False
        self.pump.result(store.close())
        return states(trap.moments[-1], self.chance, 4)

    def test_killed_before(self) -> None:
        """What a killed process left undurable is durable when the next one says OK."""
        self.trap = Trap(f"{self.top}/disk", keeping=True)
        os.makedirs(self.trap.root)
        store = self.trap.open(self.pump, self.deaths)
        for step in STEPS:
            self.trap.begin()
            self.trap.keeping = step.name in ("large commit", "replica of several contents")
            step.act(Hands(store, self.pump, self.trap.gate))
            self.trap.keep("the next step")
            moments = [one for one in self.trap.moments if not one.committing]
            self.trap.keeping = False
            if moments:
                after = contents(store, self.pump)
                for moment in moments:
                    for state in self.again(step, moment):
                        self.assertEqual(
                            self.contents(state), after, f"killed before {moment.call}"
                        )
                        self.checked[step.name] += 1
        print("\nkilled, repeated, and power lost:", dict(self.checked))
