"""Promises to those who edit sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from dfs.core.access import Right
from dfs.errors import (
    Busy,
    Internal,
    Invalid,
    Locked,
    Moved,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from dfs.ss.service import Settings
from dfs.ss.sessions import PER_CONNECTION, PER_DOCUMENT
from dfs.wire.client import Connection
from dfs.wire.messages import (
    Abort,
    Append,
    Edit,
    Etirw,
    Goodbye,
    Opened,
    Put,
    Stat,
    Undo,
    Write,
)
from tests.ss.world import DOCUMENT, NAME_SERVER, SlowTests, World, WorldTests, metadata


class SessionTests(WorldTests):
    """WRITE, EDIT, ETIRW, ABORT."""

    def open(self, sentence: int, by: Connection | None = None) -> Opened:
        """Open a session."""
        return self.world.result((by or self.alice).ask(Write(self.world.ticket(), sentence)))

    def test_mouse(self) -> None:
        """The example of the specification, step by step."""
        self.put(b"I dont like T-T PNS")
        opened = self.open(0)
        self.assertEqual((opened.words, opened.sentence), (5, "I dont like T-T PNS"))
        edited = self.ask(Edit(5, "and AAD. aaaah"))
        self.assertEqual(edited.sentence, "I dont like T-T PNS and AAD.")
        self.assertEqual(edited.words, 7)
        self.assertEqual(self.refused(Invalid, Edit(8, "x")), "Word index out of range: 0 to 7")
        self.assertEqual(self.text(), b"I dont like T-T PNS")
        done = self.ask(Etirw())
        self.assertEqual(self.text(), b"I dont like T-T PNS and AAD. aaaah")
        self.assertEqual((done.version, done.words), ("2.0", 8))

    def test_bytes_around(self) -> None:
        """H13: every byte outside of the edit stays as it was."""
        text = "a.\t\r\n  b  3.14 e.g. wait...  c\u00a0d!? \n\n tail ".encode()
        self.put(text)
        self.open(1)
        self.ask(Edit(1, "X"))
        self.ask(Etirw())
        self.assertEqual(self.text(), text.replace(b"b  3", b"b  X 3"))

    def test_new_sentence(self) -> None:
        """A sentence can be added where the last one has ended, and nowhere else."""
        self.open(0)
        self.ask(Edit(0, "First."))
        self.ask(Etirw())
        self.open(1)
        self.ask(Edit(0, "Second"))
        self.ask(Etirw())
        self.assertEqual(self.text(), b"First. Second")
        why = self.refused(Invalid, Write(self.world.ticket(), 2))
        self.assertEqual(why, "Sentence index out of range: 0 to 1")
        self.refused(Invalid, Write(self.world.ticket(), -1))

    def test_without_edits(self) -> None:
        """A session without edits changes nothing and makes no version."""
        self.put(b"One.")
        self.open(0)
        self.assertEqual(self.ask(Etirw()).version, "1.0")
        self.assertEqual(len(self.world.server.sessions), 0)

    def test_not_text(self) -> None:
        """What is not UTF-8 is not edited; the refusal says what works."""
        self.put(b"\xff\xfe")
        why = self.refused(Unsupported, Write(self.world.ticket(), 0))
        self.assertIn("not UTF-8 text; PUT and GET work", why)

    def test_locked(self) -> None:
        """Who comes second is told who holds the sentence, and since when."""
        self.put(b"One. Two.")
        self.open(0)
        why = self.refused(Locked, Write(self.world.ticket(), 0), by=self.world.call())
        self.assertIn("alice has been editing this sentence since 2023-11-14T22:13:20Z", why)
        facts = self.ask(Stat(self.world.ticket()))
        self.assertEqual(facts.locks, ("alice 2023-11-14T22:13:20Z One.",))

    def test_both_orders(self) -> None:
        """A lock follows its sentence: two writers' changes survive in either order."""
        for first, second in ((0, 1), (1, 0)):
            self.put(b"One. Two. Three.")
            writers = [self.world.call(), self.world.call()]
            self.open(0, writers[0])
            self.open(2, writers[1])
            self.world.result(writers[0].ask(Edit(1, "A. new. one")))
            self.world.result(writers[1].ask(Edit(0, "Z")))
            self.world.result(writers[first].ask(Etirw()))
            self.refused(Locked, Write(self.world.ticket(), 4 if first == 0 else 0))
            self.world.result(writers[second].ask(Etirw()))
            self.assertEqual(self.text(), b"One. A. new. one Two. Z Three.")

    def test_six_writers(self) -> None:
        """H3: six writers, each on a sentence of their own, lose no word in thirty sessions."""
        self.put(b" ".join(b"S%d." % writer for writer in range(6)))
        writers = [self.world.call() for _ in range(6)]

        async def write(number: int) -> None:
            for turn in range(30):
                # Inserted before the delimiter's word: the sentence keeps its number.
                await writers[number].ask(Write(self.world.ticket(), number))
                await writers[number].ask(Edit(0, f"w{number}t{turn}"))
                await writers[number].ask(Etirw())

        working = [Deferred.fromCoroutine(write(number)) for number in range(6)]
        for one in working:
            self.world.result(one, 60)
        words = set(self.text().replace(b".", b"").split())
        for number in range(6):
            for turn in range(30):
                self.assertIn(b"w%dt%d" % (number, turn), words)

    def test_large_edit(self) -> None:
        """H5: 64 KiB in 10,000 words are inserted whole; more is refused."""
        word = b"abcde "
        text = (word * 10_000 + b"x" * 10_000)[:65_536].strip()
        self.open(0)
        self.refused(TooLarge, Edit(0, ""), text)
        text = (word * 10_000).strip()
        self.ask(Edit(0, ""), text)
        self.refused(TooLarge, Edit(0, ""), b"x" * 65_537)
        self.ask(Etirw())
        self.assertEqual(self.text(), text)

    def test_many_sentences(self) -> None:
        """H6: an edit of four sentences in a document of 5,000; a failed commit changes nothing."""
        text = b"".join(b"Sentence number %d. " % number for number in range(5_000))
        self.put(text)
        self.open(2_500)
        self.ask(Edit(0, "A. B. C. D."))
        before = dict(self.world.disk.documents)
        self.world.disk.capacity = 10
        self.refused(Unavailable, Etirw())
        self.assertEqual(self.world.disk.documents, before)
        self.assertEqual(self.text(), text)
        self.world.disk.capacity = None
        self.ask(Etirw())
        self.assertEqual(
            self.text(),
            text.replace(b"Sentence number 2500.", b"A. B. C. D. Sentence number 2500."),
        )

    def test_large_document(self) -> None:
        """H16: one word goes into a document of 40 MiB, with or without a delimiter in it."""
        for text in (b"Words of a sentence. " * 2_000_000, b"word " * 8_000_000):
            self.put(text)
            self.open(0)
            self.ask(Edit(1, "X"))
            self.ask(Etirw())
            first, rest = text.split(b" ", 1)
            self.assertEqual(self.text(), first + b" X " + rest)

    def test_newest(self) -> None:
        """Without a name the newest session of the connection is meant; each has a name."""
        self.put(b"One. Two.")
        one, two = self.open(0), self.open(1)
        self.ask(Edit(0, "B"))
        self.ask(Edit(0, "A", session=one.session))
        self.ask(Etirw(session=one.session))
        self.ask(Etirw())
        self.assertEqual(self.text(), b"A One. B Two.")
        self.refused(NotFound, Etirw(session=two.session))

    def test_others(self) -> None:
        """H60: nobody reaches a session of another connection."""
        self.put(b"One.")
        opened = self.open(0)
        mallory = self.world.call()
        for request in (Edit(0, "x", opened.session), Etirw(opened.session), Abort(opened.session)):
            self.refused(NotFound, request, by=mallory)
        self.ask(Abort())

    def test_limits(self) -> None:
        """H50: sessions of one connection and of one document are limited."""
        self.put(b"One. " * 400)
        for number in range(PER_CONNECTION):
            self.open(number)
        self.refused(Busy, Write(self.world.ticket(), 399))
        for number in range(PER_CONNECTION, PER_DOCUMENT):
            if number % PER_CONNECTION == 0:
                connection = self.world.call()
            self.open(number, connection)
        self.refused(Busy, Write(self.world.ticket(), 399), by=self.world.call())
        self.ask(Abort())
        self.open(399)


