"""The library against servers that say what a test wants."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.failures import NoNameServer, Unanswered
from dfs.client.session import Session
from dfs.errors import Busy, Corrupt, Invalid, Moved, NotFound, Unauthorized, Unavailable
from dfs.wire.messages import (
    AddAccess,
    Append,
    Committed,
    Create,
    Created,
    Delete,
    Done,
    Facts,
    GetInfo,
    ListUsers,
    Locate,
    Me,
    Put,
    Read,
    RemAccess,
    Stat,
    Stop,
    Undo,
    UserLine,
    WhoAmI,
)
from tests.client.desk import Desk
from tests.client.stage import (
    NAME_SERVER,
    OTHER_NAME_SERVER,
    OTHER_STORAGE,
    STORAGE,
    Stage,
    content,
    cut_after,
    located,
    some_info,
)

COMMITTED = Committed("2.0", 5, 1, 5)


class SessionCase(SynchronousTestCase):
    """A stage and one person on it."""

    def setUp(self) -> None:
        self.stage = Stage()
        self.addCleanup(self.stage.close)
        self.alice: Session = self.stage.session()
        self.nm, self.ss, self.other = self.stage.nm, self.stage.ss, self.stage.other
        self.run_ = self.stage.run

    def desk(self, *, json: bool = False, terminal: bool = False) -> Desk:
        """The C{dfs} command on top of it."""

        def run(command: Awaitable[int]) -> int:
            async def wait() -> int:
                return await command

            return self.run_(Deferred.fromCoroutine(wait()))

        return Desk(self.alice, run, json=json, terminal=terminal)

    def refused(self, deferred: Deferred[Any], error: type[Exception]) -> str:
        """The message of a failure."""
        with self.assertRaises(error) as caught:
            self.run_(deferred)
        self.assertIs(type(caught.exception), error)
        return str(caught.exception)


class LocationTests(SessionCase):
    """Which server is asked."""

    def test_repeated_read(self) -> None:
        """A repeated READ is one question to one server."""
        self.ss.answers[Read] = content(b"hello")
        for _ in range(3):
            self.assertEqual(self.run_(self.alice.read("a.txt")), b"hello")
        self.assertEqual(self.nm.asked, ["LOCATE"])
        self.assertEqual(self.ss.asked, ["READ"] * 3)
        self.assertEqual(self.stage.dialled, [NAME_SERVER, STORAGE])

    def test_spellings(self) -> None:
        """A path with and without a leading slash is one document."""
        self.ss.answers[Read] = content(b"hello")
        self.run_(self.alice.read("/a.txt"))
        self.run_(self.alice.read("a.txt"))
        self.assertEqual([getattr(r, "path", "") for r in self.nm.requests], ["a.txt"])

    def test_ticket_ends(self) -> None:
        """When the ticket is about to end, the name server is asked again."""
        self.ss.answers[Read] = content(b"hello")
        self.run_(self.alice.read("a.txt"))
        self.stage.advance(56)
        self.run_(self.alice.read("a.txt"))
        self.assertEqual(self.nm.asked, ["LOCATE"] * 2)

    def test_moved(self) -> None:
        """After MOVED the name server is asked again, at once, and the new server is used."""
        self.ss.answers[Read] = content(b"old")
        self.run_(self.alice.read("a.txt"))
        self.ss.answers[Read] = Moved("not here")
        self.other.answers[Read] = content(b"new")
        self.stage.place = OTHER_STORAGE
        began = self.stage.clock.seconds()
        self.assertEqual(self.run_(self.alice.read("a.txt")), b"new")
        self.assertLess(self.stage.clock.seconds() - began, 0.05)

    def test_change_moved(self) -> None:
        """MOVED means that nothing was done: a change is sent to the new server, once."""
        self.ss.answers[Append] = Moved("not here")
        self.other.answers[Append] = COMMITTED
        self.nm.answers[Locate] = [
            located("a.txt", STORAGE, self.stage.wall()),
            located("a.txt", OTHER_STORAGE, self.stage.wall()),
        ]
        self.assertEqual(self.run_(self.alice.append("a.txt", "x")), COMMITTED)
        self.assertEqual((self.ss.asked, self.other.asked), (["APPEND"], ["APPEND"]))

    def test_made_anew(self) -> None:
        """A document that was deleted and made anew elsewhere is found, in spite of the cache."""
        self.ss.answers[Read] = content(b"first")
        self.run_(self.alice.read("a.txt"))
        self.ss.answers[Read] = [NotFound("buried"), content(b"second")]
        self.assertEqual(self.run_(self.alice.read("a.txt")), b"second")

    def test_refused_with_new_ticket(self) -> None:
        """A refusal with a new ticket is final."""
        self.ss.answers[Read] = Unauthorized("no")
        self.assertEqual(self.refused(self.alice.read("a.txt"), Unauthorized), "no")
        self.assertEqual(self.ss.asked, ["READ"])


class RetryTests(SessionCase):
    """What servers do to a session that are away, slow or restarted."""

    def test_server_away(self) -> None:
        """A change waits for a server that refuses connections, and is then made once."""
        self.stage.network.silence(STORAGE)
        self.ss.answers[Undo] = COMMITTED
        undone = self.alice.undo("a.txt")
        self.stage.advance(3)
        self.assertNoResult(undone)
        self.stage.network.listen(STORAGE, self.ss.factory)
        self.assertEqual(self.run_(undone, 5), COMMITTED)
        self.assertEqual(self.ss.asked, ["UNDO"])

    def test_patience_ends(self) -> None:
        """When the patience is over, the message says which server is away."""
        self.stage.network.silence(STORAGE)
        with self.assertRaises(Unavailable) as caught:
            self.run_(self.stage.session(patience=5.0).undo("a.txt"), 6)
        self.assertIn("ss1", str(caught.exception))

    def test_busy(self) -> None:
        """A busy server is asked again a little later."""
        self.ss.answers[Append] = [Busy("later"), Busy("later"), COMMITTED]
        self.assertEqual(self.run_(self.alice.append("a.txt", "x"), 2), COMMITTED)

    def test_nobody_home(self) -> None:
        """While the name server says that no server is there, it is asked again."""
        self.nm.answers[Locate] = [Unavailable("away")] * 3 + [self.stage.locate]
        self.ss.answers[Read] = content(b"hello")
        self.assertEqual(self.run_(self.alice.read("a.txt"), 2), b"hello")

    def test_read_again(self) -> None:
        """A READ whose server goes away without a word is asked again."""
        self.ss.answers[Read] = [self.ss.hang_up, content(b"hello")]
        self.assertEqual(self.run_(self.alice.read("a.txt"), 2), b"hello")

    def test_frozen(self) -> None:
        """A READ that is never answered is asked again on a new connection."""
        self.ss.answers[Read] = [self.ss.be_silent, content(b"hello")]
        self.assertEqual(self.run_(self.alice.read("a.txt"), 60), b"hello")
        self.assertEqual(self.stage.dialled.count(STORAGE), 2)

    def test_change_in_doubt(self) -> None:
        """A change whose answer was lost is not repeated; the error says how to find out."""
        for lose in (self.ss.hang_up, self.ss.be_silent):
            self.ss.asked.clear()
            self.ss.answers[Append] = lose
            message = self.refused(self.alice.append("a.txt", "x"), Unanswered)
            self.assertIn("not known", message)
            self.assertIn("READ a.txt", message)
            self.assertEqual(self.ss.asked, ["APPEND"])

    def test_name_in_doubt(self) -> None:
        """CREATE, DELETE and REMACCESS are not repeated if their answer was lost."""
        for verb, do in (
            (Create, partial(self.alice.create, "a.txt")),
            (Delete, partial(self.alice.delete, "a.txt")),
            (RemAccess, partial(self.alice.rem_access, "a.txt", "bob")),
        ):
            self.nm.asked.clear()
            self.nm.answers[verb] = self.nm.hang_up
            self.assertIn("INFO a.txt", self.refused(do(), Unanswered))
            self.assertEqual(self.nm.asked, [verb.verb])

    def test_grant_again(self) -> None:
        """Granting is repeated: twice is as good as once."""
        self.nm.answers[AddAccess] = [self.nm.hang_up, Done()]
        self.run_(self.alice.add_access("a.txt", "bob", "r"))
        self.assertEqual(self.nm.asked, ["ADDACCESS"] * 2)

    def test_restarted_name_server(self) -> None:
        """A name server that restarts between two questions is not noticed."""
        self.nm.answers[WhoAmI] = Me("alice")
        self.run_(self.alice.whoami())
        self.stage.network.silence(NAME_SERVER)
        self.stage.network.cut(NAME_SERVER)
        asked = self.alice.whoami()
        self.stage.advance(4)
        self.stage.network.listen(NAME_SERVER, self.nm.factory)
        self.assertEqual(self.run_(asked, 5), "alice")

    def test_list_again(self) -> None:
        """A list that was cut comes whole or not at all."""

        def cut(request: Any, exchange: Any) -> Any:
            exchange.item(UserLine("alice", True))
            return self.nm.hang_up(request, exchange)

        def whole(request: Any, exchange: Any) -> Any:
            from dfs.wire.messages import Count

            exchange.item(UserLine("alice", True))
            exchange.item(UserLine("bob", False))
            return Count(2)

        self.nm.answers[ListUsers] = [cut, whole]
        self.assertEqual([line.user for line in self.run_(self.alice.users())], ["alice", "bob"])


class NameServerTests(SessionCase):
    """Which name server is asked, and when nobody is there."""

    def test_in_turn(self) -> None:
        """A name server that is not there is passed over, and comes last from then on."""
        self.nm.answers[WhoAmI] = Me("alice")
        session = self.stage.session(OTHER_NAME_SERVER, NAME_SERVER)
        self.run_(session.whoami())
        self.stage.network.cut(NAME_SERVER)
        self.stage.advance(0.1)
        self.run_(session.whoami())
        expected = [OTHER_NAME_SERVER, NAME_SERVER, NAME_SERVER]
        self.assertEqual(self.stage.dialled, expected)

    def test_never_reached(self) -> None:
        """A name server that was never reached is given up within three seconds."""
        session = self.stage.session(OTHER_NAME_SERVER)
        with self.assertRaises(NoNameServer) as caught:
            self.run_(session.whoami(), 3)
        self.assertIn(OTHER_NAME_SERVER, str(caught.exception))

    def test_silent(self) -> None:
        """A name server that takes connections and says nothing is given up as soon."""
        silent = self.stage.session()
        from dfs.wire.messages import Hello

        self.nm.answers[Hello] = self.nm.be_silent
        with self.assertRaises(NoNameServer):
            self.run_(silent.whoami(), 3)

    def test_someone_else(self) -> None:
        """A storage server is not taken for a name server."""
        with self.assertRaises(NoNameServer) as caught:
            self.run_(self.stage.session(STORAGE).whoami())
        self.assertIn("no name server", str(caught.exception))

    def test_one_connection(self) -> None:
        """Many questions at once share one connection."""
        self.nm.answers[WhoAmI] = Me("alice")
        asked = [self.alice.whoami() for _ in range(5)]
        self.stage.advance(1)
        self.assertEqual([self.successResultOf(one) for one in asked], ["alice"] * 5)
        self.assertEqual(self.stage.dialled, [NAME_SERVER])

    def test_cancelled(self) -> None:
        """One who gives up while a connection is made does not disturb the others."""
        self.nm.answers[WhoAmI] = Me("alice")
        impatient, patient = self.alice.whoami(), self.alice.whoami()
        impatient.cancel()
        self.assertEqual(self.run_(patient), "alice")
        self.failureResultOf(impatient)

    def test_bad_user(self) -> None:
        """What the name server says about a user's name is final."""
        from dfs.wire.messages import Hello

        self.nm.answers[Hello] = Invalid("no such name can be")
        self.assertEqual(self.refused(self.alice.whoami(), Invalid), "no such name can be")


