"""How a storage server and its name server find each other, and what one tells the other."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Conflict
from dfs.ss.notes import PAGE, WINDOW
from dfs.wire.messages import (
    Append,
    Committed,
    Done,
    Goodbye,
    Heartbeat,
    Put,
    Request,
    SSRegister,
    WriteComplete,
)
from tests.ss.world import CLUSTER, NAME_SERVER, SERVER, World, metadata


class LinkTests(SynchronousTestCase):
    """A server and a name server that comes and goes."""

    def begin(self, *, name_server: bool = True) -> World:
        """A server, stopped at the end of the test."""
        self.world = World(name_server=name_server)
        self.addCleanup(self.end)
        return self.world

    def end(self) -> None:
        """Stop, and show that nothing goes on."""
        self.world.stop()
        if NAME_SERVER in self.world.network._listening:
            self.lose()
        self.world.pass_time(0.1)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def lose(self) -> None:
        """The name server goes away."""
        self.world.network.silence(NAME_SERVER)
        self.world.network.cut(NAME_SERVER)
        self.world.pass_time(0.01)

    def find(self) -> None:
        """The name server comes."""
        self.world.network.listen(NAME_SERVER, self.world.nm.factory)
        self.world.pass_time(2.5)

    def heard(self, kind: type[Request[Any]]) -> list[Request[Any]]:
        """What the name server heard of one kind."""
        return [one for one in self.world.nm.heard if isinstance(one, kind)]

    def put(self, text: bytes) -> float:
        """Change the document; how many seconds the answer took."""
        connection = self.world.call()
        began = self.world.clock.seconds()
        self.world.result(connection.ask(Put(self.world.ticket()), text))
        connection.close()
        return self.world.clock.seconds() - began

    def test_first(self) -> None:
        """A new server registers as what it is, and belongs to the cluster from then on."""
        world = self.begin()
        [registration] = self.heard(SSRegister)
        self.assertEqual(registration, SSRegister(SERVER, "a" * 32, "", 0, 0, 0, 0, 0))
        self.assertEqual(world.disk.identity.cluster_id, CLUSTER)
        self.assertEqual(world.disk.identity.epoch, 1)
        self.assertTrue(world.server.link.registered)

    def test_heartbeats(self) -> None:
        """A heartbeat comes at once and every 5 s, with what the server holds."""
        world = self.begin()
        self.assertEqual(self.heard(Heartbeat), [Heartbeat(1, 0, 0)])
        world.create()
        world.pass_time(60)
        beats = self.heard(Heartbeat)
        # A sum of floats may make one of them two.
        self.assertIn(len(beats), (13, 14))
        self.assertEqual(beats[-1], Heartbeat(1, 1, 0))

    def test_later(self) -> None:
        """A server that is there first waits without a word, and is found within seconds."""
        world = self.begin(name_server=False)
        world.pass_time(300)
        self.assertFalse(world.server.link.registered)
        self.find()
        self.assertTrue(world.server.link.registered)

    def test_again(self) -> None:
        """When the name server comes back it is found within seconds, and hears what it missed."""
        world = self.begin()
        world.create()
        self.lose()
        self.assertFalse(world.server.link.registered)
        self.put(b"one")
        self.put(b"two")
        world.nm.noted = 1
        self.find()
        self.assertTrue(world.server.link.registered)
        self.assertEqual([note.seq for note in world.nm.notes()], [1, 3])
        self.assertEqual(world.nm.notes()[-1].size, 3)

    def test_silent(self) -> None:
        """A name server that does not answer heartbeats is given up and looked for again."""
        world = self.begin()
        world.nm.answers = False
        world.pass_time(16)
        self.assertEqual(len(self.heard(SSRegister)), 2)

    def test_refused(self) -> None:
        """A server that is not wanted asks rarely, and goes on serving nobody's documents."""
        world = self.begin(name_server=False)
        world.nm.refusal = Conflict("ss1 is another disk; say how to replace it")
        self.find()
        world.pass_time(60)
        self.assertIn(len(self.heard(SSRegister)), range(3, 10))
        self.assertFalse(world.server.link.registered)
        world.nm.refusal = None
        world.pass_time(16)
        self.assertTrue(world.server.link.registered)

    def test_other_cluster(self) -> None:
        """A server does not change sides."""
        world = self.begin()
        self.lose()
        world.nm.cluster = "d" * 32
        self.find()
        world.pass_time(30)
        self.assertFalse(world.server.link.registered)
        self.assertEqual(world.disk.identity.cluster_id, CLUSTER)

    def test_goodbye(self) -> None:
        """A server that is stopped says so; one whose name server is silent stops all the same."""
        world = self.begin()
        world.stop()
        self.assertEqual(world.nm.heard[-1], Goodbye("the server stops"))
        world.start()
        world.nm.answers = False
        before = world.clock.seconds()
        world.stop()
        self.assertLess(world.clock.seconds() - before, 2.0)
        world.start()

    def test_restart(self) -> None:
        """H15: after a restart everything is there, and the name server hears what it missed."""
        world = self.begin()
        world.create()
        self.put(b"text")
        world.stop()
        world.nm.heard.clear()
        world.start()
        [registration] = self.heard(SSRegister)
        self.assertEqual(registration, SSRegister(SERVER, "a" * 32, CLUSTER, 1, 2, 1, 4, 0))
        [note] = world.nm.notes()
        self.assertEqual((note.seq, note.size, note.modified_by), (2, 4, "alice"))

    def test_put_back(self) -> None:
        """A disk that was put back to an older state is described from the beginning."""
        world = self.begin()
        world.create()
        self.lose()
        world.nm.noted = 1_000
        world.nm.heard.clear()
        self.find()
        self.assertEqual([note.seq for note in world.nm.notes()], [1])


