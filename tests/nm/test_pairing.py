"""
Pairs on their way through their states, with everything that can go wrong in between.
"""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.core.pairs import PairState
from dfs.core.versions import Version
from dfs.nm.entries import Place
from dfs.nm.journal import PutDocument, PutPair
from dfs.nm.kept import Copy
from dfs.nm.service import Settings
from dfs.nm.surveys import SLICE
from dfs.wire.messages import GetInfo, Locate, Renote
from tests.nm.documents import PAIR, document
from tests.nm.members import EQUAL, MembersRig
from tests.nm.pairs import Held, key


class LeaseTests(MembersRig):
    """
    Who may serve.
    """

    def test_one_at_a_time(self) -> None:
        """Only the active member may serve, and it is told so again and again."""
        self.protected()
        self.live(30)
        self.assertEqual(self.serves(), "ss1")
        self.assertEqual((self.ss1.asked().serve, self.backup.asked().serve), (True, False))
        self.assertEqual(self.ss1.asked().epoch, 1)

    def test_not_while_moving(self) -> None:
        """While the journal is about to say that another one serves, nobody may."""
        self.protected()
        self.holding = True
        self.ss1.goodbye()
        self.wait(1)
        self.ss1.back(epoch=1)
        self.assertFalse(self.ss1.asked().serve)
        self.assertFalse(self.backup.asked().serve)
        self.release()
        self.wait(1)
        self.assertEqual(self.serves(), "ss1_backup")
        self.assertEqual(self.ss1.asked().epoch, 2)

    def test_not_while_down(self) -> None:
        """Whoever served last and comes back serves when the journal says so, not before."""
        self.protected()
        self.backup.goodbye()
        self.wait(1)
        self.ss1.goodbye()
        self.wait(1)
        self.assertEqual(self.state(), "DOWN")
        self.disk.trouble = "disk full"
        self.ss1.back(epoch=1)
        self.live(2, self.ss1)
        self.assertEqual((self.state(), self.ss1.asked().serve), ("DOWN", False))
        self.disk.trouble = ""
        self.live(2, self.ss1)
        self.assertEqual((self.state(), self.ss1.asked().serve), ("DEGRADED", True))
        self.defects()

    def test_not_while_joining(self) -> None:
        """A member that lacks metadata serves when it has it."""
        self.protected()
        waiting = self.stuck()
        self.backup.script = lambda order: waiting
        self.nm.index.describe(self.entry(), self.entry().access, 8)
        self.ss1.goodbye()
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", ""))
        waiting.callback(None)
        self.wait(1)
        self.assertEqual(self.serves(), "ss1_backup")


