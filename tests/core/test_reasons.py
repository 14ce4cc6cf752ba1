"""
Why a document can be used or not: a sentence for every state that there can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.excuses import Here, why_here
from dfs.core.liveness import State
from dfs.core.pairs import Pair, PairState
from dfs.core.reasons import Held, Member, Situation, Standing, why, why_not_there

#: A state of a server; None: it never came.
STATES = (None, *State)

#: One sentence: no second one, nothing left out, nothing that a program would say.
SENTENCE = re.compile(r"[^.]*a\.txt [a-z][^\n]*[^ .]\.")
NONSENSE = re.compile(r"None|[a-z]+_[A-Z]|\{|\}|  |<|>|;;|; ;|, ,|\.\.")

HOME_LEADS = {PairState.SOLO, PairState.SYNCING, PairState.PROTECTED, PairState.DEGRADED}


def pair(state: PairState, *, home: bool = True, synced: bool = True) -> Pair:
    """A pair in some state."""
    return Pair("ss1", 3, "ss1" if home else "ss1_backup", state, synced)


def situation(
    state: PairState,
    active: State | None = State.LIVE,
    peer: State | None = State.LIVE,
    *,
    home: bool = False,
    synced: bool = True,
    **changes: Any,
) -> Situation:
    """What may be known; servers that are here were heard just now."""
    made = pair(state, home=home or state in HOME_LEADS, synced=synced)
    members = [
        Member(name, one, None if one in (None, State.AWAITED) else 1.0, _left(one))
        for name, one in ((made.active, active), (made.peer, peer))
    ]
    return evolve(Situation("a.txt", made, members[0], members[1]), **changes)


def _left(state: State | None) -> float | None:
    return None if state in (None, State.FAILED) else 14.0


def everything() -> Iterator[Situation]:
    """Every combination of states, also those that cannot be for more than a moment."""
    for state, active, peer in product(PairState, STATES, STATES):
        for home, synced, clean in product((True, False), repeat=3):
            plain = situation(state, active, peer, home=home, synced=synced, clean=clean)
            yield plain
            yield evolve(plain, moving=True)
            yield evolve(plain, draining=True)
            yield evolve(plain, elsewhere=True)
            yield evolve(plain, behind=True, lag=3.0)
            yield evolve(plain, refuse=True, replica=True)
            yield evolve(plain, drained=True, handback=12.0)
            yield evolve(plain, handback=12.0, journal="disk full")
            yield evolve(plain, active=evolve(plain.active, silent=9.0))
            yield evolve(plain, locks=(Held("bob", "Hello.", 42.0, 558.0),) * 2)


class EveryStateTests(SynchronousTestCase):
    """
    No state is without a sentence.
    """

    def test_one_sentence(self) -> None:
        """For every state of a pair and of both members there is one whole sentence."""
        count = 0
        for now in everything():
            count += 1
            sentence = why(now)
            self.assertRegex(sentence, SENTENCE, repr(now))
            self.assertNotRegex(sentence, NONSENSE, repr(now))
            self.assertNotIn("\n", sentence)
        self.assertGreater(count, 20_000)

    def test_when(self) -> None:
        """What cannot be done comes with what has to happen first."""
        for now in everything():
            sentence = why(now)
            if "cannot be used" in sentence or "may not answer" in sentence:
                self.assertRegex(sentence, r"; it (can|will) (when|in)", repr(now))

    def test_nobody_serves(self) -> None:
        """Nothing is called possible while nobody can serve it."""
        for now in everything():
            serves = now.active.state is State.LIVE and now.pair.state is not PairState.DOWN
            if not serves:
                self.assertNotIn("read and changed:", why(now), repr(now))


class SentenceTests(SynchronousTestCase):
    """
    What is said.
    """

    def says(self, now: Situation, *pieces: str) -> None:
        """The sentence has these pieces."""
        sentence = why(now)
        for piece in pieces:
            self.assertIn(piece, sentence)

    def test_fine(self) -> None:
        """Where all is well it says who serves and who has the same."""
        expected = "a.txt can be read and changed: ss1 serves it; ss1_backup has the same."
        self.assertEqual(why(situation(PairState.PROTECTED)), expected)

    def test_lag(self) -> None:
        """It says for how long the peer has lacked something."""
        self.says(situation(PairState.PROTECTED, lag=3.0), "ss1_backup lacks", "3 s by now")

    def test_replica(self) -> None:
        """With --ack replica it says so."""
        self.says(situation(PairState.PROTECTED, replica=True), "answered when both have it")

    def test_silent(self) -> None:
        """A silent server is named with the time that it has left."""
        now = situation(PairState.PROTECTED)
        now = evolve(now, active=evolve(now.active, silent=8.6, left=6.4))
        self.says(now, "was not heard for 9 s", "in at most 6 s, when ss1_backup is promoted")
        alone = evolve(now, pair=pair(PairState.DEGRADED))
        self.says(alone, "nobody can take its place", "when ss1 is heard again")

    def test_lost(self) -> None:
        """A server that failed is about to be replaced, or has to come back."""
        self.says(situation(PairState.PROTECTED, State.FAILED), "in a moment, when ss1_backup is")
        both = situation(PairState.PROTECTED, State.FAILED, State.AWAITED)
        self.says(both, "when ss1 or ss1_backup registers", "14 s left")
        self.says(situation(PairState.SOLO, State.FAILED, None), "it can when ss1 registers")

    def test_awaited(self) -> None:
        """After a start of the name server it says how long the old active member has."""
        now = situation(PairState.PROTECTED, State.AWAITED)
        self.says(now, "in at most 14 s, when ss1_backup is promoted")

    def test_down(self) -> None:
        """When nobody serves it says who has to come, and what an operator can order."""
        now = situation(PairState.DOWN, State.FAILED, home=True, clean=False)
        self.says(now, "ss1_backup may lack something", "'dfs admin promote ss1_backup'")
        now = situation(PairState.DOWN, State.FAILED, home=True, synced=False)
        self.says(now, "ss1_backup has not got everything yet", "promote")
        self.says(
            situation(PairState.DOWN, State.FAILED, home=True), "in a moment, when ss1_backup"
        )
        now = situation(PairState.DOWN, State.FAILED, State.FAILED, home=True)
        self.says(now, "ss1, which served last,", "it can when ss1 registers")
        self.says(situation(PairState.DOWN, home=True), "in a moment: ss1 is back")

    def test_held(self) -> None:
        """A server that is held off is called so."""
        self.says(situation(PairState.SOLO, State.HELD, None), "held off", "when ss1 registers")

    def test_joining(self) -> None:
        """A server that is told what it missed serves in a moment."""
        now = situation(PairState.PROTECTED, State.JOINING)
        self.says(evolve(now, active=evolve(now.active, owed=7)), "the metadata of 7 documents")

    def test_finishing(self) -> None:
        """While a member finishes nothing is changed, for two seconds at most."""
        for now in (
            situation(PairState.PROTECTED, draining=True),
            situation(PairState.HANDBACK),
        ):
            self.says(now, "can be read, and changed in at most 2 s", "finishes")

    def test_moving(self) -> None:
        """While another member becomes active it says which."""
        self.says(situation(PairState.PROTECTED, moving=True), "ss1_backup takes the place of ss1")

    def test_elsewhere(self) -> None:
        """What only the other member has can be used when that is back."""
        now = situation(PairState.FAILED_OVER, peer=State.FAILED, elsewhere=True)
        self.says(now, "only ss1 has it", "it can when ss1 registers")
        self.says(situation(PairState.RECONCILING, elsewhere=True), "in a moment")

    def test_refused(self) -> None:
        """With --solo refuse a document can be read, and changed when the peer is back."""
        now = situation(PairState.DEGRADED, peer=State.FAILED, refuse=True)
        self.says(now, "can be read but not changed", "when ss1_backup is back and has caught up")
        self.says(situation(PairState.SYNCING, refuse=True), "has not caught up")
        self.assertNotIn("refuse", why(situation(PairState.PROTECTED, refuse=True)))

    def test_reversed(self) -> None:
        """It says when the home primary serves again, or what has to be ordered."""
        self.says(situation(PairState.REVERSED, handback=12.0), "ss1 serves again in at most 12 s")
        self.says(situation(PairState.REVERSED), "after 'handback ss1'")
        self.says(situation(PairState.REVERSED, handback=12.0, drained=True), "ss1 is drained")

    def test_behind(self) -> None:
        """It says who has a newer version."""
        now = situation(PairState.FAILED_OVER, peer=State.FAILED, behind=True)
        self.says(now, "can be read and changed", "ss1 has a newer version", "when ss1 is back")

    def test_unprotected(self) -> None:
        """It says that there is no other copy."""
        self.says(situation(PairState.SOLO, peer=None), "no other copy before ss1_backup comes")

    def test_locked(self) -> None:
        """It says who edits, for how long, and when that ends at the latest."""
        now = situation(PairState.PROTECTED, locks=(Held("bob", "Hello.", 42.0, 558.0),))
        self.says(now, "bob has been editing 'Hello.' for 42 s", "after 558 s of silence")

    def test_journal(self) -> None:
        """It says that rights cannot be changed while the journal cannot be written."""
        self.says(situation(PairState.PROTECTED, journal="disk full"), "disk full")

    def test_nothing_there(self) -> None:
        """Whatever stands at a path, there is a sentence about it."""
        for standing, takers, journal in product(Standing, (0, 2), ("", "disk full")):
            sentence = why_not_there("a.txt", standing, takers, journal)
            self.assertRegex(sentence, SENTENCE)
            self.assertNotRegex(sentence, NONSENSE)
        self.assertIn("drained", why_not_there("a.txt", Standing.NOTHING, 0))
        self.assertIn("can be made", why_not_there("a.txt", Standing.DELETED, 1))
        self.assertIn("cannot be made", why_not_there("a.txt", Standing.NOTHING, 1, "disk full"))


class HereTests(SynchronousTestCase):
    """
    What a storage server says.
    """

    def test_every_state(self) -> None:
        """Whatever a storage server knows of itself, there is one whole sentence."""
        flags = [(False, True)] * 7
        for exists, deleted, registered, expired, draining, drained, refuse in product(*flags):
            for lease, failure, locked in product((0.0, 7.0), ("", "broken"), (0, 1)):
                now = Here(
                    "00d1 a.txt",
                    "ss1",
                    exists,
                    deleted,
                    failure,
                    registered,
                    lease,
                    expired,
                    draining,
                    drained,
                    refuse,
                    (Held("bob", "Hello.", 42.0, 558.0),) * locked,
                )
                sentence = why_here(now)
                self.assertRegex(sentence, SENTENCE)
                self.assertNotRegex(sentence, NONSENSE)
                if not lease:
                    self.assertNotIn("can be read", sentence)

    def test_sentences(self) -> None:
        """It says what stands in the way first."""
        here = Here("00d1 a.txt", "ss1", True, False, lease=7.0)
        for now, piece in (
            (here, "may serve for 7 s more"),
            (evolve(here, exists=False), "is not on ss1"),
            (evolve(here, deleted=True), "was deleted"),
            (evolve(here, failure="broken"), "broken"),
            (evolve(here, lease=0.0, expired=True), "has not heard the name server"),
            (evolve(here, lease=0.0), "follows and does not serve"),
            (evolve(here, lease=0.0, registered=False), "before the name server knows ss1"),
            (evolve(here, draining=True), "ss1 finishes"),
            (evolve(here, draining=True, drained=True), "ss1 has finished"),
            (evolve(here, refuse=True), "--solo refuse"),
            (evolve(here, locks=(Held("bob", "Hi.", 4.0, 5.0),)), "bob has been editing 'Hi.'"),
        ):
            self.assertIn(piece, why_here(now))
