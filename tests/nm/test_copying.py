"""What the peer lacks is copied to it."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.core.pairs import PairState
from dfs.core.versions import Version
from dfs.errors import Conflict, Corrupt, NotFound
from dfs.nm.jobs import SMALL_BYTES
from dfs.nm.relay import STILL_SECONDS
from dfs.wire.messages import (
    AddAccess,
    Delete,
    DeleteFile,
    GetFileContent,
    PutFileContent,
    PutMetadata,
    Renote,
)
from tests.nm.pairs import Held, PairRig
from tests.nm.shelf import parts, record
from tests.nm.texts import ID, LARGE, MEDIUM


class CopyingTests(PairRig):
    """
    What the active member has goes to the peer.
    """

    def test_stages(self) -> None:
        """It is fetched, pushed as it came, and known to be there, also after a restart."""
        self.write(1)
        self.wait(1)
        self.assertEqual(self.ss1.shelf.calls, [GetFileContent(ID, 1)])
        self.assertEqual(self.backup.shelf.calls, [PutFileContent(ID, 1)])
        [(_, body)] = self.backup.shelf.taken
        self.assertEqual(parts(body), [record("5.0")])
        self.assertTrue(self.equal())
        self.assertEqual(self.disk.documents[1].backup.version, Version(5, 0))
        [done] = self.logged("replication_job_done")
        fields = {name: done[name] for name in ("pair", "document", "version", "bytes")}
        self.assertEqual(
            fields, {"pair": "ss1", "document": ID, "version": "5.0", "bytes": len(body)}
        )

    def test_at_once(self) -> None:
        """A job begins in the turn in which a change is learned; nothing polls."""
        self.nm.index.learn(self.entry(), Version(5, 0), 7, home=True)
        self.wait(0.00015)
        self.assertEqual(self.ss1.shelf.calls, [GetFileContent(ID, 1)])

    def test_coalesced(self) -> None:
        """What changes while a job runs is copied once more, however often it changes."""
        held = self.backup.shelf.gate = Held(PutFileContent)
        for version in ("5.0", "6.0", "7.0", "8.0"):
            self.write(1, version)
        self.wait(0.1)
        self.assertEqual((held.waiting, len(self.ss1.shelf.calls)), (1, 1))
        held.open()
        self.wait(0.1)
        self.assertTrue(self.equal())
        self.assertTrue(self.copied(1, "8.0"))
        self.assertEqual([len(one.shelf.calls) for one in (self.ss1, self.backup)], [2, 2])

    def test_repeated(self) -> None:
        """A peer that has it already says so, and that is that."""
        self.backup.shelf.has(ID, "5.0")
        self.write(1)
        self.wait(0.1)
        self.assertTrue(self.equal())

    def test_gone(self) -> None:
        """What is deleted before it is fetched is no failure, and nothing of it comes back."""
        held = self.ss1.shelf.gate = Held(GetFileContent)
        self.write(1)
        del self.ss1.shelf.records[ID]
        self.ss1.note(ID, "6.0", metadata_number=7, deleted=True)
        held.open()
        self.wait(1)
        self.assertEqual(self.backup.shelf.calls, [])
        self.assertEqual(self.backup.orders, [DeleteFile(ID, 1, "")])
        self.assertEqual(self.logged("replication_job_failed"), [])
        self.assertTrue(self.equal())

    def test_gone_meanwhile(self) -> None:
        """What is deleted while it is pushed stays deleted, whatever the peer answers then."""
        held = self.backup.shelf.gate = Held(PutFileContent)
        self.write(1)
        self.wait(0.1)
        self.ask(self.person("alice"), Delete("1.txt"))
        held.open()
        self.wait(1)
        self.assertIsNone(self.nm.index.by_id(1))
        self.assertEqual(self.backup.orders[-1], DeleteFile(ID, 1, ""))
        self.assertTrue(self.equal())

    def test_metadata(self) -> None:
        """When only the access list is new, nobody is asked for the document."""
        self.person("bob")
        self.ask(self.person("alice"), AddAccess("1.txt", "bob", "r"))
        self.wait(0.1)
        [order] = self.backup.orders
        assert isinstance(order, PutMetadata)
        self.assertEqual((order.id, order.grants, order.number), (ID, ("r:bob",), 8))
        self.assertEqual(self.ss1.shelf.calls + self.backup.shelf.calls, [])
        self.assertTrue(self.equal())

    def test_metadata_of_nothing(self) -> None:
        """A peer that lost the document gets all of it."""

        def lost(order: object) -> None:
            raise NotFound("there is no such document here")

        self.backup.script = lost
        del self.backup.shelf.records[ID]
        self.ss1.shelf.has(ID, "4.0", number=8)
        self.person("bob")
        self.ask(self.person("alice"), AddAccess("1.txt", "bob", "r"))
        self.wait(0.1)
        self.assertTrue(self.copied(1, "4.0"))
        self.assertTrue(self.equal())

    def test_conflict(self) -> None:
        """A peer that has something of its own is asked what, and it is judged, then copied."""
        refusals = [Conflict("this member has 4.1, which is beside 5.0")]

        def refuse(request: object) -> None:
            if isinstance(request, PutFileContent) and refusals:
                raise refusals.pop()
            if isinstance(request, Renote):
                note = self.backup.noted(ID, "4.1", metadata_number=7)
                self.clock.callLater(0, self.backup.say, note)

        self.backup.shelf.has(ID, "4.1")
        self.backup.shelf.gate = refuse
        self.write(1)
        self.wait(2)
        self.assertEqual(self.backup.shelf.called(Renote), [Renote(ID, 1)])
        [judging] = self.ss1.shelf.called(PutFileContent)
        self.assertEqual(judging, PutFileContent(ID, 1, "ss1_backup"))
        self.assertTrue(self.copied(1, "6.1"))
        self.assertTrue(self.equal())
        [event] = self.logged("recovery_conflict")
        fields = {one: event[one] for one in ("server", "document", "path", "version", "orphan")}
        self.assertEqual(
            fields,
            {
                "server": "ss1_backup",
                "document": ID,
                "path": "1.txt",
                "version": "6.1",
                "orphan": "4.1",
            },
        )

    def test_another_epoch(self) -> None:
        """An answer that comes when another member serves is only what is known of who gave it."""
        held = self.backup.shelf.gate = Held(PutFileContent)
        self.write(1)
        self.wait(0.1)
        self.members.remove(self.ss1)
        self.ss1.goodbye()
        self.wait(0.1)
        self.assertEqual(self.place().pair.state, PairState.FAILED_OVER)
        self.assertEqual(list(self.place().behind), [self.entry()])
        held.open()
        self.wait(0.1)
        self.assertEqual(self.entry().version, Version(5, 0))
        self.assertTrue(self.equal())


class ContentTests(PairRig):
    """
    What the peer lacks is pushed with the record.
    """

    def test_medium(self) -> None:
        """Contents that fit into memory share the connections that are there."""
        connections = len(self.network.links)
        self.write(1, "5.0", MEDIUM, b"undo")
        self.wait(0.1)
        self.assertTrue(self.copied(1))
        [(_, body)] = self.backup.shelf.taken
        self.assertEqual(parts(body), [record("5.0", MEDIUM, b"undo"), MEDIUM, b"undo"])
        self.assertEqual(len(self.network.links), connections)

    def test_only_what_lacks(self) -> None:
        """What the peer has of other versions is not sent again."""
        self.write(1, "5.0", MEDIUM)
        self.wait(0.1)
        self.write(1, "6.0", MEDIUM, b"more")
        self.wait(0.1)
        [_, (_, body)] = self.backup.shelf.taken
        self.assertEqual(parts(body)[1:], [b"more"])

    def test_large(self) -> None:
        """Large ones flow through connections of their own, which end with the transfer."""
        connections = len(self.network.links)
        most: list[int] = []

        def count(at: int) -> None:
            most.append(len(self.network.links))

        self.ss1.shelf.sending = count
        self.write(1, "5.0", LARGE, b"undo", size=len(LARGE))
        self.wait(5)
        self.assertTrue(self.copied(1))
        [(_, body)] = self.backup.shelf.taken
        self.assertTrue(parts(body)[1:] == [LARGE, b"undo"])
        self.assertEqual(max(most), connections + 4)
        self.assertEqual(len(self.network.links), connections)
        [done] = self.logged("replication_job_done")
        self.assertGreater(done["bytes"], len(LARGE))

    def test_slow_peer(self) -> None:
        """The source waits for the peer, so little is held here; small ones do not wait."""
        self.backup.shelf.reading = Deferred()
        self.write(1, "5.0", LARGE, size=len(LARGE))
        self.wait(1)
        given = self.ss1.shelf.given
        self.wait(5)
        self.assertEqual(self.ss1.shelf.given, given)
        self.assertLess(given, len(LARGE))
        self.write(2)
        self.wait(0.1)
        self.assertTrue(self.copied(2))
        self.backup.shelf.reading.callback(None)
        self.wait(5)
        self.assertTrue(self.copied(1))

    def test_held(self) -> None:
        """What is under way to a peer that takes nothing more is held at its source, not here."""
        self.network.owners[self.backup.address] = "frozen"

        def freeze(at: int) -> None:
            if at == 1024 * 1024:
                self.network.frozen.add("frozen")

        self.ss1.shelf.sending = freeze
        self.write(1, "5.0", LARGE, size=len(LARGE))
        self.wait(10)
        # Half of it in this process, the other half on its way on the two connections.
        self.assertLess(self.ss1.shelf.given, (1024 + 512) * 1024)
        self.network.frozen.clear()
        self.network.opened()
        self.wait(5)
        self.assertTrue(self.copied(1))

    def test_source_dies(self) -> None:
        """A push whose source ends in the middle is void; it is made again."""
        deaths = [1]

        def die(at: int) -> None:
            if at > len(LARGE) // 2 and deaths:
                deaths.clear()
                raise Corrupt("the content is damaged")

        self.ss1.shelf.sending = die
        self.write(1, "5.0", LARGE, size=len(LARGE))
        self.wait(5)
        self.whole()
        [failed] = self.logged("replication_job_failed")
        self.assertEqual(failed["code"], "CORRUPT")

    def whole(self) -> None:
        """One push was void, and the next one was whole."""
        self.assertEqual(self.backup.shelf.voided, 1)
        [(_, body)] = self.backup.shelf.taken
        self.assertTrue(parts(body)[1] == LARGE)
        self.assertTrue(self.copied(1))

    def test_source_is_lost(self) -> None:
        """So is one whose source breaks its connection."""
        stuck: Deferred[None] = Deferred()
        self.ss1.shelf.sending = lambda at: stuck if at > len(LARGE) // 2 else None
        self.write(1, "5.0", LARGE, size=len(LARGE))
        self.wait(3)
        self.ss1.shelf.sending = lambda at: None
        self.network.cut(self.ss1.address)
        self.live(12)
        self.whole()

    def test_nothing_moves(self) -> None:
        """A transfer of which nothing comes for 30 s is given up; others never waited for it."""
        stuck: Deferred[None] = Deferred()
        self.ss1.shelf.sending = lambda at: stuck if at else None
        self.write(1, "5.0", LARGE, size=len(LARGE))
        self.live(STILL_SECONDS - 1)
        self.assertEqual(self.logged("replication_job_failed"), [])
        self.ss1.shelf.sending = lambda at: None
        self.live(2)
        [failed] = self.logged("replication_job_failed")
        self.assertEqual((failed["document"], failed["code"]), (ID, "UNAVAILABLE"))
        self.write(2)
        self.live(5)
        self.assertTrue(self.copied(2))
        self.assertTrue(self.copied(1))

    def test_changes_while_copied(self) -> None:
        """A peer that lacks something once more gets it at the next try."""
        again = [True]

        def forget(request: object) -> None:
            if isinstance(request, PutFileContent) and again and self.ss1.shelf.given:
                again.clear()
                self.ss1.shelf.has(ID, "6.0", b"b")

        self.write(1, "5.0", b"a")
        self.backup.shelf.gate = forget
        self.wait(0.1)
        self.write(1, "6.0", b"b")
        self.wait(1)
        self.assertTrue(self.copied(1, "6.0"))

    def test_small_bytes(self) -> None:
        """The line between the two is drawn at what the transport reads at one go."""
        self.assertLess(len(MEDIUM), SMALL_BYTES)
        self.assertGreater(len(LARGE), SMALL_BYTES)