class FailoverTests(MembersRig):
    """
    The active member is lost.
    """

    def test_promoted_and_lost(self) -> None:
        """A member that is lost while the journal makes it active does not come back by that."""
        self.protected()
        self.holding = True
        self.ss1.goodbye()
        self.wait(0.5)
        self.backup.goodbye()
        self.release()
        self.wait(1)
        self.assertEqual(self.states(), {"ss1": "FAILED", "ss1_backup": "FAILED"})
        self.assertEqual(self.state(), "DOWN")
        self.ss1.back(epoch=1)
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))
        self.defects()

    def test_failing_journal(self) -> None:
        """Nobody serves before the journal has it; it is tried again until it has."""
        self.protected()
        self.disk.trouble = "disk full"
        self.ss1.goodbye()
        self.live(5, self.backup)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", ""))
        self.disk.trouble = ""
        self.live(2, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))
        self.defects()

    def test_told_until_heard(self) -> None:
        """Both members are told, again and again until they have asked."""
        self.protected()
        self.backup.deaf = True
        self.ss1.goodbye()
        self.wait(4)
        self.assertGreater(len(self.backup.promotes), 3)
        self.assertEqual({epoch for _, epoch in self.backup.promotes}, {2})
        self.backup.ask_to_serve()
        self.wait(1)
        told = len(self.backup.promotes)
        self.assertEqual(self.serves(), "ss1_backup")
        self.wait(4)
        self.assertEqual(len(self.backup.promotes), told)

    def test_behind(self) -> None:
        """What the new member lacks is logged, shown, and its own note is asked for."""
        self.protected()
        self.backup.shelf.gate = Held(object)
        self.write(self.ss1, "5.0", size=55)
        self.ss1.goodbye()
        self.wait(0.5)
        [told] = self.logged("failover_complete")
        self.assertEqual((told["behind"], told["documents"]), (1, ["1.txt"]))
        alice = self.person("alice")
        info = self.ask(alice, GetInfo("1.txt"))
        self.assertTrue(info.behind)
        self.assertTrue(self.ask(alice, Locate("1.txt", "r")).behind)
        self.assertFalse(self.ask(alice, Locate("2.txt", "r")).behind)
        self.assertEqual(self.backup.shelf.called(Renote), [Renote(key(1), 2)])
        self.backup.note(key(1), "4.0", metadata_number=7, size=44)
        info = self.ask(alice, GetInfo("1.txt"))
        self.assertEqual((info.size, info.version, info.behind), (44, "4.0", True))

    def test_renoted_until_heard(self) -> None:
        """A note that was asked for in vain is asked for again, by the next name server, too."""
        self.protected()
        self.backup.shelf.gate = Held(object)
        self.write(self.ss1, "5.0")
        self.ss1.goodbye()
        self.wait(0.5)
        self.assertEqual(len(self.backup.shelf.called(Renote)), 1)
        self.backup.part()
        self.backup.shelf.gate = lambda request: None
        self.backup.back(epoch=2)
        self.wait(2)
        asked = len(self.backup.shelf.called(Renote))
        self.assertGreater(asked, 1)
        self.restart()
        self.backup.back(epoch=2)
        self.wait(2)
        self.assertGreater(len(self.backup.shelf.called(Renote)), asked)
        self.write(self.backup, "5.0")
        self.wait(1)
        asked = len(self.backup.shelf.called(Renote))
        self.live(5)
        self.assertEqual(len(self.backup.shelf.called(Renote)), asked)
        self.defects()

    def test_only_the_peer_was_heard(self) -> None:
        """Seed 1012: a version that only the new active member told of is shown, too."""
        self.protected()
        self.restart()
        self.backup.back(epoch=1)
        self.write(self.backup, "9.0")
        for _ in range(20):
            self.backup.asked()
            self.wait(1)
        self.assertEqual((self.state(), self.entry().version), ("FAILED_OVER", Version(9, 0)))
        self.assertTrue(self.backup.shelf.called(Renote))
        self.defects()


class DownTests(MembersRig):
    """
    Nobody serves.
    """

    def down(self, first: str, *, dirty: bool = False) -> None:
        """Both members are lost, this one first."""
        self.protected()
        if dirty:
            self.backup.shelf.gate = Held(object)
            self.write(self.ss1, "5.0")
        one, other = self.ss1, self.backup
        if first == "ss1_backup":
            one, other = other, one
        one.goodbye()
        self.live(1, other)
        other.goodbye()
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("DOWN", ""))

    def test_last_returns(self) -> None:
        """Who served last serves when it is back, the other one there or not."""
        self.down("ss1", dirty=True)
        self.assertEqual(self.place.pair.active, "ss1_backup")
        self.backup.back(epoch=2)
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_home_was_last(self) -> None:
        """The home primary served last, alone."""
        self.down("ss1_backup", dirty=True)
        self.ss1.back(epoch=1)
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))

    def test_other_returns(self) -> None:
        """The other one serves if nothing is known that it lacks."""
        self.down("ss1")
        self.ss1.back(epoch=1)
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))
        self.assertEqual(self.place.pair.epoch, 3)

    def test_other_has_more(self) -> None:
        """What only the other one has is no reason for it to wait."""
        self.down("ss1", dirty=True)
        self.ss1.back(epoch=1)
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))

    def test_other_lacks(self) -> None:
        """If it lacks something it waits for the one that has it."""
        self.down("ss1_backup", dirty=True)
        self.backup.shelf.gate = lambda request: None
        self.backup.back(epoch=1)
        self.live(20)
        self.assertEqual((self.state(), self.serves()), ("DOWN", ""))
        self.ss1.back(epoch=1)
        self.live(2)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))

    def test_after_a_restart(self) -> None:
        """A new name server gives the one that served last 15 s before the other one serves."""
        self.down("ss1")
        self.restart()
        self.ss1.back(epoch=1)
        self.live(14)
        self.assertEqual((self.state(), self.serves()), ("DOWN", ""))
        self.live(3)
        self.assertEqual((self.state(), self.serves()), ("DEGRADED", "ss1"))


