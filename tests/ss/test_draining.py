"""Finishing, so that the other member of the pair can serve."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from dfs.errors import Busy, Internal, Invalid, Moved
from dfs.wire.messages import (
    Abort,
    Append,
    Drain,
    Drained,
    Edit,
    Etirw,
    Heartbeat,
    Promote,
    Put,
    Read,
    Undo,
    Write,
)
from tests.ss.world import DOCUMENT, SlowTests, metadata


class DrainTests(SlowTests):
    """DRAIN, in all orders."""

    def setUp(self) -> None:
        super().setUp()
        self.put(b"One. Two.")
        self.nm = self.world.call_as_nm()

    def drain(self, seconds: float = 30.0) -> Deferred[Drained]:
        """Ask for it, as the name server does."""
        self.world.nm.says = {"drain": True}
        draining = self.nm.ask(Drain(self.world.nm.epoch, seconds), timeout=None)
        self.world.pass_time(0.01)
        return draining

    def open(self) -> None:
        """A session with something in it."""
        self.ask(Write(self.world.ticket(), 0))
        self.ask(Edit(0, "x"))

    def resume(self) -> None:
        """The name server says that it is over."""
        self.world.nm.says = {}
        self.world.order(Promote(self.world.nm.epoch))
        self.world.pass_time(0.1)

    def nothing_changes(self) -> None:
        """Whatever would change something, or begin to, is refused for a moment."""
        ticket = self.world.ticket()
        for request in (Append(ticket, "x"), Undo(ticket), Write(ticket, 1)):
            self.assertIn("try again in a moment", self.refused(Busy, request))
        self.refused(Busy, Put(ticket), b"text")

    def nothing_is_answered(self) -> None:
        """Whoever wants something here is sent to the name server, because the other may serve."""
        ticket = self.world.ticket()
        for request in (Append(ticket, "x"), Undo(ticket), Write(ticket, 1)):
            self.assertIn("ask the name server", self.refused(Moved, request))
        self.refused(Moved, Put(ticket), b"text")
        with self.assertRaises(Moved):
            self.content(self.alice.ask_content(Read(ticket)))

    def stored(self) -> bytes:
        """The text, wherever it is."""
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        return self.world.disk.contents[document.current.content.sha256]

    def test_idle(self) -> None:
        """A server that does nothing has finished at once; then it answers nobody."""
        events = self.events()
        drained = self.successResultOf(self.drain())
        self.assertEqual(drained, Drained(self.world.disk.seq))
        self.assertIn("drained", events)
        self.nothing_is_answered()

    def test_open_session(self) -> None:
        """An open session may be finished, nothing else be begun; reading goes on until then."""
        self.open()
        draining = self.drain()
        self.assertNoResult(draining)
        self.nothing_changes()
        self.assertEqual(self.text(), b"One. Two.")
        self.ask(Edit(1, "y"))
        self.ask(Etirw())
        self.world.pass_time(0.01)
        self.assertEqual(self.successResultOf(draining), Drained(self.world.disk.seq))
        self.nothing_is_answered()
        self.assertEqual(self.stored(), b"x y One. Two.")

    def test_ends_of_sessions(self) -> None:
        """However a session ends, nobody waits for it any more."""
        for end in (lambda: self.ask(Abort()), lambda: self.alice.close(abort=True)):
            self.open()
            draining = self.drain()
            self.assertNoResult(draining)
            end()
            self.world.pass_time(0.01)
            self.successResultOf(draining)
            self.resume()

    def test_change_under_way(self) -> None:
        """What is being committed is waited for, and its client is told OK."""
        self.disk.slow = True
        changing = self.alice.ask(Append(self.world.ticket(), "x"))
        self.world.pass_time(0.01)
        draining = self.drain()
        self.assertNoResult(draining)
        self.disk.work()
        self.world.pass_time(0.01)
        self.successResultOf(changing)
        self.assertEqual(self.successResultOf(draining), Drained(self.world.disk.seq))

    def test_in_line(self) -> None:
        """What stands in line behind that is refused when its turn comes."""
        self.disk.slow = True
        first = self.alice.ask(Append(self.world.ticket(), "x"))
        second = self.alice.ask(Append(self.world.ticket(), "y"))
        self.world.pass_time(0.01)
        draining = self.drain()
        self.disk.work()
        self.world.pass_time(0.01)
        self.successResultOf(first)
        self.failureResultOf(second, Busy)
        self.successResultOf(draining)

    def test_upload(self) -> None:
        """An upload that was begun before and ends after is refused; nothing of it is kept."""
        gate: Deferred[bytes] = Deferred()
        pieces: list[Any] = [b"", gate, b"some"]
        putting = self.alice.send(Put(self.world.ticket()), lambda: pieces.pop())
        self.world.pass_time(0.1)
        self.successResultOf(self.drain())
        gate.callback(b"thing")
        self.world.pass_time(0.1)
        self.failureResultOf(putting, Moved)
        self.assertEqual(self.stored(), b"One. Two.")

    def test_too_late(self) -> None:
        """A session that goes on for too long: it is called off, and everything is as before."""
        self.open()
        draining = self.drain(3.0)
        self.world.pass_time(2.9)
        self.assertNoResult(draining)
        self.world.nm.says = {}
        self.world.pass_time(0.2)
        self.failureResultOf(draining, Busy)
        self.ask(Append(self.world.ticket(), "."))
        self.ask(Etirw())

    def test_repeated(self) -> None:
        """Asked for again, both times are answered; it lasts until the last time is over."""
        self.open()
        first, second = self.drain(3.0), self.drain(30.0)
        self.world.pass_time(4.0)
        self.failureResultOf(first, Busy)
        self.nothing_changes()
        self.ask(Etirw())
        self.world.pass_time(0.01)
        drained = self.successResultOf(second)
        self.assertEqual(self.successResultOf(self.drain()), drained)

    def test_called_off(self) -> None:
        """A heartbeat's answer that does not ask for it any more lets everything go on."""
        self.successResultOf(self.drain())
        self.world.pass_time(60)
        self.nothing_is_answered()
        self.resume()
        self.ask(Append(self.world.ticket(), "x"))

    def test_called_off_while_waiting(self) -> None:
        """The same while sessions are open; whoever asked is told."""
        self.open()
        draining = self.drain()
        self.resume()
        self.failureResultOf(draining, Busy)
        self.ask(Append(self.world.ticket(), "."))

    def test_older_answer(self) -> None:
        """An answer to a heartbeat that was sent before the order does not call it off."""
        nm = self.world.nm
        self.world.pass_time(4.7)
        nm.answers = False
        self.world.pass_time(0.5)
        beat = [one for one in nm.heard if isinstance(one, Heartbeat)][-1]
        self.assertEqual(nm.heard[-1], beat)
        self.world.nm.says = {}
        draining = self.nm.ask(Drain(1, 30.0), timeout=None)
        self.world.pass_time(0.01)
        self.successResultOf(draining)
        nm.catch_up()
        nm.says = {"drain": True}
        self.world.pass_time(0.1)
        self.nothing_is_answered()

    def test_new_epoch(self) -> None:
        """A new epoch ends it; then this server serves nobody, or everybody."""
        self.successResultOf(self.drain())
        self.world.nm.epoch, self.world.nm.serve = 2, False
        self.world.order(Promote(2))
        self.world.pass_time(0.1)
        self.refused(Moved, Append(self.world.ticket(epoch=2), "x"))
        self.world.nm.epoch, self.world.nm.serve, self.world.nm.says = 3, True, {}
        self.world.order(Promote(3))
        self.world.pass_time(0.1)
        self.ask(Append(self.world.ticket(epoch=3), "x"))

    def test_new_epoch_while_waiting(self) -> None:
        """Sessions that are open then end, and the order is one of the past."""
        self.open()
        draining = self.drain()
        self.world.nm.epoch, self.world.nm.serve = 2, False
        self.world.order(Promote(2))
        self.world.pass_time(0.1)
        self.failureResultOf(draining, Moved)
        self.refused(Moved, Etirw())

    def test_restarted(self) -> None:
        """A server that was started anew meanwhile is told with its first heartbeat."""
        self.successResultOf(self.drain())
        self.world.stop()
        self.world.start()
        self.alice = self.world.call()
        self.nothing_is_answered()
        self.nm = self.world.call_as_nm()
        self.successResultOf(self.drain())
        self.resume()
        self.ask(Append(self.world.ticket(), "x"))

    def test_orders(self) -> None:
        """What the name server orders is carried out all the same."""
        self.successResultOf(self.drain())
        self.world.order(metadata(DOCUMENT, ("r:bob",), 7))
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        self.assertEqual(document.metadata.number, 7)

    def test_lease_over(self) -> None:
        """A lease that ends while it waits changes nothing about that: the session has to end."""
        self.open()
        draining = self.drain()
        self.world.slept = 20.0
        changing = self.alice.ask(Abort())
        self.world.pass_time(0.01)
        self.successResultOf(changing)
        self.successResultOf(draining)

    def test_refused(self) -> None:
        """An order of the past is refused, and one that asks for a strange time."""
        for seconds in (-1.0, 1e9):
            with self.assertRaises(Invalid):
                self.world.order(Drain(1, seconds))
        self.world.order(Promote(2))
        with self.assertRaises(Moved):
            self.world.order(Drain(1, 1.0))

    def test_in_doubt(self) -> None:
        """A change under way whose lease ends is in doubt, and not waited for any longer."""
        self.disk.slow = True
        changing = self.alice.ask(Append(self.world.ticket(), "x"))
        self.world.pass_time(0.01)
        draining = self.drain()
        self.world.slept = 20.0
        self.disk.work()
        self.world.pass_time(0.01)
        self.failureResultOf(changing, Internal)
        self.successResultOf(draining)