class InfoTests(SessionCase):
    """INFO asks both servers."""

    def setUp(self) -> None:
        super().setUp()
        self.nm.answers[GetInfo] = lambda request, exchange: some_info(request.path)

    def test_both(self) -> None:
        """The storage server's figures are there too."""
        facts = Facts("3.0", 9, 2, 9, 1, True, "cd" * 32, 5.0, "x", 6.0, "y", 1, 0, (), (), ())
        self.ss.answers[Stat] = facts
        known = self.run_(self.alice.info("a.txt"))
        self.assertEqual((known.index, known.facts, known.note), (some_info("a.txt"), facts, ""))

    def test_server_away(self) -> None:
        """Without the storage server there is an answer at once, which says so."""
        self.stage.network.silence(STORAGE)
        known = self.run_(self.alice.info("a.txt"), 3)
        self.assertIsNone(known.facts)
        self.assertIn("ss1", known.note)


class DownloadTests(SessionCase):
    """Large documents on their way in."""

    def test_connection_of_its_own(self) -> None:
        """A download does not stand in the way of other questions, nor keep its connection."""
        self.ss.answers[Read] = content(b"hello")
        self.ss.answers[Undo] = COMMITTED
        self.run_(self.alice.undo("a.txt"))
        for _ in range(2):
            download = self.run_(self.alice.open_read("a.txt"))
            self.assertEqual(self.run_(download.read()), b"hello")
            self.assertEqual(self.run_(download.read()), b"")
        self.assertEqual(self.stage.dialled.count(STORAGE), 2)

    def test_cut_early(self) -> None:
        """A download that is cut in its first part is begun again, unnoticed."""
        self.ss.answers[Read] = [cut_after(b"hel"), content(b"hello")]
        download = self.run_(self.alice.open_read("a.txt"))
        self.assertEqual(self.run_(download.read()), b"hello")

    def test_cut_late(self) -> None:
        """A download that is cut later fails: half a document never passes for the whole."""
        piece = bytes(512 * 1024)
        self.ss.answers[Read] = cut_after(piece, piece, piece)
        download = self.run_(self.alice.open_read("a.txt"))
        with self.assertRaises(Unavailable):
            while self.run_(download.read()):
                pass

    def test_damaged(self) -> None:
        """Bytes that do not have their hash are an error."""

        def damage(request: Any, exchange: Any) -> Stop:
            exchange.data(b"hello")
            return Stop(5, "00" * 32)

        self.ss.answers[Read] = damage
        self.refused(self.alice.read("a.txt"), Corrupt)

    def test_frozen(self) -> None:
        """A download whose server falls silent fails when the patience is over."""
        piece = bytes(512 * 1024)

        def freeze(request: Any, exchange: Any) -> Deferred[Any]:
            for _ in range(3):
                exchange.data(piece)
            return Deferred()

        self.ss.answers[Read] = freeze
        download = self.run_(self.alice.open_read("a.txt"))
        with self.assertRaises(Unavailable):
            while self.run_(download.read(), 60):
                pass

    def test_closed(self) -> None:
        """A download that is not wanted any more ends with its connection."""
        piece = bytes(2 * 1024 * 1024)
        self.ss.answers[Read] = content(piece)
        download = self.run_(self.alice.open_read("a.txt"))
        download.close()
        self.assertEqual(self.run_(download.read()), b"")
        self.stage.advance(1)
        self.assertEqual(len(self.ss.factory.connections), 0)


