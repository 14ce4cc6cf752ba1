"""
A crash at each moment of something short: of a change, of the judging.

Decides at which moments.  What is acknowledged is there at the end, whatever the moment was.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from dfs.errors import DFSError, NotFound, Unauthorized
from dfs.nm.fleet import Promise
from dfs.nm.service import Settings
from tests.simulation.moments import MomentCase

#: Seconds after which a primary crashes: the way of a request is 0.1 ms, its disk takes 1 ms.
MOMENTS = [number * 0.0005 for number in range(14)]


class ChangeTests(MomentCase):
    """
    H24, H28: the primary crashes while something is changed, or at once after it.
    """

    def each_moment(
        self,
        change: Callable[[], Deferred[Any]],
        meanwhile: Callable[[bool], None],
        afterwards: Callable[[bool], None],
    ) -> None:
        """
        @param meanwhile: what has to hold while the backup serves; told whether it was OK.
        @param afterwards: what has to hold at the end.
        """
        acknowledged = []
        for moment in MOMENTS:
            with self.subTest(moment=moment):
                results: list[object] = []
                change().addCallbacks(results.append, lambda _: None)
                self.cluster.advance(moment)
                self.cluster.crash("ss1")
                done = bool(results)
                acknowledged.append(done)
                self.until("FAILED_OVER")
                meanwhile(done)
                self.cluster.start("ss1")
                self.settle()
                afterwards(done or bool(results))
                self.end()
                self.begin()
        self.assertEqual(set(acknowledged), {True, False}, "all moments are alike")
        self.cluster.close()

    def text_or_behind(self, text: str, done: bool) -> None:
        """The backup has what was acknowledged, or it is said that it has not."""
        if done and self.read("a.txt") != text:
            self.told_behind()

    def told_behind(self) -> None:
        """Nobody can know what only the lost server knew; but what was noted is named."""
        info = self.get(self.alice.info("a.txt")).index
        self.assertTrue(info.behind, "an acknowledged change is missing, and nobody says so")

    def text_at_last(self, text: str, done: bool) -> None:
        """What was acknowledged is the text."""
        if done:
            self.assertEqual(self.read("a.txt"), text)
        else:
            self.assertIn(self.read("a.txt"), (text, "Two."))
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [])

    def test_append(self) -> None:
        """H24: an acknowledged APPEND is there, or named as behind and there at the end."""
        self.each_moment(
            lambda: self.alice.append("a.txt", " Three."),
            partial(self.text_or_behind, "Two. Three."),
            partial(self.text_at_last, "Two. Three."),
        )

    def test_undo(self) -> None:
        """H28: what was undone before a failover stays so."""
        self.each_moment(
            lambda: self.alice.undo("a.txt"),
            partial(self.text_or_behind, "One."),
            partial(self.text_at_last, "One."),
        )

    def test_revert(self) -> None:
        """H28: what was reverted before a failover stays so."""
        self.each_moment(
            lambda: self.alice.checkpoints.revert("a.txt", "one"),
            partial(self.text_or_behind, "One."),
            partial(self.text_at_last, "One."),
        )

    def tags(self) -> list[str]:
        """The checkpoints of a.txt."""
        return [line.tag for line in self.get(self.alice.checkpoints.lines("a.txt"))]

    def each_tag(self, change: Callable[[], Deferred[Any]], tags: list[str]) -> None:
        """
        Crash at each moment of a change of checkpoints.

        @param tags: what is there when it was made.
        """

        def meanwhile(done: bool) -> None:
            if done and self.tags() != tags:
                self.told_behind()

        def afterwards(done: bool) -> None:
            self.assertIn(self.tags(), [tags] if done else [tags, ["one"]])
            info = self.get(self.alice.info("a.txt")).index
            self.assertEqual((info.checkpoints, info.conflicts), (len(self.tags()), 0))

        self.each_moment(change, meanwhile, afterwards)

    def test_checkpoint(self) -> None:
        """H28: an acknowledged checkpoint is there, or named as behind and there at the end."""
        self.each_tag(lambda: self.alice.checkpoints.make("a.txt", "two"), ["one", "two"])

    def test_checkpoint_deleted(self) -> None:
        """H28: so is one that was deleted gone."""
        self.each_tag(lambda: self.alice.checkpoints.delete("a.txt", "one"), [])

    def test_put(self) -> None:
        """H24: an acknowledged PUT of a large text likewise."""
        large = "Large. " * 30_000
        self.each_moment(
            lambda: self.alice.put("a.txt", large.encode()),
            partial(self.text_or_behind, large),
            partial(self.text_at_last, large),
        )

    def test_revoke(self) -> None:
        """H28, F44: a right whose end was acknowledged is never there again, at once or later."""

        def revoked(done: bool) -> None:
            if done:
                self.refused(self.bob.read("a.txt"), Unauthorized)
                self.refused(self.bob.append("a.txt", " Bob."), Unauthorized)
            self.assertEqual(self.read("a.txt"), "Two.")

        self.each_moment(lambda: self.alice.rem_access("a.txt", "bob"), revoked, revoked)

    def test_delete(self) -> None:
        """H29: what was deleted before a failover is never seen again."""

        def gone(done: bool) -> None:
            if done:
                self.refused(self.alice.read("a.txt"), NotFound)
                self.assertEqual(self.paths(), [])

        def gone_for_ever(done: bool) -> None:
            gone(done)
            if done:
                self.assertIsNone(self.on("ss1", "a.txt"))
                self.assertIsNone(self.on("ss1_backup", "a.txt"))

        self.each_moment(lambda: self.alice.delete("a.txt"), gone, gone_for_ever)

    def test_create(self) -> None:
        """H33: what was created before a failover is there, empty, and can be written."""

        def there(done: bool) -> None:
            if done:
                self.assertIn("new.txt", self.paths())

        def writable(done: bool) -> None:
            there(done)
            if done:
                self.get(self.alice.append("new.txt", "Text."))
                self.assertEqual(self.read("new.txt"), "Text.")

        self.each_moment(lambda: self.alice.create("new.txt"), there, writable)


class ReplicaTests(MomentCase):
    """
    F1, F6, F13 with C{--ack replica}: OK means that both have it, or says that only one has.
    """

    nm_settings = Settings(handback_after=5.0, promise=Promise(replica=True))

    def each_moment(self, *victims: str) -> None:
        """
        Somebody dies while a word is appended.  If that is acknowledged all the same, the primary
        dies, too, at once; and only its backup comes back.
        """
        outcomes = set()
        for number in range(20):
            for victim in victims:
                with self.subTest(victim=victim, moment=number * 0.0005):
                    outcomes.add(self.outcome(victim, number * 0.0005))
                    self.end()
                    self.begin()
        self.cluster.close()
        self.assertIn("on both", outcomes)

    def outcome(self, victim: str, moment: float) -> str:
        """What became of the word."""
        appending = self.alice.append("a.txt", " Three.")
        self.cluster.advance(moment)
        self.tell_end(victim)
        try:
            solo = self.get(appending).solo
        except DFSError:
            self.revive()
            return "refused, or in doubt"
        if "ss1" in self.cluster.servers:
            self.cluster.crash("ss1")
        if self.cluster.nm is None:
            self.cluster.start_nm()
        if "ss1_backup" not in self.cluster.servers:
            self.cluster.start("ss1_backup")
        self.cluster.advance(40.0)
        if not solo:
            self.assertEqual(self.state(), "FAILED_OVER")
        if self.state() != "DOWN":
            self.assertEqual(self.read("a.txt"), "Two. Three.")
        self.cluster.start("ss1")
        self.settle()
        self.assertEqual(self.read("a.txt"), "Two. Three.")
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [])
        return "on one" if solo else "on both"

    def tell_end(self, victim: str) -> None:
        """It dies; a name server is started again before anybody can miss it."""
        if victim == "nm":
            self.cluster.crash_nm()
            self.cluster.advance(1.0)
            self.cluster.start_nm()
        else:
            self.cluster.crash(victim)

    def test_backup_dies(self) -> None:
        """F6: a backup that dies is written down as out before OK says that it is."""
        self.each_moment("ss1_backup")

    def test_primary_dies(self) -> None:
        """F1: what was acknowledged by a primary that dies then is what its backup serves."""
        self.each_moment("ss1")

    def test_name_server_dies(self) -> None:
        """F13: likewise if the name server dies with it."""
        self.each_moment("nm")


class JudgingTests(MomentCase):
    """
    H24, F18: somebody crashes while the changes of a returned primary are judged and it catches up.
    """

    def judged(self, victim: str, moment: float) -> None:
        """One orphan is adopted, one becomes a conflict, one is in the way of a deletion."""
        for path in ("b.txt", "c.txt"):
            self.put(path, "Two.")
        self.settle()
        self.cluster.part("ss1")
        for path in ("a.txt", "b.txt", "c.txt"):
            self.get(self.alice.append(path, " Unheard."))
        self.cluster.crash("ss1")
        self.cluster.join("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.append("b.txt", " Edited."))
        self.get(self.alice.delete("c.txt"))
        self.cluster.start("ss1")
        self.cluster.advance(moment)
        if victim == "nm":
            self.cluster.crash_nm()
        else:
            self.cluster.crash(victim)
        self.cluster.advance(1.5)
        self.revive()
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "Two. Unheard.")
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [])
        self.assertEqual(self.read("b.txt"), "Two. Edited.")
        self.assertEqual(self.conflicts_on("ss1", "b.txt"), [b"Two. Unheard."])
        [beside] = [path for path in self.paths() if path.startswith("c.txt")]
        self.assertTrue(beside.startswith("c.txt.conflict-ss1-"), beside)
        self.assertEqual(self.read(beside), "Two. Unheard.")

    def each_moment(self, victim: str) -> None:
        """From the first word of the returned one to the end of it."""
        for number in range(20):
            with self.subTest(moment=number * 0.001):
                self.judged(victim, number * 0.001)
                self.cluster.close()
                self.begin()
        self.cluster.close()

    def test_returned_one_dies(self) -> None:
        """F18: if the returned one dies again, everything is judged once."""
        self.each_moment("ss1")

    def test_active_one_dies(self) -> None:
        """F17: if the active one dies, everything is judged once."""
        self.each_moment("ss1_backup")

    def test_name_server_dies(self) -> None:
        """Judging that is interrupted is repeated with the same outcome."""
        self.each_moment("nm")
