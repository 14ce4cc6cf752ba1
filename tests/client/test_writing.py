"""Editing sessions, with servers that do not last."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from dfs.client.drafts import CommitInDoubt, Draft, SessionEnded
from dfs.client.writing import WriteSession
from dfs.errors import (
    Busy,
    Internal,
    Invalid,
    Locked,
    Moved,
    NotFound,
    Unauthorized,
    Unavailable,
)
from dfs.wire.messages import Abort, Done, Edit, Etirw, Opened, Sentence, WhoAmI, Write
from tests.client.stage import OTHER_STORAGE, STORAGE
from tests.client.test_session import COMMITTED, SessionCase


class WriteSessionTests(SessionCase):
    """One locked sentence."""

    def setUp(self) -> None:
        super().setUp()
        self.ss.answers[Write] = Opened("s1", 2, "Hello world.")
        self.ss.answers[Edit] = Sentence(3, "Hello big world.")
        self.ss.answers[Etirw] = COMMITTED
        self.ss.answers[Abort] = Done()

    def open(self) -> WriteSession:
        """Lock the sentence."""
        return self.run_(self.alice.write("a.txt", 0))

    def test_whole_life(self) -> None:
        """A session shows the sentence as it reads, then and now, and ends with its commit."""
        session = self.open()
        self.assertEqual((session.sentence, session.words), ("Hello world.", 2))
        self.run_(session.edit(1, "big"))
        self.assertEqual((session.sentence, session.words), ("Hello big world.", 3))
        self.assertEqual(self.run_(session.commit()), COMMITTED)
        self.assertTrue(session.over)
        self.assertEqual(self.ss.asked, ["WRITE", "EDIT", "ETIRW"])
        sessions = [getattr(request, "session", "s1") for request in self.ss.requests]
        self.assertEqual(sessions, ["s1"] * 3)

    def test_text_as_it_is(self) -> None:
        """Texts of every length and with every character arrive as they are."""
        received: list[bytes] = []

        def take(request: Edit, exchange: Any) -> Sentence:
            received.append(exchange.body)
            return Sentence(3, "")

        self.ss.answers[Edit] = take
        session = self.open()
        for text in ("a|b%\n\t\\", "ä" * 30_000, ""):
            self.run_(session.edit(0, text))
            self.assertEqual(received.pop().decode(), text)

    def test_bad_edit(self) -> None:
        """A bad edit is refused, and the session goes on."""
        self.ss.answers[Edit] = [Invalid("0 to 2"), Sentence(3, "x")]
        session = self.open()
        self.assertEqual(self.refused(session.edit(9, "x"), Invalid), "0 to 2")
        self.run_(session.edit(0, "x"))
        self.assertFalse(session.over)

    def test_ended_by_the_server(self) -> None:
        """An edit in a session that the server has ended ends it here too."""
        self.ss.answers[Edit] = NotFound("it timed out")
        session = self.open()
        self.refused(session.edit(0, "x"), NotFound)
        self.assertTrue(session.over)

    def test_locked(self) -> None:
        """A locked sentence is no reason to wait."""
        self.ss.answers[Write] = Locked("by bob")
        self.assertEqual(self.refused(self.alice.write("a.txt", 0), Locked), "by bob")

    def test_lost_while_locking(self) -> None:
        """A lock that was asked for on a lost connection is asked for again: it ended with it."""
        self.ss.answers[Write] = [self.ss.hang_up, Opened("s2", 0, "")]
        self.assertEqual(self.open().words, 0)

    def test_lost_while_editing(self) -> None:
        """When the server is lost before ETIRW, the writer hears that nothing was changed."""
        self.ss.answers[Edit] = self.ss.hang_up
        session = self.open()
        self.assertIn("nothing was changed", self.refused(session.edit(0, "x"), SessionEnded))
        self.assertTrue(session.over)

    def test_lost_while_thinking(self) -> None:
        """When the server is lost between two lines, the next one says so."""
        session = self.open()
        self.stage.network.cut(STORAGE)
        self.stage.advance(1)
        self.refused(session.edit(0, "x"), SessionEnded)
        self.refused(session.commit(), Invalid)
        self.assertEqual(self.ss.asked, ["WRITE"])

    def test_commit_in_doubt(self) -> None:
        """A commit whose answer was lost is not repeated; the error says how to find out."""
        self.ss.answers[Etirw] = self.ss.hang_up
        session = self.open()
        self.assertIn("READ a.txt", self.refused(session.commit(), CommitInDoubt))
        self.assertEqual(self.ss.asked.count("ETIRW"), 1)
        self.run_(session.abort())
        self.assertNotIn("ABORT", self.ss.asked)

    def test_commit_postponed(self) -> None:
        """A commit that is answered BUSY is tried again in the same session."""
        self.ss.answers[Etirw] = [Busy("in a moment"), COMMITTED]
        self.assertEqual(self.run_(self.open().commit()), COMMITTED)

    def test_commit_refused(self) -> None:
        """A commit without the right is refused."""
        self.ss.answers[Etirw] = Unauthorized("no more")
        self.refused(self.open().commit(), Unauthorized)

    def test_abort(self) -> None:
        """ABORT never fails, even if nobody hears it."""
        session = self.open()
        self.run_(session.abort())
        self.run_(session.abort())
        self.assertEqual(self.ss.asked, ["WRITE", "ABORT"])
        self.ss.answers[Abort] = self.ss.hang_up
        self.run_(self.open().abort())

    def lost(self, deferred: Deferred[Any], error: type[Exception]) -> Draft:
        """What is left of a session that ends with an error."""
        with self.assertRaises(error) as caught:
            self.run_(deferred)
        assert isinstance(caught.exception, SessionEnded | CommitInDoubt)
        return caught.exception.draft

    def test_kept(self) -> None:
        """All good edits are kept, also the one with which the server was lost."""
        self.ss.answers[Edit] = [
            Sentence(3, "Hello big world."),
            Invalid("0 to 3"),
            Moved("another server has taken over"),
        ]
        session = self.open()
        self.run_(session.edit(1, "big"))
        self.refused(session.edit(9, "x"), Invalid)
        draft = self.lost(session.edit(3, "Bye."), SessionEnded)
        self.assertEqual(
            draft, Draft("a.txt", 0, "Hello world.", ((1, "big"), (3, "Bye.")), in_doubt=False)
        )
        self.assertEqual(session.draft, draft)

    def test_taken_over(self) -> None:
        """ETIRW at a server that was replaced changed nothing; the next WRITE looks elsewhere."""
        self.ss.answers[Etirw] = Moved("another server has taken over")
        self.other.answers[Write] = Opened("s2", 2, "Hello world.")
        session = self.open()
        self.run_(session.edit(1, "big"))
        self.stage.place = OTHER_STORAGE
        self.assertEqual(self.lost(session.commit(), SessionEnded).edits, ((1, "big"),))
        self.assertTrue(session.over)
        self.open()
        self.assertEqual(self.other.asked, ["WRITE"])
        self.assertNotIn("ABORT", self.ss.asked)

    def test_doubt_is_kept(self) -> None:
        """A commit in doubt keeps the edits and says so, whoever is in doubt."""
        session = self.open()
        self.run_(session.edit(1, "big"))
        self.ss.answers[Etirw] = self.ss.hang_up
        self.assertTrue(self.lost(session.commit(), CommitInDoubt).in_doubt)
        self.ss.answers[Etirw] = Internal("look before you repeat it")
        session = self.open()
        self.run_(session.edit(1, "big"))
        self.refused(session.commit(), Internal)
        self.assertTrue(session.draft.in_doubt)

    def test_lease_renewed(self) -> None:
        """A server that may not serve for a moment is asked again, and the session goes on."""
        away = Unavailable("has not heard the name server for 12 s")
        self.ss.answers[Edit] = [away, Sentence(3, "Hello big world.")]
        self.ss.answers[Etirw] = [away, away, COMMITTED]
        session = self.open()
        self.run_(session.edit(1, "big"))
        self.assertEqual(self.run_(session.commit()), COMMITTED)

    def test_frozen(self) -> None:
        """A server that does not answer an edit is given up in 10 s."""
        self.ss.answers[Edit] = self.ss.be_silent
        session = self.open()
        with self.assertRaises(SessionEnded):
            self.run_(session.edit(0, "x"), 11)

    def test_frozen_before_commit(self) -> None:
        """A commit is not sent to a server that froze while the writer thought: no doubt."""
        session = self.open()
        self.run_(session.edit(1, "big"))
        self.stage.advance(60.0)
        self.ss.answers[WhoAmI] = self.ss.be_silent
        self.assertFalse(self.lost(session.commit(), SessionEnded).in_doubt)
        self.assertNotIn("ETIRW", self.ss.asked)