class RestartTests(MembersRig):
    """
    The name server dies and comes back, in any state of the pair.
    """

    def begun(self, state: PairState, active: str, ends: str, *, synced: bool = True) -> None:
        """Both members come back; this becomes of the pair."""
        self.settings = Settings(handback_after=None)
        epoch = 1 if active == "ss1" else 2
        self.given(state, active, synced=synced, epoch=epoch)
        members = {"ss1": self.ss1, "ss1_backup": self.backup}
        members[active].back(epoch=epoch)
        self.wait(1)
        self.assertEqual(self.serves(), active)
        for member in members.values():
            if member.name != active:
                member.back(epoch=1)
        self.live(3)
        self.assertEqual((self.state(), self.serves()), (ends, active))
        self.assertEqual(self.place.pair.epoch, epoch)
        self.defects()

    def test_every_state(self) -> None:
        """It continues where the journal stands, in the same epoch."""
        s = PairState
        for state, active, ends, synced in (
            (s.SOLO, "ss1", "PROTECTED", False),
            (s.SYNCING, "ss1", "PROTECTED", False),
            (s.PROTECTED, "ss1", "PROTECTED", True),
            (s.DEGRADED, "ss1", "PROTECTED", True),
            (s.FAILED_OVER, "ss1_backup", "REVERSED", True),
            (s.RECONCILING, "ss1_backup", "REVERSED", True),
            (s.REVERSED, "ss1_backup", "REVERSED", True),
            (s.HANDBACK, "ss1_backup", "REVERSED", True),
            (s.DOWN, "ss1", "PROTECTED", True),
            (s.DOWN, "ss1_backup", "REVERSED", True),
        ):
            self.begun(state, active, ends, synced=synced)

    def test_nobody_comes(self) -> None:
        """Nobody is failed for 15 s, then both are."""
        self.given(PairState.PROTECTED)
        self.wait(14)
        self.assertEqual(self.state(), "PROTECTED")
        self.wait(3)
        self.assertEqual(self.state(), "DOWN")

    def test_only_the_peer_comes(self) -> None:
        """It serves when the other one had its 15 s."""
        self.given(PairState.PROTECTED)
        self.backup.back(epoch=1)
        self.live(13, self.backup)
        self.assertEqual(self.serves(), "")
        self.live(5, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_backup_founds_the_pair(self) -> None:
        """A backup that comes first serves nobody; the home primary does when it comes."""
        self.backup.back()
        self.live(20, self.backup)
        self.assertEqual((self.state(), self.serves()), ("DOWN", ""))
        self.ss1.back()
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))