class EndingTests(WorldTests):
    """How sessions end."""

    settings = Settings(session_timeout=60.0)

    def setUp(self) -> None:
        super().setUp()
        self.put(b"One. Two.")
        self.ask(Write(self.world.ticket(), 0))
        self.ask(Edit(0, "lost"))
        self.bob = self.world.call()

    def test_abort(self) -> None:
        """ABORT frees the lock and changes nothing."""
        self.ask(Abort())
        self.refused(NotFound, Abort())
        self.world.result(self.bob.ask(Write(self.world.ticket(), 0)))
        self.assertEqual(self.text(), b"One. Two.")

    def test_disconnect(self) -> None:
        """A lost connection frees the lock and changes nothing."""
        self.alice.close(abort=True)
        self.world.result(self.bob.ask(Write(self.world.ticket(), 0)))
        self.assertEqual(self.text(), b"One. Two.")

    def test_time_out(self) -> None:
        """H51: a silent writer's lock ends in time; the writer is told, nothing is lost unsaid."""
        self.world.pass_time(50)
        self.ask(Edit(0, "still"))
        self.world.pass_time(59)
        self.refused(Locked, Write(self.world.ticket(), 0), by=self.bob)
        self.world.pass_time(7)
        self.world.result(self.bob.ask(Write(self.world.ticket(), 0)))
        self.assertIn("silent for too long", self.refused(NotFound, Etirw()))
        self.assertEqual(self.text(), b"One. Two.")

    def test_revoked(self) -> None:
        """A writer who loses the right cannot commit, and does not hold the sentence any more."""
        self.world.order(metadata(DOCUMENT, ("w:bob",), 2))
        ticket = self.world.ticket("bob", Right.WRITE, number=2)
        self.world.result(self.bob.ask(Write(ticket, 1)))
        self.world.result(self.bob.ask(Edit(0, "x")))
        self.world.order(metadata(DOCUMENT, ("r:bob",), 3))
        self.refused(Unauthorized, Etirw(), by=self.bob)
        self.refused(NotFound, Etirw(), by=self.bob)
        self.ask(Abort())
        self.ask(Put(self.world.ticket()), b"free")

    def test_revoked_and_editing(self) -> None:
        """Nor does one who goes on editing keep the sentence, and the document with it."""
        self.world.order(metadata(DOCUMENT, ("w:bob",), 2))
        ticket = self.world.ticket("bob", Right.WRITE, number=2)
        self.world.result(self.bob.ask(Write(ticket, 1)))
        self.world.order(metadata(DOCUMENT, ("r:bob",), 3))
        self.refused(Unauthorized, Edit(0, "x"), by=self.bob)
        self.refused(NotFound, Edit(0, "x"), by=self.bob)
        self.ask(Abort())
        self.ask(Put(self.world.ticket()), b"free")

    def test_revoked_and_silent(self) -> None:
        """Nor does one who does nothing any more, for longer than some seconds."""
        self.world.order(metadata(DOCUMENT, ("w:bob",), 2))
        ticket = self.world.ticket("bob", Right.WRITE, number=2)
        self.world.result(self.bob.ask(Write(ticket, 1)))
        self.ask(Abort())
        self.world.pass_time(6)
        self.refused(Locked, Put(self.world.ticket()), b"held")
        self.world.order(metadata(DOCUMENT, ("r:bob",), 3))
        self.world.pass_time(6)
        self.ask(Put(self.world.ticket()), b"free")

    def test_replacing(self) -> None:
        """H51: UNDO and PUT against an open session are refused; its edits stay usable."""
        self.refused(Locked, Undo(self.world.ticket()), by=self.bob)
        self.refused(Locked, Put(self.world.ticket()), b"x", by=self.bob)
        self.ask(Etirw())
        self.assertEqual(self.text(), b"lost One. Two.")

    def test_moved(self) -> None:
        """H51: a document that is moved during a session takes the session with it."""
        self.world.order(metadata(DOCUMENT, (), 2, name="other/b.txt"))
        self.ask(Etirw())
        self.assertEqual(self.text(), b"lost One. Two.")

    def test_stop(self) -> None:
        """A server that stops forgets its sessions, and starts again with free sentences."""
        self.world.stop()
        self.world.start()
        self.world.result(self.world.call().ask(Write(self.world.ticket(), 0)))