class PutTests(SessionCase):
    """Whole contents on their way out."""

    def setUp(self) -> None:
        super().setUp()
        self.received: list[bytes] = []
        self.ss.answers[Put] = self.take

    async def take(self, request: Put, exchange: Any) -> Committed:
        """Read a content as a storage server would."""
        if exchange.content is None:
            self.received.append(exchange.body or b"")
        else:
            pieces = []
            while piece := await exchange.content.read():
                pieces.append(piece)
            self.received.append(b"".join(pieces))
        return COMMITTED

    def test_sizes(self) -> None:
        """Contents of every size arrive as they are."""
        for size in (0, 1, 65_536, 65_537, 1_000_000):
            whole = bytes(range(256)) * (size // 256) + bytes(size % 256)
            self.run_(self.alice.put("a.txt", whole))
            self.assertEqual(self.received.pop(), whole)

    def test_new_document(self) -> None:
        """A document that is not there is made first."""
        self.nm.answers[Locate] = [NotFound("no"), self.stage.locate]
        self.nm.answers[Create] = Created("0" * 16)
        self.run_(self.alice.put("a.txt", b"hello"))
        self.assertEqual(self.nm.asked, ["LOCATE", "CREATE", "LOCATE"])
        self.assertEqual(self.received, [b"hello"])

    def test_cut(self) -> None:
        """A large content that is cut in the middle is sent again from its start."""
        whole = bytes(3_000_000)

        async def break_off(request: Put, exchange: Any) -> Any:
            await exchange.content.read()
            exchange.peer.close()
            return await Deferred()

        self.ss.answers[Put] = [break_off, self.take]
        self.run_(self.alice.put("a.txt", whole))
        self.assertEqual(self.received, [whole])

    def test_in_doubt(self) -> None:
        """A content whose answer was lost after its end is not sent again."""
        for whole in (b"small", bytes(300_000)):
            self.ss.asked.clear()

            async def keep_quiet(request: Put, exchange: Any) -> Any:
                await self.take(request, exchange)
                exchange.peer.close()
                return await Deferred()

            self.ss.answers[Put] = keep_quiet
            self.refused(self.alice.put("a.txt", whole), Unanswered)
            self.assertEqual(self.ss.asked, ["PUT"])

    def test_source_fails(self) -> None:
        """A local file that cannot be read any more is the error that is told."""

        class Broken:
            """Reads well at first."""

            def __init__(self) -> None:
                self.left = 2

            def read(self) -> bytes:
                """Two pieces, then trouble."""
                self.left -= 1
                if self.left < 0:
                    raise OSError("the disk is gone")
                return bytes(100_000)

        with self.assertRaises(OSError):
            self.run_(self.alice.put("a.txt", Broken))
        self.assertEqual(self.received, [])

    def test_stalled(self) -> None:
        """A server that takes no more content is given up after a while."""

        def stall(request: Put, exchange: Any) -> Deferred[Any]:
            return Deferred()

        self.ss.answers[Put] = stall
        with self.assertRaises(Unavailable):
            self.run_(self.stage.session(patience=1.0).put("a.txt", bytes(9_000_000)), 100)

    def test_refused(self) -> None:
        """A refusal in the middle of a content ends the sending."""
        self.ss.answers[Put] = Unauthorized("no")
        self.assertEqual(
            self.refused(self.alice.put("a.txt", bytes(9_000_000)), Unauthorized), "no"
        )
