"""
People with a cluster in memory.

Decides who is there and how a test reads, replaces and edits documents in one line each.  Must not
know what any test is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from dfs.client.session import Session
from dfs.errors import DFSError
from dfs.sim.cluster import Cluster
from dfs.ss.service import Settings

#: A line of a WRITE session: the index of a word and the text that goes before it.
Line = tuple[int, str]


class PeopleCase(SynchronousTestCase):
    """
    Alice, bob and carol, who have logged in; alice owns what a test makes.

    @cvar settings: what the operator of the storage servers chose.
    @cvar names: of the storage servers.
    """

    settings: ClassVar[Settings] = Settings()
    names: ClassVar[tuple[str, ...]] = ("ss1",)

    def setUp(self) -> None:
        self.cluster = Cluster(*self.names, settings=self.settings)
        self.addCleanup(self.cluster.close)
        self.run_, self.refused = self.cluster.run, self.cluster.refused
        self.alice, self.bob, self.carol = map(self.person, ("alice", "bob", "carol"))

    def person(self, name: str) -> Session:
        """Somebody, whom the cluster knows from now on."""
        session = self.cluster.session(name)
        self.run_(session.whoami())
        return session

    def put(self, path: str, content: bytes) -> None:
        """Give a document of alice this content."""
        self.run_(self.alice.put(path, content))

    def shared(self, path: str, content: bytes, *readers: str, writers: Iterable[str] = ()) -> None:
        """A document of alice that others may read, or write."""
        self.put(path, content)
        for user in readers:
            self.run_(self.alice.add_access(path, user, "r"))
        for user in writers:
            self.run_(self.alice.add_access(path, user, "w"))

    def read(self, path: str, session: Session | None = None) -> bytes:
        """What a document says now."""
        return self.run_((session or self.alice).read(path))

    def write(
        self, path: str, sentence: int, *lines: Line, session: Session | None = None
    ) -> list[str]:
        """
        A whole session.

        @return: how the sentence read after each line.
        """
        writing = self.run_((session or self.alice).write(path, sentence))
        seen = [self.run_(writing.edit(word, text)).sentence for word, text in lines]
        self.run_(writing.commit())
        return seen

    def words(self, path: str, session: Session | None = None, delay: float = 0.1) -> list[bytes]:
        """What STREAM shows, piece by piece."""
        words = (session or self.alice).stream(path, delay)
        pieces = []
        while piece := self.run_(words.read()):
            pieces.append(piece)
        return pieces

    def code(self, awaitable: object) -> str:
        """C{OK}, or the code of the refusal."""
        try:
            self.run_(awaitable)  # type: ignore[arg-type]
        except DFSError as error:
            self.assertTrue(str(error), "a refusal says what was refused")
            return error.code
        return "OK"
