"""One healthy server: what people did to it elsewhere, and what was lost by it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from dfs.client.session import Session
from dfs.core.paths import MAX_PATH_BYTES
from dfs.errors import DFSError, Exists, Invalid, NotFound, TooLarge, Unauthorized, Unavailable
from tests.histories.case import HistoryCase

#: Every byte there is, and what looks like a line of the protocol.
BYTES = bytes(range(256)) + b"\r\nSTOP|0|\nERROR|INTERNAL|no\n\x00\x01\xff\r\r\n\n"


class ReadersTests(HistoryCase):
    """Reading beside everything else."""

    def test_readers_change_nothing(self) -> None:
        """H1: however often two people read, the owner, the grants and the text are intact."""
        self.get(self.alice.put("d.txt", b"One. Two."))
        self.get(self.alice.add_access("d.txt", "bob", "r"))
        before = self.get(self.alice.info("d.txt")).index

        async def read(session: Session) -> None:
            for _ in range(100):
                self.assertEqual(await session.read("d.txt"), b"One. Two.")

        self.together(read(self.alice), read(self.bob))
        self.cluster.advance(30.0)
        self.assertEqual(self.get(self.alice.info("d.txt")).index, before)
        self.restart()
        self.restart_nm()
        after = self.get(self.alice.info("d.txt")).index
        self.assertEqual((after.owner, after.grants), ("alice", ("r:bob",)))

    def test_grants_beside_readers(self) -> None:
        """H2: of 90 rights granted while others read, 90 are there, and work."""
        self.get(self.alice.put("d.txt", b"text"))
        names = [f"user{number}" for number in range(90)]
        people = [self.person(name) for name in names]
        over: list[bool] = []

        async def read() -> None:
            while not over:
                self.assertEqual(await self.alice.read("d.txt"), b"text")

        async def grant() -> None:
            for name in names:
                await self.alice.add_access("d.txt", name, "r")
            over.append(True)

        self.together(read(), read(), grant())
        grants = self.get(self.alice.info("d.txt")).index.grants
        self.assertEqual(sorted(grants), sorted(f"r:{name}" for name in names))
        for person in people:
            self.assertEqual(self.get(person.read("d.txt")), b"text")


class WritersTests(HistoryCase):
    """Editing, much and together."""

    def test_six_writers(self) -> None:
        """H3: six writers, a sentence each, thirty sessions: every word is there, no refusal."""
        self.get(self.alice.put("d.txt", b"S0. S1. S2. S3. S4. S5."))
        people = [self.person(f"writer{number}") for number in range(6)]
        for person in people:
            self.get(self.alice.add_access("d.txt", person.user, "w"))

        async def write(number: int) -> None:
            for turn in range(30):
                session = await people[number].write("d.txt", number)
                await session.edit(0, f"w{number}t{turn}")
                await session.commit()

        self.together(*(write(number) for number in range(6)))
        sentences = self.text("d.txt").decode().split(". ")
        for number, sentence in enumerate(sentences):
            expected = [f"w{number}t{turn}" for turn in reversed(range(30))] + [f"S{number}"]
            self.assertEqual(sentence.rstrip(".").split(" "), expected)

    def test_large_edit(self) -> None:
        """H5: an edit of 64 KiB in 10,000 words is stored whole; a larger one refused whole."""
        text = " ".join(["abcde"] * 10_000)
        text += "x" * (65_536 - len(text))
        self.get(self.alice.create("d.txt"))
        session = self.get(self.alice.write("d.txt", 0))
        self.assertEqual(self.get(session.edit(0, text)).words, 10_000)
        self.refused(session.edit(0, text + "x"), TooLarge)
        self.get(session.commit())
        self.assertEqual(self.text("d.txt"), text.encode())
        self.assertEqual(self.shown("d.txt").words, 10_000)

    def test_many_sentences(self) -> None:
        """H6: four sentences go into the midst of 5,000; a failed commit changes nothing."""
        text = " ".join(f"Sentence {number}." for number in range(5_000))
        self.get(self.alice.put("d.txt", text.encode()))
        self.cluster.advance(1.0)
        line, disk = self.shown("d.txt"), self.cluster.disks["ss1"]
        session = self.get(self.alice.write("d.txt", 2_500))
        self.get(session.edit(0, "A. B. C. D."))
        disk.capacity = 10
        self.refused(session.commit(), Unavailable)
        self.assertEqual(self.text("d.txt"), text.encode())
        self.assertEqual(self.shown("d.txt"), line)
        disk.capacity = None
        self.get(self.alice.read("d.txt"))
        try:
            self.get(session.commit())
        except DFSError:
            again = self.get(self.alice.write("d.txt", 2_500))
            self.get(again.edit(0, "A. B. C. D."))
            self.get(again.commit())
        expected = text.replace("Sentence 2500.", "A. B. C. D. Sentence 2500.")
        self.assertEqual(self.text("d.txt"), expected.encode())

    def test_outside_the_edit(self) -> None:
        """H13: an unterminated end, runs, 3.14 and e.g. survive an edit of another place."""
        text = "\ufeffWait...  what?!\tPi is 3.14, e.g.\r\n\r\nhere  and no end"
        firsts = ("\ufeffWait", "what", "Pi", "14,", "g", "here")
        for sentence, first in enumerate(firsts):
            path = f"{sentence}.txt"
            self.get(self.alice.put(path, text.encode()))
            session = self.get(self.alice.write(path, sentence))
            self.assertTrue(session.sentence.startswith(first), session.sentence)
            self.get(session.edit(0, "ADDED"))
            self.get(session.commit())
            at = text.index(first)
            joined = not text[:at] or text[at - 1].isspace()
            expected = text[:at] + ("" if joined else " ") + "ADDED " + text[at:]
            self.assertEqual(self.text(path), expected.encode())


class DiskTests(HistoryCase):
    """No room."""

    def test_full(self) -> None:
        """H4: with a full disk nobody is told OK for what is not kept; the old is all there."""
        self.get(self.alice.put("d.txt", b"old. "))
        self.get(self.alice.append("d.txt", "older."))
        disk = self.cluster.disks["ss1"]
        disk.capacity = 0

        async def write() -> None:
            session = await self.alice.write("d.txt", 0)
            await session.edit(0, "new")
            try:
                await session.commit()
            finally:
                await session.abort()

        changes: dict[str, Callable[[], Deferred[Any] | Coroutine[Any, Any, Any]]] = {
            "PUT": lambda: self.alice.put("d.txt", b"new" * 10_000),
            "PUT a new one": lambda: self.alice.put("new.txt", b"new"),
            "APPEND": lambda: self.alice.append("d.txt", "new"),
            "WRITE": write,
            "UNDO": lambda: self.alice.undo("d.txt"),
            "ADDACCESS": lambda: self.alice.add_access("d.txt", "bob", "w"),
            "CREATE": lambda: self.alice.create("empty.txt"),
        }
        done = set()
        for name, change in changes.items():
            try:
                self.get(change())
            except Unavailable:
                continue
            done.add(name)
        # What needs no room may be done; then it is kept, in full.
        self.assertLessEqual(done, {"UNDO", "ADDACCESS", "CREATE"})
        disk.capacity = None
        self.restart()
        self.restart_nm()
        self.assertEqual(self.text("d.txt"), b"old. " if "UNDO" in done else b"old. older.")
        line = self.get(self.alice.info("d.txt")).index
        self.assertEqual(line.owner, "alice")
        self.assertEqual(line.grants, ("w:bob",) if "ADDACCESS" in done else ())
        there = {line.path: (line.owner, line.size) for line in self.get(self.alice.view())}
        self.assertEqual("empty.txt" in there, "CREATE" in done)
        for path in set(there) - {"d.txt"}:
            self.assertEqual(there[path], ("alice", 0))

    def test_delete_and_read(self) -> None:
        """H4: reading and DELETE go on working when the disk is full."""
        self.get(self.alice.put("d.txt", b"old"))
        self.cluster.disks["ss1"].capacity = 0
        self.assertEqual(self.text("d.txt"), b"old")
        self.get(self.alice.delete("d.txt"))
        self.refused(self.alice.read("d.txt"), NotFound)


class ContentTests(HistoryCase):
    """Bytes, and what is shown of them."""

    def test_bytes(self) -> None:
        """H7: every byte passes PUT, READ, UNDO, STREAM and restarts as it was given."""
        for number, text in enumerate((BYTES, BYTES * 1_000)):
            path = f"{number}.bin"
            self.get(self.alice.put(path, text))
            self.get(self.alice.put(path, b"other"))
            self.get(self.alice.undo(path))
            self.assertEqual(self.text(path), text)
            self.assertEqual(self.shown(path).size, len(text))
        stream, pieces = self.alice.stream("0.bin", 0.01), []
        while piece := self.get(stream.read()):
            pieces.append(piece)
        self.assertEqual(b"".join(pieces), BYTES)
        self.restart()
        self.assertEqual([self.text("0.bin"), self.text("1.bin")], [BYTES, BYTES * 1_000])

    def test_control_characters_in_an_edit(self) -> None:
        """H7: NUL, 0x01, CR and LF go through WRITE and APPEND."""
        self.get(self.alice.create("d.txt"))
        session = self.get(self.alice.write("d.txt", 0))
        self.get(session.edit(0, "a\x00b \x01\r\nc|d%0A"))
        self.get(session.commit())
        self.get(self.alice.append("d.txt", b"\r\n\x00|\xff"))
        self.assertEqual(self.text("d.txt"), b"a\x00b \x01\r\nc|d%0A\r\n\x00|\xff")

    def test_shown_at_once(self) -> None:
        """H15: INFO and VIEW show size and words right after each change; times after restarts."""
        self.get(self.alice.create("d.txt"))
        self.assertEqual((self.shown("d.txt").size, self.shown("d.txt").words), (0, 0))
        self.cluster.advance(100.0)
        session = self.get(self.alice.write("d.txt", 0))
        self.get(session.edit(0, "Drei schöne Wörter."))
        self.get(session.commit())
        line, info = self.shown("d.txt"), self.get(self.alice.info("d.txt"))
        self.assertEqual((line.size, line.characters, line.words), (21, 19, 3))
        self.assertEqual((info.index.size, info.index.characters, info.index.words), (21, 19, 3))
        self.assertEqual(info.index.sentences, 1)
        assert info.facts is not None
        self.assertEqual((info.facts.size, info.facts.words), (21, 3))
        self.cluster.advance(100.0)
        self.get(self.alice.read("d.txt"))
        read_at = self.cluster.wall()
        self.cluster.advance(100.0)
        self.restart()
        self.restart_nm()
        # Who read last is known to the server that was asked: it has to be the active one again.
        self.cluster.advance(100.0)
        later = self.get(self.alice.info("d.txt"))
        self.assertEqual(
            (later.index.created, later.index.modified, later.index.modified_by),
            (info.index.created, info.index.modified, "alice"),
        )
        self.assertGreaterEqual(info.index.modified, info.index.created + 100)
        assert later.facts is not None
        self.assertEqual(later.facts.modified, info.index.modified)
        self.assertLess(abs(later.facts.accessed - read_at), 1.0)
        self.assertEqual(self.shown("d.txt").modified, line.modified)


class RightsTests(HistoryCase):
    """Names and rights."""

    def test_same_name_again(self) -> None:
        """H9: who makes a document under a deleted name sees nothing of the old one."""
        self.get(self.alice.put("d.txt", b"secret."))
        self.get(self.alice.append("d.txt", " more."))
        carol = self.person("carol")
        self.get(self.alice.add_access("d.txt", "carol", "w"))
        self.get(carol.read("d.txt"))
        self.get(self.alice.delete("d.txt"))
        self.refused(carol.read("d.txt"), NotFound)
        self.get(self.bob.create("d.txt"))
        self.assertEqual(self.get(self.bob.read("d.txt")), b"")
        self.assertEqual(self.refused(self.bob.undo("d.txt"), NotFound), "Nothing to undo")
        self.assertEqual(self.refused(self.bob.redo("d.txt"), NotFound), "Nothing to redo")
        info = self.get(self.bob.info("d.txt"))
        self.assertEqual((info.index.owner, info.index.grants), ("bob", ()))
        assert info.facts is not None
        self.assertEqual((info.facts.undo, info.facts.redo, info.facts.accessed_by), (0, 0, "bob"))
        for person in (self.alice, carol):
            self.refused(person.read("d.txt"), Unauthorized)
            self.refused(person.info("d.txt"), Unauthorized)
            self.refused(person.undo("d.txt"), Unauthorized)
        self.restart()
        self.restart_nm()
        self.assertEqual(self.get(self.bob.read("d.txt")), b"")
        self.refused(self.alice.read("d.txt"), Unauthorized)

    def test_ordinary_names(self) -> None:
        """H11: whoever is called like a part of the system is an ordinary user, or refused."""
        self.get(self.alice.put("d.txt", b"secret"))
        names = ("owner", "nm", "ss1", "ss1_backup", "R", "W", "CLIENT", "client", "ss", "all", "*")
        for name in (*names, "root", "admin", "o", "r:alice", "-", "alice ", "ALICE", "r", "w"):
            session = self.cluster.session(name)
            try:
                self.get(session.whoami())
            except Invalid:
                continue
            for deed in (
                session.read("d.txt"),
                session.info("d.txt"),
                session.put("d.txt", b"mine"),
                session.undo("d.txt"),
                session.delete("d.txt"),
                session.add_access("d.txt", name, "w"),
            ):
                self.refused(deed, Unauthorized)
            self.assertEqual(self.get(session.view()), [])
            self.get(session.put(f"of {name.strip('*')}.txt", b"own"))
            self.get(session.delete(f"of {name.strip('*')}.txt"))
        self.assertEqual(self.text("d.txt"), b"secret")

    def test_grants_that_cannot_be(self) -> None:
        """H12: a grant that cannot be carried out is an error, and grants nothing."""
        self.get(self.alice.put("d.txt", b"text"))
        for user, right, error in (
            ("bob", "X", Invalid),
            ("bob", "", Invalid),
            ("bob", "rw!", Invalid),
            ("nobody", "r", NotFound),
            ("", "r", DFSError),
            ("bo|b", "r", DFSError),
        ):
            self.refused(self.alice.add_access("d.txt", user, right), error)
        self.refused(self.alice.rem_access("d.txt", "nobody"), NotFound)
        self.refused(self.alice.add_access("none.txt", "bob", "r"), NotFound)
        self.assertEqual(self.get(self.alice.info("d.txt")).index.grants, ())
        self.refused(self.bob.read("d.txt"), Unauthorized)

    def test_many_grants(self) -> None:
        """H12: each grant either works or is refused, however many there are."""
        self.get(self.alice.put("d.txt", b"text"))
        granted = set()
        for number in range(300):
            person = self.person(f"user{number}")
            try:
                self.get(self.alice.add_access("d.txt", person.user, "r"))
            except TooLarge:
                self.refused(person.read("d.txt"), Unauthorized)
            else:
                granted.add(f"r:{person.user}")
                self.assertEqual(self.get(person.read("d.txt")), b"text")
            person.close()
        self.assertEqual(set(self.get(self.alice.info("d.txt")).index.grants), granted)

    def test_no_second_of_a_name(self) -> None:
        """H9: a name that is taken is refused, and the one that has it is left alone."""
        self.get(self.alice.put("d.txt", b"text"))
        self.refused(self.bob.create("d.txt"), Exists)
        self.refused(self.alice.create("/d.txt"), Exists)
        self.refused(self.alice.create("x" * (MAX_PATH_BYTES + 1)), Invalid)
        self.assertEqual(self.text("d.txt"), b"text")
