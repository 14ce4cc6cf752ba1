"""When a storage server may serve, and what it does when it may not."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from dfs.core.access import Right
from dfs.errors import Internal, Moved, NotFound, Unavailable
from dfs.wire.client import Connection
from dfs.wire.messages import (
    Append,
    Beaten,
    Edit,
    Etirw,
    Goodbye,
    Heartbeat,
    Promote,
    Put,
    Read,
    Request,
    SSRegister,
    Stat,
    Undo,
    Write,
    WriteComplete,
)
from tests.ss.world import DOCUMENT, NAME_SERVER, SlowTests, WorldTests, metadata


class LeaseTests(WorldTests):
    """A server with a lease, and without."""

    def lose(self) -> None:
        """The name server goes away."""
        self.world.network.silence(NAME_SERVER)
        self.world.network.cut(NAME_SERVER)
        self.world.pass_time(0.01)

    def find(self) -> None:
        """The name server comes back."""
        self.world.network.listen(NAME_SERVER, self.world.nm.factory)
        self.world.pass_time(2.5)

    def end(self) -> None:
        """Stop, whether there is a name server or not."""
        if NAME_SERVER not in self.world.network._listening:
            self.world.network.listen(NAME_SERVER, self.world.nm.factory)
        super().end()

    def edit(self, text: str = "typed") -> None:
        """Open a session and type something."""
        self.ask(Write(self.world.ticket(), 0))
        self.ask(Edit(0, text))

    def beats(self) -> int:
        """How many heartbeats came."""
        return sum(isinstance(one, Heartbeat) for one in self.world.nm.heard)

    def requests(self) -> list[Request[Any]]:
        """Everything that needs a ticket."""
        ticket = self.world.ticket()
        return [
            *(Read(ticket), Stat(ticket), Append(ticket, "x"), Undo(ticket), Write(ticket, 0)),
        ]

    def test_expired(self) -> None:
        """Without the name server everything is refused after ten seconds, reading too."""
        events = self.events()
        self.lose()
        self.world.pass_time(9.5)
        self.ask(Stat(self.world.ticket()))
        self.world.pass_time(0.6)
        for request in self.requests():
            self.assertIn("has not heard the name server for", self.refused(Unavailable, request))
        self.refused(Unavailable, Put(self.world.ticket()), b"text")
        self.assertEqual(events.count("lease_expired"), 1)

    def test_renewed(self) -> None:
        """A name server that is back within seconds was hardly missed; sessions go on."""
        self.edit()
        self.world.pass_time(4)
        self.lose()
        self.world.pass_time(3)
        self.ask(Stat(self.world.ticket()))
        self.find()
        self.ask(Etirw())
        self.assertEqual(self.text(), b"typed")

    def test_late(self) -> None:
        """A lease that was over and is given again in the same epoch ends no session."""
        self.edit()
        self.lose()
        self.world.pass_time(60)
        self.refused(Unavailable, Etirw())
        self.find()
        self.ask(Etirw())
        self.assertEqual(self.text(), b"typed")

    def test_woken(self) -> None:
        """A server that stood still, and does not know it, commits nothing when it wakes."""
        self.edit()
        before = dict(self.world.disk.documents)
        self.world.slept = 20.0
        self.refused(Unavailable, Etirw())
        self.refused(Unavailable, Put(self.world.ticket()), b"text")
        self.assertEqual(self.world.disk.documents, before)

    def test_old_answer(self) -> None:
        """An answer that waited while the server stood still gives no lease."""
        self.world.pass_time(4.7)
        self.world.nm.answers = False
        self.world.pass_time(0.5)
        self.world.slept = 20.0
        self.world.nm.catch_up()
        self.world.pass_time(0.1)
        self.refused(Unavailable, Stat(self.world.ticket()))
        self.world.pass_time(5)
        self.ask(Stat(self.world.ticket()))

    def test_not_active(self) -> None:
        """The member that does not serve says so, and tickets are no way around it."""
        self.world.nm.serve = False
        self.world.pass_time(5)
        for request in self.requests():
            self.refused(Moved, request)

    def test_paused(self) -> None:
        """A session outlives a moment in which nobody serves."""
        self.edit()
        self.world.nm.serve = False
        self.world.pass_time(5)
        self.assertIn("the session goes on", self.refused(Unavailable, Etirw()))
        self.world.nm.serve = True
        self.world.pass_time(5)
        self.ask(Etirw())

    def test_new_epoch(self) -> None:
        """In a new epoch every session has ended, and says what to do."""
        self.edit()
        self.world.nm.epoch, self.world.nm.serve = 2, False
        self.world.order(Promote(2))
        self.world.pass_time(0.1)
        self.assertEqual(len(self.world.server.sessions), 0)
        for request in (Edit(0, "x"), Etirw()):
            self.assertIn("send what was typed again", self.refused(Moved, request))
        self.refused(Moved, Stat(self.world.ticket()))
        self.refused(NotFound, Etirw(), by=self.world.call())

    def test_promoted(self) -> None:
        """PROMOTE makes it ask at once; what it is told then it does, in the new epoch."""
        self.world.nm.serve = False
        self.world.pass_time(5)
        self.world.nm.epoch, self.world.nm.serve = 2, True
        before = self.beats()
        self.world.order(Promote(2))
        self.world.pass_time(0.01)
        self.assertEqual(self.beats(), before + 1)
        self.assertEqual(self.world.disk.identity.epoch, 2)
        self.ask(Append(self.world.ticket(epoch=2), "x"))
        self.refused(Moved, Append(self.world.ticket(epoch=1), "x"))
        with self.assertRaises(Moved):
            self.world.order(Promote(1))

    def test_versions(self) -> None:
        """Whose commits are counted where is what the registration said, whatever the name is."""
        self.put(b"home")
        self.world.stop()
        self.world.nm.home = False
        self.world.start()
        self.alice = self.world.call()
        self.assertEqual(self.ask(Append(self.world.ticket(), "x")).version, "1.1")

    def test_older_answer(self) -> None:
        """An answer of an older epoch is no permission in a newer one."""
        self.world.pass_time(4.7)
        self.world.nm.answers = False
        self.world.pass_time(0.5)  # a heartbeat of epoch 1 is on its way
        self.world.order(Promote(2))
        self.world.nm.catch_up()
        self.world.pass_time(0.1)
        self.refused(Moved, Stat(self.world.ticket(epoch=2)))
        self.refused(Moved, Stat(self.world.ticket()))

    def test_goodbye(self) -> None:
        """The lease is given back before GOODBYE is said."""
        served: list[bool] = []

        def goodbye(request: Goodbye, exchange: object) -> None:
            served.append(self.world.server.serving.serves)

        self.world.nm.handlers[Goodbye] = goodbye
        self.assertTrue(self.world.server.serving.serves)
        self.world.stop()
        self.assertEqual(served, [False])
        self.world.start()

    def test_registered(self) -> None:
        """The first heartbeat comes with the registration: a new server serves at once."""
        self.lose()
        self.world.pass_time(60)
        self.world.nm.heard.clear()
        self.find()
        kinds = [type(one) for one in self.world.nm.heard]
        self.assertEqual(kinds[0], SSRegister)
        self.assertIn(Heartbeat, kinds)
        self.ask(Stat(self.world.ticket(right=Right.READ)))

    def test_refuse(self) -> None:
        """With C{--solo refuse} and no peer nothing is changed; reading goes on."""
        self.put(b"text")
        self.world.nm.says = {"refuse": True}
        self.world.pass_time(5)
        for request in self.requests():
            if isinstance(request, Read | Stat):
                self.world.result(self.alice.ask(Stat(self.world.ticket())))
            else:
                self.assertIn("--solo refuse", self.refused(Unavailable, request))
        self.world.nm.says = {}
        self.world.pass_time(5)
        self.ask(Append(self.world.ticket(), "x"))


class FenceTests(SlowTests):
    """What happens between a commit and its answer."""

    def setUp(self) -> None:
        super().setUp()
        self.put(b"One.")

    def begin(self, request: Request[Any], by: Connection | None = None) -> Deferred[Any]:
        """Begin a change that the disk does not finish."""
        self.disk.slow = True
        changing = (by or self.alice).ask(request)
        self.world.pass_time(0.1)
        self.assertNoResult(changing)
        return changing

    def test_expired(self) -> None:
        """A lease that ends while the disk works: the change is in doubt, and nobody is told OK."""
        events = self.events()
        changing = self.begin(Append(self.world.ticket(), " Two."))
        self.world.slept = 20.0
        self.disk.work()
        self.world.pass_time(0.1)
        failure = self.failureResultOf(changing, Internal)
        self.assertIn("look before repeating", failure.getErrorMessage())
        self.assertIn("write_fenced", events)

    def test_new_epoch(self) -> None:
        """Another member that took over meanwhile: the same, for sessions as well."""
        self.ask(Write(self.world.ticket(), 0))
        self.ask(Edit(0, "x"))
        changing = self.begin(Etirw())
        ordering = self.world.call_as_nm().ask(Promote(2))
        self.world.pass_time(0.1)
        self.disk.work()
        self.world.pass_time(0.1)
        self.failureResultOf(changing, Internal)
        self.successResultOf(ordering)
        self.refused(NotFound, Etirw())

    def test_returned(self) -> None:
        """A lease in a later epoch says nothing about a change of an earlier one."""
        changing = self.begin(Append(self.world.ticket(), " Two."))
        self.world.nm.epoch = 3
        ordering = self.world.call_as_nm().ask(Promote(3))
        self.world.pass_time(0.1)
        self.disk.work()
        self.world.pass_time(0.1)
        self.successResultOf(ordering)
        self.failureResultOf(changing, Internal)
        self.ask(Stat(self.world.ticket(epoch=3)))

    def test_persisted_first(self) -> None:
        """A new epoch is durable before anything is done in it; the old one ends at once."""
        self.disk.slow = True
        self.world.nm.epoch = 2
        ordering = self.world.call_as_nm().ask(Promote(2))
        self.world.pass_time(0.1)
        self.assertNoResult(ordering)
        self.assertEqual(self.world.disk.identity.epoch, 1)
        for epoch in (1, 2):
            self.refused(Moved, Stat(self.world.ticket(epoch=epoch)))
        self.disk.work()
        self.world.pass_time(0.1)
        self.successResultOf(ordering)
        self.ask(Stat(self.world.ticket(epoch=2)))

    def test_order_of_the_past(self) -> None:
        """An order that stood in line while the epoch changed is not carried out."""
        changing = self.begin(Append(self.world.ticket(), " Two."))
        changing.addErrback(lambda _: None)
        nm = self.world.call_as_nm()
        describing = nm.ask(metadata(DOCUMENT, ("r:bob",), 7))
        promoting = nm.ask(Promote(2))
        self.world.pass_time(0.1)
        self.disk.work()
        self.world.pass_time(0.1)
        self.successResultOf(promoting)
        self.failureResultOf(describing, Moved)
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        self.assertEqual(document.metadata.number, 1)

    def test_orders_need_no_lease(self) -> None:
        """The member that does not serve obeys orders all the same."""
        self.world.nm.serve = False
        self.world.pass_time(5)
        self.world.order(metadata(DOCUMENT, ("r:bob",), 7))

    def test_stop_waits(self) -> None:
        """A change that was begun is finished and answered before GOODBYE gives the lease back."""
        changing = self.begin(Append(self.world.ticket(), " Two."))
        stopping = self.world.server.stopService()
        self.world.pass_time(0.1)
        later = self.world.call().ask(Append(self.world.ticket(), "x"))
        self.world.pass_time(0.1)
        self.disk.work()
        self.world.result(stopping)
        self.successResultOf(changing)
        self.failureResultOf(later, Unavailable)
        heard = self.world.nm.heard
        self.assertEqual((heard[-1].verb, heard[-2].verb), ("GOODBYE", "WRITE_COMPLETE"))
        self.world.network.silence("127.0.0.1:5001")
        self.world.network.cut("127.0.0.1:5001")
        self.world.start()

    def test_stop_alone(self) -> None:
        """A server that finishes, and lost its name server before, does not look for one again."""
        changing = self.begin(Append(self.world.ticket(), " Two."))
        self.world.network.silence(NAME_SERVER)
        self.world.network.cut(NAME_SERVER)
        self.world.pass_time(0.1)
        stopping = self.world.server.stopService()
        self.world.nm.heard.clear()
        self.world.network.listen(NAME_SERVER, self.world.nm.factory)
        self.world.pass_time(0.9)
        self.assertEqual(self.world.nm.heard, [])
        self.disk.work()
        self.world.result(stopping)
        self.world.pass_time(0.1)
        self.successResultOf(changing)
        self.world.network.silence("127.0.0.1:5001")
        self.world.network.cut("127.0.0.1:5001")
        self.world.start()


class BothTests(LeaseTests):
    """C{--ack replica}: clients wait for the peer."""

    def setUp(self) -> None:
        super().setUp()
        self.world.nm.says = {"wait": True}
        self.world.pass_time(5)

    def hold(self) -> None:
        """Notes are not answered, because the peer does not have the change; heartbeats are."""
        nm = self.world.nm
        nm.answers = False
        nm.handlers[Heartbeat] = lambda request, exchange: Beaten(nm.epoch, True, wait=True)

    def test_waits(self) -> None:
        """A client is answered when its note is, however long that takes."""
        self.hold()
        changing = self.alice.ask(Append(self.world.ticket(), "x"), timeout=None)
        self.world.pass_time(120)
        self.assertNoResult(changing)
        self.world.nm.catch_up()
        self.world.pass_time(0.1)
        self.successResultOf(changing)

    def test_each_its_own(self) -> None:
        """One document that is slow to copy keeps nobody else waiting."""
        self.hold()
        first = self.alice.ask(Append(self.world.ticket(), "x"), timeout=None)
        self.world.pass_time(0.1)
        self.world.nm.answers = True
        self.world.create("00000000000000d2")
        bob = self.world.call()
        self.world.result(bob.ask(Append(self.world.ticket(document="00000000000000d2"), "x")))
        self.assertNoResult(first)
        self.world.nm.catch_up()
        self.world.pass_time(0.1)
        self.successResultOf(first)

    def test_lease_over(self) -> None:
        """When the lease is over the change is in doubt."""
        self.hold()
        changing = self.alice.ask(Append(self.world.ticket(), "x"), timeout=None)
        self.world.pass_time(1)
        self.lose()
        self.world.pass_time(4)
        self.assertNoResult(changing)
        self.world.pass_time(7)
        self.failureResultOf(changing, Internal)

    def test_name_server_restarts(self) -> None:
        """The note is sent again to a name server that came back, even if it had it."""
        self.hold()
        changing = self.alice.ask(Append(self.world.ticket(), "x"), timeout=None)
        self.world.pass_time(0.1)
        self.lose()
        nm = self.world.nm
        nm.noted = self.world.disk.seq
        nm.heard.clear()
        nm.answers = True
        self.assertNoResult(changing)
        self.find()
        self.assertEqual([note.seq for note in nm.notes()], [nm.noted])
        self.successResultOf(changing)

    def test_refused(self) -> None:
        """A note that is refused is no proof: the change is in doubt."""

        def refuse(request: object, exchange: object) -> None:
            raise Moved("that epoch is over")

        self.world.nm.handlers[WriteComplete] = refuse
        self.refused(Internal, Append(self.world.ticket(), "x"))

    def test_new_epoch(self) -> None:
        """Who waits when the epoch changes is told that it is in doubt."""
        self.hold()
        changing = self.alice.ask(Append(self.world.ticket(), "x"), timeout=None)
        self.world.pass_time(0.1)
        self.world.nm.epoch = 2
        self.world.order(Promote(2))
        self.world.pass_time(0.1)
        self.failureResultOf(changing, Internal)