class NoteTests(LinkTests):
    """Notes."""

    def test_before_the_answer(self) -> None:
        """A client is answered when the name server has heard of the change."""
        world = self.begin()
        world.create()
        self.assertLess(self.put(b"one"), 0.05)
        self.assertEqual(world.nm.notes()[-1].words, 1)

    def test_bounded(self) -> None:
        """A name server that does not answer costs one client a second, and then nobody."""
        world = self.begin()
        world.create()
        world.nm.answers = False
        self.assertGreater(self.put(b"one"), 1.0)
        self.assertLess(self.put(b"two"), 0.1)
        world.nm.catch_up()
        world.pass_time(0.1)
        self.assertLess(self.put(b"three"), 0.1)
        self.assertEqual([note.seq for note in world.nm.notes()], [1, 2, 3, 4])

    def test_no_name_server(self) -> None:
        """Without a name server clients with a ticket are served, and wait for nothing."""
        world = self.begin()
        world.create()
        self.lose()
        self.assertLess(self.put(b"one"), 0.1)

    def test_lost_while_waiting(self) -> None:
        """Who waits for a note is answered when the name server goes away."""
        world = self.begin()
        world.create()
        world.nm.answers = False
        asked = world.call().ask(Put(world.ticket()), b"one")
        world.pass_time(0.1)
        self.assertNoResult(asked)
        self.lose()
        world.pass_time(0.1)
        self.successResultOf(asked)
        world.nm.answers = True
        self.find()

    def test_order_and_window(self) -> None:
        """Notes leave in order, with a bounded number unanswered, and none is left out."""
        world = self.begin()
        world.create()
        world.nm.answers = False
        connections = [world.call() for _ in range(10)]
        asked: list[Deferred[Committed]] = []
        for number in range(40):
            asked += [one.ask(Append(world.ticket(), f"{number} ")) for one in connections]
        world.pass_time(2.5)
        for one in asked:
            self.successResultOf(one)
        self.assertEqual(len(world.nm.notes()), WINDOW + 1)
        world.nm.catch_up()
        world.pass_time(1)
        seqs = [note.seq for note in world.nm.notes()]
        self.assertEqual(seqs, sorted(set(seqs)))
        self.assertEqual(seqs[-1], 401)
        self.assertEqual(world.server.notes.acknowledged, 401)

    def test_inventory(self) -> None:
        """A name server that knows nothing hears of every document, in pages."""
        world = self.begin(name_server=False)
        world.nm.epoch = 0
        self.find()
        world.nm.answers = False
        nm = world.call_as_nm()
        count = PAGE * 2 + 10
        for number in range(count):
            nm.ask(metadata_of(number))
        world.pass_time(2)
        self.assertEqual(len(world.disk.documents), count)
        self.lose()
        world.nm.heard.clear()
        world.nm.catch_up()
        self.find()
        self.assertEqual([note.seq for note in world.nm.notes()], list(range(1, count + 1)))
        nm.close()

    def test_refused_note(self) -> None:
        """A note that the name server refuses is logged and does not stop the others."""
        world = self.begin()
        world.create()

        def refuse(request: WriteComplete, exchange: object) -> Done:
            if request.seq == 2:
                raise Conflict("no")
            world.nm.heard.append(request)
            return Done()

        world.nm.handlers[WriteComplete] = refuse
        self.put(b"one")
        self.assertLess(self.put(b"two"), 0.1)
        self.assertEqual([note.seq for note in world.nm.notes()], [1, 3])


def metadata_of(number: int) -> Request[Done]:
    """An order to make one of many documents."""
    return evolve(metadata(f"{number:016x}", (), 1, create=True), epoch=0, name=f"{number}.txt")
