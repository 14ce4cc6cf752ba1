"""
People with a cluster in memory.

Decides who is there and how a test reads, replaces and edits documents in one line each.  Must not
know what any test is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from dfs.client.session import Session
from dfs.errors import DFSError
from dfs.sim.cluster import Cluster
from dfs.ss.service import Settings
from tests.client.desk import Desk

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


class DeskCase(PeopleCase):
    """The same people, who type commands."""

    def setUp(self) -> None:
        super().setUp()
        people = (self.alice, self.bob, self.carol)
        self.desks = {one.user: Desk(one, self.run_) for one in people}

    def desk(self, name: str) -> Desk:
        """Somebody else's."""
        return Desk(self.person(name), self.run_)

    def types(self, user: str, line: str, *more: str, input: bytes = b"") -> str:
        """
        Type a command that ends well.

        @return: what it printed.
        """
        desk = self.desks[user]
        said = desk.type(line, *more, input=input)
        self.assertEqual((desk.status, desk.complaints), (0, ""), line)
        return said

    def table(self, user: str, rows: Iterable[tuple[str, str]]) -> None:
        """Type commands; each prints exactly this."""
        for line, says in rows:
            self.assertEqual(self.types(user, line), says, line)

    def refuses(self, user: str, line: str, code: str, says: str = "", status: int = 1) -> str:
        """
        Type a command that is refused in one line, with this code.

        @return: that line.
        """
        desk = self.desks[user]
        desk.type(line)
        complaint = desk.complaints
        self.assertTrue(complaint.startswith(f"ERROR [{code}]: "), f"{line}: {complaint!r}")
        self.assertEqual(desk.status, status, line)
        self.assertIn(says, complaint)
        self.assertNotIn("Traceback", complaint)
        return complaint

    def record(self, user: str, line: str) -> dict[str, Any]:
        """Type a command with --json that writes one object."""
        [record] = self.records(user, line)
        return record

    def records(self, user: str, line: str) -> list[dict[str, Any]]:
        """Type a command with --json."""
        verb, _, rest = line.partition(" ")
        return [json.loads(one) for one in self.types(user, f"{verb} --json {rest}").splitlines()]

    def listed(self, user: str = "alice", line: str = "VIEWFOLDER -aR") -> list[str]:
        """The lines that a command prints; none if it says that there are none."""
        return [one for one in self.types(user, line).splitlines() if one != "No files found."]

    def restart(self) -> None:
        """Every server stops and starts again."""
        names = sorted(self.cluster.servers)
        for name in names:
            self.cluster.stop(name)
        self.cluster.stop_nm()
        self.cluster.start_nm()
        for name in names:
            self.cluster.start(name)
        self.cluster.advance(20.0)