class SurveyTests(MembersRig):
    """
    What of very many documents is dirty, behind or owed.
    """

    count = 3 * SLICE

    def surveyed(self, place: Place) -> tuple[set[int], set[int], set[int]]:
        """What the index says, by id."""
        lists = (place.dirty, place.behind, place.owed)
        dirty, behind, owed = ({entry.id for entry in one} for one in lists)
        return dirty, behind, owed

    def test_others_have_their_turn(self) -> None:
        """While many documents change their place nobody serves, and nobody waits for it."""
        self.given(PairState.PROTECTED, peer=evolve(EQUAL, a=3, number=6))
        self.backup.shelf.gate = self.ss1.shelf.gate = Held(object)
        self.ss1.back(epoch=1)
        self.backup.back(epoch=1)
        every = set(range(1, self.count + 1))
        self.assertEqual(self.surveyed(self.place), (every, set(), set()))
        self.backup.script = lambda order: Deferred()
        seen: list[int] = []

        def look() -> None:
            if self.place.moving:
                self.assertFalse(self.nm.fleet.beaten(self.nm.fleet.servers["ss1_backup"]).serve)
                seen.append(len(self.place.behind))
                self.clock.callLater(0, look)

        self.promoting()
        look()
        self.wait(0.1)
        self.assertEqual(seen, [SLICE, 2 * SLICE, 3 * SLICE])
        self.assertEqual(self.surveyed(self.place), (set(), every, every))

    def promoting(self) -> None:
        """The journal says that the backup serves, and the first slice is looked at."""
        self.holding = True
        self.ss1.goodbye()
        self.wait(0.1)
        self.holding = False
        for done in self.held:
            done()
        self.held.clear()
        self.assertTrue(self.place.moving)

    def test_deleted_meanwhile(self) -> None:
        """A document that is deleted while it is looked at is not copied for ever."""
        self.protected()
        entry = self.entry()
        self.nm.index.remove(entry)
        self.nm.index.learn(entry, Version(9, 0), 9, home=True)
        self.assertEqual(self.surveyed(self.place), (set(), set(), set()))

    def test_solo(self) -> None:
        """What a peer lacks that may never lead is not remembered, and found out when it comes."""
        self.given(PairState.SYNCING, synced=False)
        self.backup.shelf.gate = Held(object)
        self.ss1.back(epoch=1)
        self.backup.back(epoch=1)
        every = set(range(1, self.count + 1))
        self.assertEqual(self.surveyed(self.place)[0], every)
        self.backup.goodbye()
        self.wait(0.5)
        self.assertEqual((self.state(), self.surveyed(self.place)[0]), ("SOLO", set()))
        self.write(self.ss1, "5.0")
        self.assertEqual(self.surveyed(self.place)[0], set())
        self.backup.back(epoch=1)
        self.assertEqual((self.state(), self.surveyed(self.place)[0]), ("SYNCING", every))

    def test_stopped_meanwhile(self) -> None:
        """A name server that stops in the middle leaves nothing that ticks."""
        self.given(PairState.PROTECTED, peer=evolve(EQUAL, a=3, number=6))
        self.backup.shelf.gate = Held(object)
        self.ss1.back(epoch=1)
        self.backup.back(epoch=1)
        self.promoting()
        self.restart()
        self.assertEqual(self.state(), "FAILED_OVER")
        self.defects()


class AnyOrderTests(MembersRig):
    """
    Which documents have to be looked at when another member becomes active.
    """

    def test_the_rest_is_the_same(self) -> None:
        """Of what is neither dirty, behind nor owed both members have the same."""
        self.stop()
        self.disk.apply(PutPair(evolve(PAIR, state=PairState.PROTECTED, synced=True)))
        copies = [Copy(a, b, n) for a in (0, 4, 5) for b in (0, 1) for n in (0, 6, 7)]
        number = 0
        for home in copies:
            for backup in copies:
                number += 1
                stored = evolve(document(number, f"{number}.txt"), home=home, backup=backup)
                self.disk.apply(PutDocument(stored))
        self.start()
        place, index = self.place, self.nm.index
        looked_at = {*place.dirty, *place.behind, *place.owed}
        for active in ("ss1_backup", "ss1"):
            rest = [entry for entry in index.entries() if entry not in looked_at]
            self.assertNotEqual(rest, [])
            place.pair = evolve(place.pair, active=active)
            for entry in rest:
                index.assess(entry)
                lists = (place.dirty, place.behind, place.owed)
                self.assertFalse(any(entry in one for one in lists), entry.stored())
            for entry in looked_at:
                index.assess(entry)
            looked_at = {*place.dirty, *place.behind, *place.owed}
