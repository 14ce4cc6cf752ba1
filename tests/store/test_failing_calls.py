"""Whichever call to its disk fails, a store refuses or has done it, and a broken one says so."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter

from attrs import evolve
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import DFSError, Internal, Unavailable
from tests.store.dying import found
from tests.store.moments import Contents, Fault, Trap, contents, opened, scratch, states, tidy
from tests.store.pump import Pump
from tests.store.samples import new, with_text
from tests.store.steps import STEPS, Hands, Step

FAULTS = (Fault(full=False), Fault(full=True), Fault(full=False, late=True))

#: Calls after the answer, which only tidy up: what they leave is removed at the next opening.
TIDYING = ("unlink", "PRAGMA")


def plain(said: Contents) -> Contents:
    """
    Without positions, since one that was given to a change that failed is not used again, and
    without who read what, which nobody is told OK for.
    """
    documents = {name: (0, one) for name, (_, one) in said.documents.items()}
    return evolve(said, documents=documents, accesses={})


class FailingCallTests(SynchronousTestCase):
    """The n-th call fails, for every n and every step."""

    def setUp(self) -> None:
        self.top = scratch()
        self.addCleanup(shutil.rmtree, self.top)
        self.chance = random.Random(5)
        self.injected: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()

    def begin(self, base: str) -> None:
        """A store as it was before a step."""
        root = f"{self.top}/disk"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(base, root)
        self.pump, self.deaths = Pump(), list[Failure]()
        self.trap = Trap(root)
        self.trap.files.disk = found(root)
        self.store = self.trap.open(self.pump, self.deaths)
        self.hands = Hands(self.store, self.pump, self.trap.gate)
        self.trap.begin()

    def act(self, step: Step) -> DFSError | None:
        """Do a step; what it was refused with."""
        try:
            step.act(self.hands)
        except DFSError as error:
            return error
        finally:
            self.trap.gate.set()
        return None

    def said(self) -> Contents:
        """What the store says."""
        return plain(contents(self.store, self.pump))

    def after_power_loss(self) -> list[Contents]:
        """What the store says when it is opened again, in each of some states."""
        self.trap.keeping = True
        self.trap.keep("the end")
        self.trap.keeping = False
        every = []
        for state in states(self.trap.moments[-1], self.chance, 3):
            root = f"{self.top}/state"
            shutil.rmtree(root, ignore_errors=True)
            state.make(root)
            opened(root, lambda store, pump: every.append(plain(contents(store, pump))))
        return every

    def check_broken(self, refused: DFSError | None) -> None:
        """Who met a broken disk says so and commits nothing more."""
        if refused is None and self.trap.failed.startswith(TIDYING):
            return
        while not self.deaths:
            self.pump.step()
        nothing = self.pump.outcome(self.store.commit(with_text(new(8), b"more"), b"more"))
        assert isinstance(nothing, Failure)
        nothing.trap(Unavailable)

    def check_full(self, step: Step, refused: DFSError | None) -> None:
        """When there is room again, what was refused is done."""
        self.assertEqual(self.deaths, [])
        if refused is not None:
            assert isinstance(refused, Unavailable), refused
            if step.whole:
                self.assertIsNone(self.act(step))

    def one(self, step: Step, number: int, fault: Fault, old: Contents, new_: Contents) -> bool:
        """A step of which one call fails; False if it has no such call."""
        self.trap.fault = (number, fault)
        refused = self.act(step)
        self.trap.fault = None
        if not self.trap.failed:
            self.pump.result(self.store.close())
            return False
        where = f"{step.name}: call {number} ({self.trap.failed}) fails: {fault}, {refused}"
        self.injected[f"{self.trap.failed.split()[0]} {'full' if fault.full else 'broken'}"] += 1
        self.outcomes[type(refused).__name__ if refused else "OK"] += 1
        if fault.full:
            self.check_full(step, refused)
            if step.whole:
                self.assertEqual(self.said(), new_, where)
        else:
            self.check_broken(refused)
            if step.whole and refused is not None and not fault.late:
                self.assertEqual(self.said(), old, where)
        may = [new_] if refused is None or fault.full else [old]
        may += [new_] if isinstance(refused, Internal) else []
        for said in self.after_power_loss():
            if step.whole:
                self.assertIn(said, may, where)
        self.pump.result(self.store.close())
        if fault.full and not self.trap.failed.startswith(TIDYING):
            tidy(self.trap.path, where)
        self.flushLoggedErrors(OSError)
        return True

    def step(self, base: str, step: Step) -> None:
        """One step with each fault, then without any."""
        self.begin(base)
        old = self.said()
        self.trap.begin()
        step.act(self.hands)
        after = self.said()
        calls = len(self.trap.calls)
        self.pump.result(self.store.close())
        shutil.copytree(self.trap.root, f"{self.top}/next")
        for fault in FAULTS:
            for number in range(1, calls + 6):
                self.begin(base)
                self.said()
                self.trap.begin()
                if not self.one(step, number, fault, old, after) and not fault.late:
                    break
        shutil.rmtree(base)
        shutil.move(f"{self.top}/next", base)

    def test_failing_calls(self) -> None:
        """No OK for what is not there, no change by what was refused, no commit after an error."""
        base = f"{self.top}/base"
        os.makedirs(base)
        for step in STEPS:
            if step.name != "close":
                self.step(base, step)
        print(f"\n{self.injected.total()} faults:", dict(self.injected), dict(self.outcomes))
