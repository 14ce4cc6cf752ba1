"""
A handback: what readers see of it, and a crash at each of its moments.
"""

from __future__ import annotations

import contextlib

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from dfs.errors import DFSError
from dfs.ss.draining import Stage
from tests.simulation.moments import MomentCase


class HandbackTests(MomentCase):
    """
    F19: somebody crashes at some moment of a handback, with a writer at work.
    """

    fsync = 0.01

    def handed_back(self, victim: str, moment: float) -> str:
        """
        Crash somebody so many seconds after a handback has begun.

        @return: the state in which that was.
        """
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.cluster.start("ss1")
        self.until("REVERSED")
        self.cluster.advance(4.6)
        kept: list[str] = []
        writing = self.write(kept)
        while self.state() == "REVERSED":
            self.cluster.advance(0.0005)
        self.cluster.advance(moment)
        state = self.state()
        self.assertTrue(kept, "nobody wrote")
        if victim == "nm":
            self.cluster.crash_nm()
        else:
            self.cluster.crash(victim)
        self.cluster.advance(2.5)
        self.revive()
        self.get(writing)
        self.settle()
        self.whole()
        found = [self.read("a.txt"), *map(bytes.decode, self.conflicts_on("ss1", "a.txt"))]
        self.assertEqual([one for one in kept if not any(one in text for text in found)], [])
        return state

    def write(self, kept: list[str]) -> Deferred[None]:
        """Somebody appends one word after the other, and keeps those that were acknowledged."""

        async def write() -> None:
            for number in range(150):
                word = f"<{number}>"
                with contextlib.suppress(DFSError):
                    await self.alice.append("a.txt", word)
                    kept.append(word)
                await deferLater(self.cluster.clock, 0.01)

        return Deferred.fromCoroutine(write())

    def each_moment(self, victim: str) -> None:
        """From the first order to the end."""
        states = set()
        for number in range(12):
            moment = number * 0.003
            with self.subTest(moment=moment):
                states.add(self.handed_back(victim, moment))
                self.cluster.close()
                self.begin()
        self.assertEqual(states, {"HANDBACK", "PROTECTED"})
        self.cluster.close()

    def test_drained_and_cut_off(self) -> None:
        """Who has handed over, and does not hear of it, shows nobody an old text."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.cluster.start("ss1")
        self.until("REVERSED")
        carol = self.person("carol")
        self.get(self.alice.add_access("a.txt", "carol", "w"))
        self.get(carol.read("a.txt"))  # she knows where it is
        serving = self.cluster.servers["ss1_backup"].serving
        while serving.draining.stage is not Stage.DRAINED:
            self.cluster.advance(0.0005)
        self.cluster.part("ss1_backup")
        self.until("PROTECTED")
        self.assertTrue(serving.serves, "its lease is over; nothing is shown by this")
        self.get(self.bob.append("a.txt", " By bob."))
        self.assertEqual(self.get(carol.read("a.txt")), b"Two. By bob.")
        began = self.cluster.clock.seconds()
        self.get(carol.append("a.txt", " By carol."))
        self.assertLess(self.cluster.clock.seconds() - began, 1.0)
        self.cluster.join("ss1_backup")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "Two. By bob. By carol.")
        self.cluster.close()

    def test_home_dies(self) -> None:
        """F19: the one that would serve again dies."""
        self.each_moment("ss1")

    def test_backup_dies(self) -> None:
        """F19: the one that serves dies."""
        self.each_moment("ss1_backup")

    def test_name_server_dies(self) -> None:
        """F19: the name server dies."""
        self.each_moment("nm")
