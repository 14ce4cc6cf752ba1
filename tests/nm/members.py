"""
Members of pairs that do as they are told: they ask when there is news, and finish when asked.

Decides how a test gets to a pair in some state in few words, and watches all along that there are
never two leases for one pair.  Must not know what a test is about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import provider

from dfs.core.pairs import Pair, PairState
from dfs.nm.entries import Entry, Place
from dfs.nm.journal import Known, PutDocument, PutPair, PutServer
from dfs.nm.kept import NOTHING, Copy
from dfs.wire.client import Connection
from dfs.wire.exchange import Exchange
from dfs.wire.greeting import greet
from dfs.wire.messages import (
    Admin,
    Beaten,
    Drain,
    Drained,
    Heartbeat,
    Promote,
    Request,
    Servers,
)
from dfs.wire.reception import Handler
from tests.nm.documents import document
from tests.nm.pairs import key
from tests.nm.rig import NM, SECRET, Rig, Storage

#: What both members have of every document at first.
EQUAL = Copy(4, 0, 7)

#: Seconds that a lease lasts.
LEASE = 10.0


@define(eq=False)
class Member(Storage):
    """
    The scripted end of a storage server that is a member of a pair.

    @ivar deaf: it does not ask when there is news.
    @ivar promotes: when it was told that there is news, and in which epoch.
    @ivar drains: how often it was asked to finish.
    @ivar finish: what it answers then; nothing: at once.
    @ivar renoted: which notes it was asked for.
    @ivar answers: what its heartbeats were answered, in order.
    @ivar until: when its lease ends.
    @ivar gone: nobody listens at its address.
    """

    deaf: bool = False
    promotes: list[tuple[float, int]] = field(factory=list)
    drains: int = 0
    finish: Callable[[], Deferred[None] | None] = lambda: None
    answers: list[Beaten] = field(factory=list)
    until: float = -1.0
    gone: bool = False

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """See L{Storage.handlers}."""
        return {**super().handlers(), Promote: self._promote, Drain: self._drain}

    def _promote(self, request: Promote, exchange: Exchange) -> None:
        now = self.rig.clock.seconds()
        self.promotes.append((now, request.epoch))
        if not self.deaf:
            self.ask_to_serve()

    async def _drain(self, request: Drain, exchange: Exchange) -> Drained:
        self.drains += 1
        waiting = self.finish()
        if waiting is not None:
            await waiting
        return Drained(self.seq)

    def ask_to_serve(self) -> None:
        """Send a heartbeat, and take the answer as a storage server does."""
        if self.link is None or self.link.lost:
            return
        sent = self.rig.clock.seconds()
        asked = self.link.ask(Heartbeat(1, 0, 0))
        asked.addCallbacks(self._beaten, lambda failure: None, (sent,))

    def _beaten(self, answer: Beaten, sent: float) -> None:
        self.answers.append(answer)
        self.until = max(self.until, sent + LEASE) if answer.serve else -1.0

    @property
    def leased(self) -> bool:
        """It may serve now."""
        return self.rig.clock.seconds() < self.until

    def asked(self) -> Beaten:
        """What a heartbeat is answered now."""
        before = len(self.answers)
        self.ask_to_serve()
        self.rig.wait(0.01)
        assert len(self.answers) > before, "no answer"
        return self.answers[-1]

    def vanish(self) -> None:
        """Its process is gone, and with it its lease."""
        self.until, self.gone = -1.0, True
        super().vanish()

    def goodbye(self) -> None:
        """It gives its lease up, and says so."""
        self.until = -1.0
        super().goodbye()

    def part(self) -> None:
        """Its connections break, its port answers, and it does not come back by itself."""
        self.rig.network.cut(self.address)
        if self.link is not None:
            self.link.close(abort=True)
        self.rig.wait(0.01)

    def back(self, **changes: Any) -> None:
        """It listens, registers and asks whether it serves."""
        if self.gone:
            self.gone = False
            self.rig.network.listen(self.address, self.factory)
        self.register(**changes)
        self.ask_to_serve()
        self.rig.wait(0.1)


class MembersRig(Rig):
    """
    A test with one pair and whoever else it wants.

    @ivar events: what was logged.
    @ivar count: how many documents both members have.
    """

    count = 3

    def setUp(self) -> None:
        """Start a name server, and see what it logs."""
        self.events: list[LogEvent] = []
        self.members: list[Member] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        super().setUp()
        self.ss1 = self.storage("ss1", 5001)
        self.backup = self.storage("ss1_backup", 5002)

    def storage(self, name: str = "ss1", port: int = 5001) -> Member:
        """A member that has not registered yet."""
        member = Member(self, name, f"127.0.0.1:{port}", name.ljust(32, "0")[:32])
        self.storages[name] = member
        self.members.append(member)
        return member

    def given(
        self,
        state: PairState,
        active: str = "ss1",
        *,
        synced: bool = True,
        epoch: int = 1,
        peer: Copy | None = None,
    ) -> None:
        """The name server starts with a journal that says this; nobody has come yet."""
        self.stop()
        pair = Pair("ss1", epoch, active, state, synced)
        self.disk.apply(PutPair(pair))
        for member in (self.ss1, self.backup):
            member.until = -1.0
            self.disk.apply(PutServer(Known(member.name, member.store_id, member.address)))
        theirs = peer or (EQUAL if synced else NOTHING)
        for number in range(1, self.count + 1):
            stored = evolve(document(number, f"{number}.txt"), home=EQUAL, backup=EQUAL)
            stored = (
                evolve(stored, backup=theirs) if pair.home_active else evolve(stored, home=theirs)
            )
            self.disk.apply(PutDocument(stored))
            for member in (self.ss1, self.backup):
                member.shelf.has(key(number), "4.0")
        self.start()

    def protected(self) -> None:
        """A pair that is in sync, and both members are here."""
        self.given(PairState.PROTECTED)
        self.ss1.back(epoch=1)
        self.backup.back(epoch=1)
        self.assertEqual(self.state(), "PROTECTED")
        self.assertTrue(self.ss1.leased)

    def reversed(self) -> None:
        """A pair that the backup serves, and the home primary follows."""
        self.given(PairState.REVERSED, "ss1_backup", epoch=2)
        self.backup.back(epoch=2)
        self.ss1.back(epoch=1)
        self.assertEqual(self.state(), "REVERSED")
        self.assertTrue(self.backup.leased)

    def wait(self, seconds: float) -> None:
        """Let time pass; never do two members of a pair have a lease."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            super().wait(min(left, 0.25))
            leased = [one.name for one in (self.ss1, self.backup) if one.leased]
            self.assertLess(len(leased), 2, "two leases at once")

    def live(self, seconds: float, *members: Member) -> None:
        """Let time pass in which these, or all that are connected, send their heartbeats."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            for member in members or self.members:
                member.ask_to_serve()
            self.wait(min(4.0, left))

    @property
    def place(self) -> Place:
        """The pair."""
        return self.nm.index.places["ss1"]

    def state(self) -> str:
        """How the pair is; the journal says the same."""
        pair = self.place.pair
        self.assertEqual(self.disk.pairs["ss1"], pair)
        return pair.state.value

    def serves(self) -> str:
        """Who has a lease."""
        return ",".join(one.name for one in (self.ss1, self.backup) if one.leased)

    def entry(self, number: int = 1) -> Entry:
        """A document."""
        entry = self.nm.index.by_id(number)
        assert entry is not None
        return entry

    def write(self, member: Member, version: str, number: int = 1, **changes: Any) -> None:
        """A member has a new version, and says so."""
        member.shelf.has(key(number), version)
        member.note(key(number), version, **{"metadata_number": 7, **changes})

    def stuck(self) -> Deferred[None]:
        """Something that does not come."""
        return Deferred()

    def logged(self, event: str) -> list[LogEvent]:
        """All events of a name, without what the logger adds."""
        found = [one for one in self.events if one.get("log_event") == event]
        return [{k: one[k] for k in one if not k.startswith("log_")} for one in found]

    def defects(self) -> None:
        """Nothing happened that was not foreseen."""
        failures = self.flushLoggedErrors()
        self.assertEqual([one.getTraceback() for one in failures], [])

    def operator(self) -> Connection:
        """Somebody with the secret."""
        connection = self.get(self.network.dial(NM))
        self.wait_for(
            greet(
                connection,
                role="admin",
                name="op",
                peer_role="nm",
                secret=SECRET,
                entropy=self.entropy,
            )
        )
        return connection

    def order(self, deed: str, target: str = "ss1", other: str = "", *, loss: bool = False) -> None:
        """An operator orders something."""
        self.ask(self.operator(), Admin(deed, target, other, loss))

    def line(self, name: str) -> Any:
        """What SERVERS says of one."""
        [line] = [one for one in self.items(self.person("alice"), Servers()) if one.name == name]
        return line