class CommitTests(SlowTests):
    """What happens while the disk works."""

    def setUp(self) -> None:
        super().setUp()
        self.put(b"One. Two.")
        self.ask(Write(self.world.ticket(), 0))
        self.ask(Edit(0, "x"))
        self.disk.slow = True

    def begin(self) -> Deferred[Any]:
        """Begin to commit."""
        committing = self.alice.ask(Etirw())
        self.world.pass_time(0.1)
        self.assertNoResult(committing)
        return committing

    def test_disconnect(self) -> None:
        """Who goes away while the disk works has committed all the same, and holds nothing."""
        self.begin().addErrback(lambda failure: failure.trap(Unavailable))
        self.alice.close(abort=True)
        self.world.pass_time(1)
        self.disk.work()
        self.assertEqual(self.text(), b"x One. Two.")
        self.world.result(self.world.call().ask(Write(self.world.ticket(), 0)))

    def test_nothing_between(self) -> None:
        """A session that is being committed can be neither changed nor ended."""
        committing = self.begin()
        edited = self.alice.ask(Edit(0, "y"))
        self.refused(Busy, Abort())
        self.disk.work()
        self.world.result(committing)
        self.assertIsInstance(self.world.outcome(edited), Failure)
        self.assertEqual(self.text(), b"x One. Two.")

    def test_opening_waits(self) -> None:
        """A session that is opened during a commit locks the sentence where it is then."""
        self.begin()
        bob = self.world.call()
        opening = bob.ask(Write(self.world.ticket(), 1))
        self.world.pass_time(0.1)
        self.assertNoResult(opening)
        self.disk.work()
        self.world.result(opening)
        self.world.result(bob.ask(Edit(0, "y")))
        self.world.result(bob.ask(Etirw()))
        self.assertEqual(self.text(), b"x One. y Two.")

    def test_readers(self) -> None:
        """Readers see the old text until the commit is durable, then the new one."""
        self.begin()
        self.assertEqual(self.text(), b"One. Two.")
        self.disk.work()
        self.assertEqual(self.text(), b"x One. Two.")

    def test_broken_disk(self) -> None:
        """When the disk fails nobody is told OK, the name server is told, the server is done."""
        ended: list[bool] = []
        self.world.server.when_failed = lambda: ended.append(True)
        self.world.disk.broken = True
        committing = self.begin()
        self.disk.work()
        outcome = self.world.outcome(committing)
        assert isinstance(outcome, Failure)
        # In doubt: a client must not take this for "nothing was done, send it again".
        outcome.trap(Internal)
        self.world.pass_time(0.1)
        self.assertEqual(ended, [True])
        [goodbye] = [one for one in self.world.nm.heard if isinstance(one, Goodbye)]
        self.assertIn("the disk failed", goodbye.reason)
        # It has given its lease back before it said so: the other member may serve by now.
        self.refused(Moved, Append(self.world.ticket(), "x"), by=self.world.call())


