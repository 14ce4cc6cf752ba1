"""What a person at the library or the command sees of a server that is lost and replaced."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.errors import Conflict, Unavailable
from dfs.wire.messages import (
    Append,
    Create,
    Created,
    Facts,
    GetInfo,
    Hello,
    Locate,
    Located,
    Me,
    Opened,
    Put,
    Read,
    Stat,
    Stream,
    WhoAmI,
    Write,
)
from tests.client.stage import (
    NAME_SERVER,
    OTHER_STORAGE,
    STORAGE,
    Server,
    content,
    cut_after,
    located,
    some_info,
)
from tests.client.test_session import COMMITTED, SessionCase

#: Seconds until a server that fell silent is replaced, at worst.
DETECTION = 20.0

WAITS = "ss1 does not answer; waiting for it or its backup …\n"


class FailoverCase(SessionCase):
    """A server that is lost, and a backup that takes over when that was found out."""

    def freeze(self, server: Server) -> None:
        """From now on it takes connections and answers nothing."""
        for request in (Hello, Read, Write, Stat, Append, Put, Locate, WhoAmI):
            server.answers[request] = server.be_silent

    def fail_over(self) -> None:
        """The name server names the backup from now on."""
        self.stage.place = OTHER_STORAGE

    def later(self, seconds: float = DETECTION) -> None:
        """Fail over in so many seconds."""
        self.stage.clock.callLater(seconds, self.fail_over)


class RedirectTests(FailoverCase):
    """Nobody has to do anything."""

    def test_frozen_server(self) -> None:
        """A READ outlasts a server that takes connections and never answers, until failover."""
        self.ss.answers[Read] = content(b"old")
        self.run_(self.alice.read("a.txt"))
        self.freeze(self.ss)
        self.other.answers[Read] = content(b"new")
        self.later()
        self.assertEqual(self.run_(self.alice.read("a.txt"), DETECTION + 5), b"new")

    def test_frozen_at_once(self) -> None:
        """So does one that begins while the server does not even greet."""
        self.freeze(self.ss)
        self.other.answers[Read] = content(b"new")
        self.later()
        self.assertEqual(self.run_(self.alice.read("a.txt"), DETECTION + 5), b"new")

    def test_safe_change(self) -> None:
        """A change that was not sent waits for the failover, and is made once."""
        self.freeze(self.ss)
        self.other.answers[Append] = COMMITTED
        self.later()
        appended = self.alice.append("a.txt", "x")
        self.assertEqual(self.run_(appended, DETECTION + 5), COMMITTED)
        self.assertEqual((self.ss.asked.count("APPEND"), self.other.asked), (0, ["APPEND"]))

    def test_change_on_an_old_connection(self) -> None:
        """A change is not sent to a server that froze a while ago: so it is not in doubt."""
        self.ss.answers[Append] = COMMITTED
        self.run_(self.alice.append("a.txt", "x"))
        self.stage.advance(5.0)
        self.freeze(self.ss)
        self.other.answers[Append] = COMMITTED
        self.later()
        self.assertEqual(self.run_(self.alice.append("a.txt", "y"), DETECTION + 5), COMMITTED)
        self.assertEqual((self.ss.asked.count("APPEND"), self.other.asked), (1, ["APPEND"]))

    def test_change_on_a_frozen_name_server(self) -> None:
        """Nor is one that the name server was to make."""
        self.nm.answers[Create] = Created("0" * 16)
        self.run_(self.alice.create("a.txt"))
        self.stage.advance(5.0)
        self.nm.answers[WhoAmI] = [self.nm.be_silent, Me("alice")]
        self.run_(self.alice.create("b.txt"), 15)
        self.assertEqual(self.nm.asked.count("CREATE"), 2)

    def test_write_on_a_frozen_server(self) -> None:
        """A sentence that a frozen server did not lock is locked at the backup."""
        self.ss.answers[Read] = content(b"x")
        self.run_(self.alice.read("a.txt"))
        self.freeze(self.ss)
        self.other.answers[Write] = Opened("s2", 1, "Hello.")
        self.later()
        self.assertEqual(self.run_(self.alice.write("a.txt", 0), DETECTION + 5).sentence, "Hello.")

    def test_large_put_on_a_frozen_server(self) -> None:
        """A large content that a frozen server stopped taking goes to the backup, whole."""
        received = []

        async def take(request: Put, exchange: Any) -> Any:
            size = 0
            while piece := await exchange.content.read():
                size += len(piece)
            received.append(size)
            return COMMITTED

        self.ss.answers[Read] = content(b"x")
        self.run_(self.alice.read("a.txt"))
        self.freeze(self.ss)
        self.other.answers[Put] = take
        self.later()
        self.run_(self.alice.put("a.txt", bytes(3_000_000)))
        self.assertEqual(received, [3_000_000])

    def test_lease_over(self) -> None:
        """A server that may not serve any more is left for the one that may."""
        self.ss.answers[Append] = Unavailable("has not heard the name server for 12 s")
        self.other.answers[Append] = COMMITTED
        self.later(5.0)
        self.assertEqual(self.run_(self.alice.append("a.txt", "x"), 8), COMMITTED)
        self.assertGreater(self.nm.asked.count("LOCATE"), 1)

    def test_patience_of_a_failover(self) -> None:
        """Whoever waits waits for 30 s, counted from when the first try was in vain."""
        self.freeze(self.ss)
        began = self.stage.clock.seconds()
        with self.assertRaises(Unavailable):
            self.run_(self.alice.read("a.txt"))
        self.assertGreater(self.stage.clock.seconds() - began, 30.0)

    def test_info_after_failover(self) -> None:
        """INFO asks the server that serves now, not the one that did a moment ago."""
        self.ss.answers[Read] = content(b"x")
        self.run_(self.alice.read("a.txt"))
        self.stage.network.silence(STORAGE)
        self.stage.network.cut(STORAGE)
        self.nm.answers[GetInfo] = evolve(some_info("a.txt"), server="ss1_backup")
        facts = Facts("3.1", 9, 2, 9, 1, True, "cd" * 32, 5.0, "x", 6.0, "y", 1, 0, (), (), ())
        self.other.answers[Stat] = facts
        self.fail_over()
        self.assertEqual(self.run_(self.alice.info("a.txt")).facts, facts)

    def test_info_of_a_frozen_server(self) -> None:
        """INFO does without the figures of a server that does not answer, within seconds."""
        self.ss.answers[Read] = content(b"x")
        self.run_(self.alice.read("a.txt"))
        self.nm.answers[GetInfo] = some_info("a.txt")
        self.freeze(self.ss)
        self.assertIsNone(self.run_(self.alice.info("a.txt"), 5).facts)


class LargeReadTests(FailoverCase):
    """A download that loses its server in the middle."""

    piece = bytes(range(256)) * 2048

    def read_all(self) -> bytes:
        """Everything that comes."""
        download = self.run_(self.alice.open_read("a.txt"))
        whole = bytearray()
        while piece := self.run_(download.read()):
            whole += piece
        return bytes(whole)

    def test_goes_on(self) -> None:
        """The rest comes from the backup, nothing twice, nothing missing."""
        pieces = [self.piece + bytes([number]) for number in range(6)]
        self.ss.answers[Read] = cut_after(*pieces[:4])
        self.other.answers[Read] = content(b"".join(pieces))
        self.later(1.0)
        self.assertEqual(self.read_all(), b"".join(pieces))

    def test_another_text(self) -> None:
        """If the backup has another text, the reader hears it: two halves are no whole."""
        self.ss.answers[Read] = cut_after(*[self.piece] * 4)
        for changed in (b"x" * 4_000_000, self.piece):
            self.stage.place = STORAGE
            self.alice = self.stage.session()
            self.other.answers[Read] = content(changed)
            self.later(1.0)
            with self.assertRaises(Conflict) as caught:
                self.read_all()
            self.assertIn("changed while it was read", str(caught.exception))


class BehindTests(FailoverCase):
    """A document of which the server that is away has a newer version."""

    says = "a newer version of this document is on ss1, which is away"

    def setUp(self) -> None:
        super().setUp()
        self.ss.answers[Read] = content(b"old ")
        self.ss.answers[Stream] = content(b"old ")
        self.behind = True

        def behind(request: Locate, exchange: Any) -> Located:
            found = located(request.path, STORAGE, self.stage.wall())
            return evolve(found, server="ss1_backup", behind=self.behind)

        self.nm.answers[Locate] = behind

    def test_warning(self) -> None:
        """READ, STREAM and GET warn on standard error, and give what there is."""
        desk = self.desk()
        for line in ("READ a.txt", "STREAM a.txt", "GET a.txt -"):
            self.assertEqual((desk.type(line), desk.status), ("old ", 0))
            self.assertEqual(desk.complaints, f"warning: a.txt: {self.says}\n")

    def test_no_warning_after_it_is_over(self) -> None:
        """As soon as the newest version is there, nobody is warned."""
        desk = self.desk()
        desk.type("READ a.txt")
        self.behind = False
        desk.type("READ a.txt")
        self.assertEqual(desk.complaints, "")

    def test_programs(self) -> None:
        """--json has it as a field."""
        [record] = self.desk(json=True).records("READ a.txt")
        self.assertIs(record["behind"], True)

    def test_the_backup_is_away(self) -> None:
        """While the primary serves, it is its backup that has the newer version."""

        def at_home(request: Locate, exchange: Any) -> Located:
            return evolve(located(request.path, STORAGE, self.stage.wall()), behind=True)

        self.nm.answers[Locate] = at_home
        desk = self.desk()
        desk.type("READ a.txt")
        self.assertIn("on the backup of ss1, which is away", desk.complaints)


class NoticeTests(FailoverCase):
    """A person who waits knows for what."""

    def test_frozen(self) -> None:
        """After two seconds it is said once which server does not answer."""
        desk = self.desk()
        self.ss.answers[Read] = content(b"old")
        desk.type("READ a.txt")
        self.freeze(self.ss)
        self.other.answers[Read] = content(b"new")
        self.later()
        reading = desk.interpreter.line("READ a.txt")
        desk.forget()
        waiting = Deferred.fromCoroutine(reading)
        self.stage.advance(1.9)
        self.assertEqual(desk.complaints, "")
        self.stage.advance(0.2)
        self.assertEqual(desk.complaints, WAITS)
        self.assertEqual(self.run_(waiting), 0)
        self.assertEqual((desk.complaints, desk.seen()), (WAITS, "new"))

    def test_backup(self) -> None:
        """While the backup serves, it is the primary that is waited for."""

        def at_backup(request: Locate, exchange: Any) -> Located:
            found = located(request.path, STORAGE, self.stage.wall())
            return evolve(found, server="ss1_backup")

        self.nm.answers[Locate] = at_backup
        self.freeze_storage_for(3.0)
        desk = self.desk()
        desk.type("READ a.txt")
        self.assertIn("ss1_backup does not answer; waiting for it or ss1 …", desk.complaints)

    def freeze_storage_for(self, seconds: float) -> None:
        """Nobody listens for a while."""
        self.stage.network.silence(STORAGE)
        self.ss.answers[Read] = content(b"x")
        self.stage.clock.callLater(seconds, self.stage.network.listen, STORAGE, self.ss.factory)

    def test_nobody_serves(self) -> None:
        """What the name server says about it is passed on."""
        away = Unavailable("'a.txt' is on ss1, which is away; try again later")
        self.nm.answers[Locate] = away
        self.stage.clock.callLater(4.0, self.nm.answers.update, {Locate: self.stage.locate})
        self.ss.answers[Read] = content(b"x")
        desk = self.desk()
        self.assertEqual(desk.type("READ a.txt"), "x")
        self.assertEqual(desk.complaints, "'a.txt' is on ss1, which is away; waiting …\n")

    def test_name_server(self) -> None:
        """A name server that was there and is not is waited for, and named."""
        self.nm.answers[WhoAmI] = Me("alice")
        desk = self.desk()
        desk.type("WHOAMI")
        self.stage.network.silence(NAME_SERVER)
        self.stage.network.cut(NAME_SERVER)
        self.stage.clock.callLater(4.0, self.stage.network.listen, NAME_SERVER, self.nm.factory)
        desk.type("WHOAMI")
        self.assertEqual(desk.complaints, "the name server does not answer; waiting for it …\n")

    def test_programs(self) -> None:
        """With --json nothing of the kind is written."""
        self.freeze_storage_for(3.0)
        desk = self.desk(json=True)
        desk.type("READ a.txt")
        self.assertEqual((desk.complaints, desk.status), ("", 0))

    def test_uploads(self) -> None:
        """A long transfer that goes well is not taken for a server that does not answer."""

        async def slowly(request: Put, exchange: Any) -> Any:
            while await exchange.content.read():
                await self.pause(1.0)
            return COMMITTED

        self.ss.answers[Put] = slowly
        told: list[str] = []
        self.alice.tell_waits(told.append)
        self.run_(self.alice.put("a.txt", bytes(3_000_000)))
        self.assertGreater(self.stage.clock.seconds(), 2.0)
        self.assertEqual(told, [])

    def pause(self, seconds: float) -> Deferred[None]:
        """Let time pass."""
        over: Deferred[None] = Deferred()
        self.stage.clock.callLater(seconds, over.callback, None)
        return over