class ThreadTests(WorldTests):
    """What is done elsewhere."""

    def test_elsewhere(self) -> None:
        """H16: the text of a large document is worked on where it keeps nobody waiting."""
        elsewhere: list[tuple[Callable[..., Any], tuple[Any, ...], Deferred[Any]]] = []

        def work(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
            done: Deferred[Any] = Deferred()
            elsewhere.append((function, arguments, done))
            return done

        def finish() -> None:
            function, arguments, done = elsewhere.pop()
            done.callback(function(*arguments))

        self.end()
        self.world = World(work=work)
        self.world.create()
        self.alice = self.world.call()
        self.put(b"A sentence. " * 10_000)
        opening = self.alice.ask(Write(self.world.ticket(), 5))
        self.world.pass_time(0.1)
        self.assertNoResult(opening)
        finish()
        self.world.result(opening)
        appending = self.world.call().ask(Append(self.world.ticket(), "The end."))
        self.world.pass_time(0.1)
        self.assertNoResult(appending)
        finish()
        self.world.result(appending)
        self.ask(Edit(0, "x"))
        committing = self.alice.ask(Etirw())
        self.world.pass_time(0.1)
        self.assertNoResult(committing)
        finish()
        self.world.result(committing)
        self.assertEqual(self.text()[60:73], b"x A sentence.")
        self.assertIn(NAME_SERVER, self.world.network._listening)
